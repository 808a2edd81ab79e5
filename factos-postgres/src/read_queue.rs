//! Reads that come while others are under way: their first pages are asked for together.
//!
//! What is read together waits for nobody: a read that meets a writer in flight is told so, and goes on
//! alone. So does each if the statement fails, and meets the error by itself.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use factos::ReadOptions;
use tokio::sync::oneshot;

use crate::{
    error::Error,
    names::Names,
    read::{Begun, Reader, Selection},
    read_many::Waiting,
    workers::{Worker, Workers},
};

/// How many reads go alone at a time, and how many statements that read for several.
const ALONE: usize = 2;
const WORKERS: usize = 2;

#[derive(Debug)]
pub(crate) struct ReadQueue {
    waiting: Arc<Workers<Waiting>>,
    alone: AtomicUsize,
}

impl ReadQueue {
    pub(crate) fn new() -> Self {
        // Whoever is not answered goes on alone.
        Self { waiting: Arc::new(Workers::new(drop)), alone: AtomicUsize::new(0) }
    }

    /// The first page of a read.
    pub(crate) async fn begin(
        &self,
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
        start(reader, self.waiting.push(waiting, WORKERS));
        match begun.await {
            Ok(begun) => Ok(begun),
            Err(_) => {
                let _turn = reader.connections.turn_to_wait(reader.lock_timeout).await?;
                reader.begin(selection, Some(names), options).await
            }
        }
    }

    fn go_alone(&self) -> Option<Alone<'_>> {
        let more = |alone| (alone < ALONE).then_some(alone + 1);
        let went = self.alone.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        went.is_ok().then(|| Alone(&self.alone))
    }
}

/// A read that goes alone.
struct Alone<'a>(&'a AtomicUsize);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn start(reader: &Arc<Reader>, worker: Option<Worker<Waiting>>) {
    if let Some(worker) = worker {
        tokio::spawn(run(Arc::clone(reader), worker));
    }
}

async fn run(reader: Arc<Reader>, mut worker: Worker<Waiting>) {
    let queue = worker.queue();
    let others = || start(&reader, queue.another(WORKERS));
    while let Some(group) = worker.next(|waiting| take(waiting, reader.most_names)).await {
        others();
        worker.work(reader.begin_many(group), others).await;
    }
}

/// As many as fit: each name takes a lock.
fn take(waiting: &mut VecDeque<Waiting>, most_names: usize) -> Option<Vec<Waiting>> {
    let (mut group, mut names) = (Vec::new(), 0);
    while let Some(next) = waiting.front() {
        names += next.names.len();
        if names > most_names && !group.is_empty() {
            break;
        }
        group.extend(waiting.pop_front().filter(|next| !next.reply.is_closed()));
    }
    (!group.is_empty()).then_some(group)
}
