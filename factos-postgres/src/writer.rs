//! Group commit: appends that wait are sent together, by a few workers.
//!
//! A worker is a task of the runtime of whoever appended when there were too few of them, and lives
//! while there is something to send.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use factos::StoreError;
use tokio::sync::oneshot;

use crate::{
    append::{Batch, Verdict},
    error::Error,
    gathering::gather,
    group::Group,
    store::Shared,
};

#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) batch: Batch,
    pub(crate) reply: oneshot::Sender<Verdict>,
}

#[derive(Debug, Default)]
pub(crate) struct Queue(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    appends: VecDeque<Append>,
    workers: usize,
    /// Workers that have not taken their group yet.
    gathering: usize,
}

impl Queue {
    /// Queues an append, and starts a worker if none is about to take it.
    pub(crate) fn push(&self, shared: &Arc<Shared>, append: Append) {
        let mut state = self.lock();
        state.appends.push_back(append);
        if state.gathering == 0 && state.workers < shared.config.workers {
            state.start(shared);
        }
    }

    fn len(&self) -> usize {
        self.lock().appends.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn start(&mut self, shared: &Arc<Shared>) {
        self.workers += 1;
        self.gathering += 1;
        tokio::spawn(
            Worker { shared: Arc::clone(shared), gathering: true, is_counted: true }.run(),
        );
    }
}

struct Worker {
    shared: Arc<Shared>,
    gathering: bool,
    /// Whether it is one of the queue's workers still.
    is_counted: bool,
}

impl Worker {
    async fn run(mut self) {
        loop {
            gather(|| self.shared.queue.len()).await;
            let Some(group) = self.take() else { return };
            group.write_at_once(&self.shared).await;
            self.shared.queue.lock().gathering += 1;
            self.gathering = true;
        }
    }

    fn take(&mut self) -> Option<Group> {
        let mut state = self.shared.queue.lock();
        let group = Group::take(&mut state.appends, &self.shared.config, self.shared.known());
        state.gathering -= 1;
        self.gathering = false;
        if group.is_empty() {
            // Before anybody else looks: whoever comes next starts another.
            state.workers -= 1;
            self.is_counted = false;
            return None;
        }
        let more = !state.appends.is_empty() && state.gathering == 0;
        if more && state.workers < self.shared.config.workers {
            state.start(&self.shared);
        }
        Some(group)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.is_counted {
            return;
        }
        let mut state = self.shared.queue.lock();
        state.workers -= 1;
        state.gathering -= usize::from(self.gathering);
        // Its runtime ended, and nobody else may come to take what is queued.
        let left =
            if state.workers == 0 { std::mem::take(&mut state.appends) } else { VecDeque::new() };
        drop(state);
        for append in left {
            drop(append.reply.send(Err(StoreError::from(Error::NotSent).into())));
        }
    }
}
