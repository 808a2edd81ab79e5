//! Work that waits is taken together, by a few workers.
//!
//! A worker belongs to a task of whoever came when there were too few of them, and stays while something
//! waits.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::task::yield_now;

/// What waits, and how many workers there are for it.
#[derive(Debug)]
pub(crate) struct Workers<T> {
    state: Mutex<State<T>>,
    /// What is done with work that no worker is left for.
    abandon: fn(T),
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<T>,
    workers: usize,
    /// Those that have not taken their part yet.
    gathering: usize,
}

impl<T> Workers<T> {
    pub(crate) const fn new(abandon: fn(T)) -> Self {
        let state = State { waiting: VecDeque::new(), workers: 0, gathering: 0 };
        Self { state: Mutex::new(state), abandon }
    }

    /// Queues work. If nobody is about to take it, the result is a worker to be run.
    pub(crate) fn push(self: &Arc<Self>, work: T, most: usize) -> Option<Worker<T>> {
        let mut state = self.lock();
        state.waiting.push_back(work);
        self.start(&mut state, most)
    }

    /// One more worker, for what is still waiting.
    pub(crate) fn another(self: &Arc<Self>, most: usize) -> Option<Worker<T>> {
        self.start(&mut self.lock(), most)
    }

    fn start(self: &Arc<Self>, state: &mut State<T>, most: usize) -> Option<Worker<T>> {
        if state.waiting.is_empty() || state.gathering > 0 || state.workers >= most {
            return None;
        }
        state.workers += 1;
        state.gathering += 1;
        Some(Worker { workers: Arc::clone(self), is_gathering: true, is_counted: true })
    }

    fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(crate) struct Worker<T> {
    workers: Arc<Workers<T>>,
    is_gathering: bool,
    is_counted: bool,
}

impl<T> Worker<T> {
    /// What `take` takes of the work that waits: it takes some, and returns none if that has become
    /// pointless. None once nothing waits; the worker is then no more.
    pub(crate) async fn next<G>(
        &mut self,
        take: impl Fn(&mut VecDeque<T>) -> Option<G>,
    ) -> Option<G> {
        if !self.is_gathering {
            self.workers.lock().gathering += 1;
            self.is_gathering = true;
        }
        self.gather().await;
        let mut state = self.workers.lock();
        let mut taken = None;
        while taken.is_none() && !state.waiting.is_empty() {
            taken = take(&mut state.waiting);
        }
        state.gathering -= 1;
        self.is_gathering = false;
        if taken.is_none() {
            // Before anybody else looks: whoever comes next starts another.
            state.workers -= 1;
            self.is_counted = false;
        }
        taken
    }

    /// Lets whoever was just answered, or is about to ask, join without a clock, so that it need not wait
    /// for the next time.
    async fn gather(&self) {
        let mut waiting = self.workers.len();
        loop {
            yield_now().await;
            let now = self.workers.len();
            if now <= waiting {
                return;
            }
            waiting = now;
        }
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        if !self.is_counted {
            return;
        }
        let mut state = self.workers.lock();
        state.workers -= 1;
        state.gathering -= usize::from(self.is_gathering);
        // Its runtime ended, and nobody else may come to take what is queued.
        let left =
            if state.workers == 0 { std::mem::take(&mut state.waiting) } else { VecDeque::new() };
        drop(state);
        left.into_iter().for_each(self.workers.abandon);
    }
}
