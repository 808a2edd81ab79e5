//! Queued work, taken in batches by a few tasks.
//!
//! There is no task without work: a push that finds too few workers starts one, and a worker ends once the
//! queue is empty.

use std::{
    collections::VecDeque,
    mem,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{task::yield_now, time::timeout};

/// A worker whose batch takes longer may be replaced, so that nobody waits for it.
const SLOW: Duration = Duration::from_millis(50);

/// Queued work, and the count of its workers.
#[derive(Debug)]
pub(crate) struct WorkQueue<T> {
    state: Mutex<State<T>>,
    /// How many workers there may be, and as many slow ones besides.
    most: usize,
    /// What becomes of queued work when the last worker was dropped.
    abandon: fn(T),
}

#[derive(Debug)]
struct State<T> {
    queued: VecDeque<T>,
    workers: usize,
    /// The workers that are about to take a batch.
    taking: usize,
    /// The workers whose batch takes long.
    slow: usize,
    /// How much work is in the batches of the other workers.
    in_flight: usize,
}

impl<T> WorkQueue<T> {
    pub(crate) const fn new(most: usize, abandon: fn(T)) -> Self {
        let state = State { queued: VecDeque::new(), workers: 0, taking: 0, slow: 0, in_flight: 0 };
        Self { state: Mutex::new(state), most, abandon }
    }

    /// Queues work. The result is a worker to run if none is about to take a batch, and at least as much is
    /// queued as is in flight: less work is cheaper in the next batch than in one of its own.
    pub(crate) fn push(self: &Arc<Self>, work: T) -> Option<Worker<T>> {
        let mut state = self.lock();
        state.queued.push_back(work);
        self.add_worker(&mut state)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().queued.is_empty()
    }

    /// One more worker for what is still queued.
    fn another(self: &Arc<Self>) -> Option<Worker<T>> {
        self.add_worker(&mut self.lock())
    }

    fn add_worker(self: &Arc<Self>, state: &mut State<T>) -> Option<Worker<T>> {
        let queued = state.queued.len();
        let is_enough = queued > 0 && queued >= state.in_flight;
        if !is_enough || state.taking > 0 || state.workers >= self.most_beside(state.slow) {
            return None;
        }
        state.workers += 1;
        state.taking += 1;
        Some(Worker { queue: Arc::clone(self), stage: Stage::Taking })
    }

    fn most_beside(&self, slow: usize) -> usize {
        self.most.saturating_add(slow.min(self.most))
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(crate) struct Worker<T> {
    queue: Arc<WorkQueue<T>>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Taking,
    /// With a batch of this size.
    Working(usize),
    /// With a batch that takes long: another worker may take its place.
    Slow,
    /// No longer counted as a worker.
    Ended,
}

impl<T> Worker<T> {
    /// Takes batches and works on them until the queue is empty. `take` takes a batch from the queue, or none
    /// if nothing of what it took off needs work. `start` runs a further worker.
    pub(crate) async fn run<B, W: Future<Output = ()>>(
        mut self,
        take: impl Fn(&mut VecDeque<T>) -> Option<B>,
        work: impl Fn(B) -> W,
        start: impl Fn(Self),
    ) {
        while let Some(batch) = self.next(&take).await {
            self.queue.another().into_iter().for_each(&start);
            self.finish(work(batch), &start).await;
        }
    }

    /// The next batch; none once the queue is empty, which ends the worker.
    async fn next<B>(&mut self, take: impl Fn(&mut VecDeque<T>) -> Option<B>) -> Option<B> {
        if !self.is_needed() {
            return None;
        }
        self.gather().await;
        let mut state = self.queue.lock();
        let mut batch = None;
        let mut taken = 0;
        while batch.is_none() && !state.queued.is_empty() {
            let queued = state.queued.len();
            batch = take(&mut state.queued);
            taken = queued - state.queued.len();
        }
        state.taking -= 1;
        if batch.is_some() {
            state.in_flight += taken;
            self.stage = Stage::Working(taken);
        } else {
            // Under the same lock, so that the next push starts another worker.
            state.workers -= 1;
            self.stage = Stage::Ended;
        }
        batch
    }

    /// Whether the worker goes on after its batch: not if another took its place meanwhile.
    fn is_needed(&mut self) -> bool {
        let mut state = self.queue.lock();
        match self.stage {
            Stage::Taking => return true,
            Stage::Ended => return false,
            Stage::Working(taken) => state.in_flight -= taken,
            Stage::Slow => state.slow -= 1,
        }
        let is_needed = state.workers <= self.queue.most_beside(state.slow);
        if is_needed {
            state.taking += 1;
            self.stage = Stage::Taking;
        } else {
            state.workers -= 1;
            self.stage = Stage::Ended;
        }
        is_needed
    }

    /// Awaits the work. If it takes long, another worker may be started.
    async fn finish(&mut self, work: impl Future<Output = ()>, start: impl Fn(Self)) {
        let mut work = pin!(work);
        if timeout(SLOW, &mut work).await.is_err() {
            if let Stage::Working(taken) = self.stage {
                let mut state = self.queue.lock();
                state.in_flight -= taken;
                state.slow += 1;
                self.stage = Stage::Slow;
            }
            self.queue.another().into_iter().for_each(start);
            work.await;
        }
    }

    /// Yields for as long as the queue grows, so that the callers that were just answered can join this
    /// batch. It needs no timer.
    async fn gather(&self) {
        let mut queued = self.queue.lock().queued.len();
        loop {
            yield_now().await;
            let now = self.queue.lock().queued.len();
            if now <= queued {
                return;
            }
            queued = now;
        }
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        match self.stage {
            Stage::Taking => state.taking -= 1,
            Stage::Working(taken) => state.in_flight -= taken,
            Stage::Slow => state.slow -= 1,
            Stage::Ended => return,
        }
        state.workers -= 1;
        // The worker's runtime ended. Nobody may come to start another one.
        let is_last = state.workers == 0;
        let left = if is_last { mem::take(&mut state.queued) } else { VecDeque::new() };
        drop(state);
        left.into_iter().for_each(self.queue.abandon);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 2;

    fn all(queued: &mut VecDeque<u32>) -> Option<Vec<u32>> {
        (!queued.is_empty()).then(|| queued.drain(..).collect())
    }

    async fn three_in_flight() -> (Arc<WorkQueue<u32>>, Worker<u32>) {
        three_in_flight_of(MOST).await
    }

    /// A queue of at most so many workers, one of which has taken three.
    async fn three_in_flight_of(most: usize) -> (Arc<WorkQueue<u32>>, Worker<u32>) {
        let queue = Arc::new(WorkQueue::new(most, drop));
        let mut worker = queue.push(1).unwrap();
        assert!(queue.push(2).is_none() && queue.push(3).is_none());
        assert_eq!(worker.next(all).await, Some(vec![1, 2, 3]));
        (queue, worker)
    }

    #[tokio::test]
    async fn another_starts_once_as_much_is_queued_as_is_in_flight() {
        for most in [MOST, MOST + 1, usize::MAX] {
            let (queue, _worker) = three_in_flight_of(most).await;
            assert!(queue.push(4).is_none() && queue.push(5).is_none());
            let mut another = queue.push(6).unwrap();
            assert_eq!(another.next(all).await, Some(vec![4, 5, 6]));
            assert!((7..12).all(|work| queue.push(work).is_none()));
            assert_eq!(queue.push(12).is_some(), most > MOST);
        }
    }

    #[tokio::test]
    async fn a_worker_that_is_done_takes_the_next_batch() {
        let (queue, mut worker) = three_in_flight().await;
        assert!(queue.push(4).is_none());
        assert_eq!(worker.next(all).await, Some(vec![4]));
        assert_eq!(worker.next(all).await, None);
        assert!(queue.push(5).is_some());
    }

    #[tokio::test]
    async fn a_dropped_worker_and_abandoned_work_hold_nobody_up() {
        let (queue, worker) = three_in_flight().await;
        drop(worker);
        let mut worker = queue.push(4).unwrap();
        let abandoned = |queued: &mut VecDeque<u32>| -> Option<()> {
            queued.clear();
            None
        };
        assert_eq!(worker.next(abandoned).await, None);
        let mut worker = queue.push(5).unwrap();
        assert_eq!(worker.next(all).await, Some(vec![5]));
        assert!(queue.push(6).is_some());
    }

    /// Lets the worker become slow; the worker that is started then.
    async fn becomes_slow(worker: &mut Worker<u32>) -> Option<Worker<u32>> {
        let another = std::cell::Cell::new(None);
        worker.finish(tokio::time::sleep(2 * SLOW), |more| another.set(Some(more))).await;
        another.take()
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_worker_holds_nobody_up() {
        let (queue, mut worker) = three_in_flight().await;
        assert!(queue.push(4).is_none());
        let mut another = becomes_slow(&mut worker).await.unwrap();
        assert_eq!(another.next(all).await, Some(vec![4]));
        another.finish(tokio::time::sleep(SLOW / 2), |_| unreachable!()).await;
        assert_eq!(another.next(all).await, None);
        assert_eq!(worker.next(all).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn any_number_of_workers_may_be_slow() {
        let (queue, mut worker) = three_in_flight_of(usize::MAX).await;
        assert!(queue.push(4).is_none());
        let mut another = becomes_slow(&mut worker).await.unwrap();
        assert_eq!(another.next(all).await, Some(vec![4]));
        assert!(becomes_slow(&mut another).await.is_none());
        assert!(queue.push(5).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_was_replaced_ends() {
        let (queue, mut worker) = three_in_flight_of(1).await;
        assert!(queue.push(4).is_none());
        let mut another = becomes_slow(&mut worker).await.unwrap();
        assert_eq!(another.next(all).await, Some(vec![4]));
        assert!(queue.push(5).is_none());
        assert_eq!(worker.next(all).await, None);
        assert_eq!(another.next(all).await, Some(vec![5]));
        assert_eq!(another.next(all).await, None);
        assert!(queue.push(6).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_workers_again_may_be_slow() {
        let (queue, mut worker) = three_in_flight_of(1).await;
        assert!(queue.push(4).is_none());
        let mut another = becomes_slow(&mut worker).await.unwrap();
        assert_eq!(another.next(all).await, Some(vec![4]));
        assert!(becomes_slow(&mut another).await.is_none());
        assert!(queue.push(5).is_none());
        assert_eq!(worker.next(all).await, Some(vec![5]));
        assert_eq!(another.next(all).await, None);
        drop(worker);
        assert!(queue.push(6).is_some());
    }
}
