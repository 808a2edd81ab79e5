//! Reads that come while others are under way: their first pages are asked for together.
//!
//! What is read together waits for nobody: a read that meets a writer in flight is told so, and goes on
//! alone. So does each if the statement fails, and meets the error by itself.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use factos::ReadOptions;
use tokio::sync::oneshot;

use crate::{
    error::Error,
    gathering::gather,
    names::Names,
    read::{Begun, Reader, Selection},
    read_many::Waiting,
};

/// How many reads go alone at a time, and how many statements that read for several.
const ALONE: usize = 2;
const WORKERS: usize = 2;

#[derive(Debug, Default)]
pub(crate) struct ReadQueue(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    alone: usize,
    workers: usize,
    /// Workers that have not taken their reads yet.
    gathering: usize,
}

impl ReadQueue {
    /// The first page of a read.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        reader: &Arc<Reader>,
        selection: &Selection,
        names: Option<&Names>,
        options: ReadOptions,
    ) -> Result<Begun, Error> {
        let Some(names) = names.filter(|_| !options.backwards) else {
            let _turn = reader.connections.turn_to_wait(reader.lock_timeout).await?;
            return reader.begin(selection, names, options).await;
        };
        if let Some(_alone) = self.go_alone() {
            return reader.begin(selection, Some(names), options).await;
        }
        let (reply, begun) = oneshot::channel();
        let waiting =
            Waiting { selection: selection.clone(), names: names.clone(), options, reply };
        self.push(reader, waiting);
        match begun.await {
            Ok(begun) => Ok(begun),
            Err(_) => {
                let _turn = reader.connections.turn_to_wait(reader.lock_timeout).await?;
                reader.begin(selection, Some(names), options).await
            }
        }
    }

    fn go_alone(&self) -> Option<Alone<'_>> {
        let mut state = self.lock();
        let few = state.alone < ALONE;
        state.alone += usize::from(few);
        few.then(|| Alone(self))
    }

    fn push(self: &Arc<Self>, reader: &Arc<Reader>, waiting: Waiting) {
        let mut state = self.lock();
        state.waiting.push_back(waiting);
        if state.gathering == 0 && state.workers < WORKERS {
            state.workers += 1;
            state.gathering += 1;
            let (queue, reader) = (Arc::clone(self), Arc::clone(reader));
            tokio::spawn(Worker { queue, reader, gathering: true, is_counted: true }.run());
        }
    }

    fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Alone<'a>(&'a ReadQueue);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.lock().alone -= 1;
    }
}

struct Worker {
    queue: Arc<ReadQueue>,
    reader: Arc<Reader>,
    gathering: bool,
    /// Whether it is one of the queue's workers still.
    is_counted: bool,
}

impl Worker {
    async fn run(mut self) {
        loop {
            gather(|| self.queue.len()).await;
            let Some(group) = self.take() else { return };
            self.reader.begin_many(group).await;
            self.queue.lock().gathering += 1;
            self.gathering = true;
        }
    }

    fn take(&mut self) -> Option<Vec<Waiting>> {
        let mut state = self.queue.lock();
        let group = state.take_group(self.reader.most_names);
        state.gathering -= 1;
        self.gathering = false;
        if group.is_empty() {
            // Before anybody else looks: whoever comes next starts another.
            state.workers -= 1;
            self.is_counted = false;
            return None;
        }
        Some(group)
    }
}

impl State {
    /// As many as fit: each name takes a lock.
    fn take_group(&mut self, most_names: usize) -> Vec<Waiting> {
        let (mut group, mut names) = (Vec::new(), 0);
        while let Some(next) = self.waiting.front() {
            names += next.names.len();
            if names > most_names && !group.is_empty() {
                break;
            }
            group.extend(self.waiting.pop_front().filter(|next| !next.reply.is_closed()));
        }
        group
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.is_counted {
            return;
        }
        let mut state = self.queue.lock();
        state.workers -= 1;
        state.gathering -= usize::from(self.gathering);
        // Its runtime ended, and nobody else may come: who waits goes on alone.
        let left =
            if state.workers == 0 { std::mem::take(&mut state.waiting) } else { VecDeque::new() };
        drop(state);
        drop(left);
    }
}
