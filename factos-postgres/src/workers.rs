//! Work that waits is taken together, by a few workers.
//!
//! A worker belongs to a task of whoever came when there were too few of them, and stays while something
//! waits.

use std::{
    collections::VecDeque,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{task::yield_now, time::timeout};

/// What takes longer is not waited for by those who come after it.
const LONG: Duration = Duration::from_millis(50);

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
    /// How much the others have taken, without what takes long.
    under_way: usize,
}

impl<T> Workers<T> {
    pub(crate) const fn new(abandon: fn(T)) -> Self {
        let state = State { waiting: VecDeque::new(), workers: 0, gathering: 0, under_way: 0 };
        Self { state: Mutex::new(state), abandon }
    }

    /// Queues work. If nobody is about to take it, and no less waits than is under way, the result is a
    /// worker to be run: a few pieces are cheaper with the next ones than by themselves.
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
        let waiting = state.waiting.len();
        if waiting == 0 || waiting < state.under_way || state.gathering > 0 || state.workers >= most
        {
            return None;
        }
        state.workers += 1;
        state.gathering += 1;
        Some(Worker { workers: Arc::clone(self), is_gathering: true, is_counted: true, taken: 0 })
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
    taken: usize,
}

impl<T> Worker<T> {
    pub(crate) fn queue(&self) -> Arc<Workers<T>> {
        Arc::clone(&self.workers)
    }

    /// What `take` takes of the work that waits: it takes some, and returns none if that has become
    /// pointless. None once nothing waits; the worker is then no more.
    pub(crate) async fn next<G>(
        &mut self,
        take: impl Fn(&mut VecDeque<T>) -> Option<G>,
    ) -> Option<G> {
        if !self.is_gathering {
            let mut state = self.workers.lock();
            state.gathering += 1;
            state.under_way -= std::mem::take(&mut self.taken);
            self.is_gathering = true;
        }
        self.gather().await;
        let mut state = self.workers.lock();
        let mut taken = None;
        while taken.is_none() && !state.waiting.is_empty() {
            let waiting = state.waiting.len();
            taken = take(&mut state.waiting);
            self.taken = waiting - state.waiting.len();
        }
        state.gathering -= 1;
        self.is_gathering = false;
        if taken.is_some() {
            state.under_way += self.taken;
        } else {
            // Before anybody else looks: whoever comes next starts another.
            state.workers -= 1;
            self.is_counted = false;
        }
        taken
    }

    /// Does what was taken. If that takes long, `others` is called: those who wait need not wait for it.
    pub(crate) async fn work(&mut self, work: impl Future<Output = ()>, others: impl FnOnce()) {
        let mut work = pin!(work);
        if timeout(LONG, &mut work).await.is_err() {
            self.workers.lock().under_way -= std::mem::take(&mut self.taken);
            others();
            work.await;
        }
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
        state.under_way -= self.taken;
        // Its runtime ended, and nobody else may come to take what is queued.
        let left =
            if state.workers == 0 { std::mem::take(&mut state.waiting) } else { VecDeque::new() };
        drop(state);
        left.into_iter().for_each(self.workers.abandon);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 2;

    fn all(waiting: &mut VecDeque<u32>) -> Option<Vec<u32>> {
        (!waiting.is_empty()).then(|| waiting.drain(..).collect())
    }

    /// With a worker that has taken three.
    async fn three_under_way() -> (Arc<Workers<u32>>, Worker<u32>) {
        let workers = Arc::new(Workers::new(drop));
        let mut worker = workers.push(1, MOST).unwrap();
        assert!(workers.push(2, MOST).is_none() && workers.push(3, MOST).is_none());
        assert_eq!(worker.next(all).await, Some(vec![1, 2, 3]));
        (workers, worker)
    }

    #[tokio::test]
    async fn another_starts_once_no_less_waits_than_is_under_way() {
        let (workers, _worker) = three_under_way().await;
        assert!(workers.push(4, MOST).is_none() && workers.push(5, MOST).is_none());
        let mut another = workers.push(6, MOST).unwrap();
        assert_eq!(another.next(all).await, Some(vec![4, 5, 6]));
        assert!((7..20).all(|work| workers.push(work, MOST).is_none()));
        assert!(workers.push(20, MOST + 1).is_some());
    }

    #[tokio::test]
    async fn who_is_done_takes_what_waits() {
        let (workers, mut worker) = three_under_way().await;
        assert!(workers.push(4, MOST).is_none());
        assert_eq!(worker.next(all).await, Some(vec![4]));
        assert_eq!(worker.next(all).await, None);
        assert!(workers.push(5, MOST).is_some());
    }

    #[tokio::test]
    async fn what_is_gone_or_pointless_holds_nobody_up() {
        let (workers, worker) = three_under_way().await;
        drop(worker);
        let mut worker = workers.push(4, MOST).unwrap();
        let pointless = |waiting: &mut VecDeque<u32>| -> Option<()> {
            waiting.clear();
            None
        };
        assert_eq!(worker.next(pointless).await, None);
        let mut worker = workers.push(5, MOST).unwrap();
        assert_eq!(worker.next(all).await, Some(vec![5]));
        assert!(workers.push(6, MOST).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_long_holds_nobody_up() {
        let (workers, mut worker) = three_under_way().await;
        assert!(workers.push(4, MOST).is_none());
        let mut another = None;
        worker.work(tokio::time::sleep(2 * LONG), || another = workers.another(MOST)).await;
        assert_eq!(another.unwrap().next(all).await, Some(vec![4]));
        worker.work(tokio::time::sleep(LONG / 2), || unreachable!()).await;
        assert_eq!(worker.next(all).await, None);
    }
}
