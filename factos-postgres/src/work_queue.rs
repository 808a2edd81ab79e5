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

/// What takes longer is not waited for by those who come after it: its worker may be replaced.
const LONG: Duration = Duration::from_millis(50);

/// What waits, and how many workers there are for it.
#[derive(Debug)]
pub(crate) struct Workers<T> {
    state: Mutex<State<T>>,
    /// How many workers there may be, besides as many again that take long.
    most: usize,
    /// What is done with work that no worker is left for.
    abandon: fn(T),
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<T>,
    workers: usize,
    /// Those that have not taken their part yet.
    gathering: usize,
    /// Those whose work takes long.
    long: usize,
    /// How much the others have taken.
    under_way: usize,
}

impl<T> Workers<T> {
    pub(crate) const fn new(most: usize, abandon: fn(T)) -> Self {
        let state =
            State { waiting: VecDeque::new(), workers: 0, gathering: 0, long: 0, under_way: 0 };
        Self { state: Mutex::new(state), most, abandon }
    }

    /// Queues work. If nobody is about to take it, and no less waits than is under way, the result is a
    /// worker to be run: a few pieces are cheaper with the next ones than by themselves.
    pub(crate) fn push(self: &Arc<Self>, work: T) -> Option<Worker<T>> {
        let mut state = self.lock();
        state.waiting.push_back(work);
        self.start(&mut state)
    }

    /// One more worker, for what is still waiting.
    fn another(self: &Arc<Self>) -> Option<Worker<T>> {
        self.start(&mut self.lock())
    }

    fn start(self: &Arc<Self>, state: &mut State<T>) -> Option<Worker<T>> {
        let waiting = state.waiting.len();
        let is_enough = waiting > 0 && waiting >= state.under_way;
        if !is_enough || state.gathering > 0 || state.workers >= self.most_beside(state.long) {
            return None;
        }
        state.workers += 1;
        state.gathering += 1;
        Some(Worker { workers: Arc::clone(self), stage: Stage::Gathering })
    }

    fn most_beside(&self, long: usize) -> usize {
        self.most.saturating_add(long.min(self.most))
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
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Gathering,
    /// With so much that is under way.
    Working(usize),
    /// Still working, and replaced by another if something waits.
    Long,
    /// No more one of the workers.
    Over,
}

impl<T> Worker<T> {
    /// Takes and works for as long as something waits. `take` takes some of what waits, and returns none if
    /// that has become pointless. `start` is given a further worker that is to be run.
    pub(crate) async fn run<G, W: Future<Output = ()>>(
        mut self,
        take: impl Fn(&mut VecDeque<T>) -> Option<G>,
        work: impl Fn(G) -> W,
        start: impl Fn(Self),
    ) {
        while let Some(taken) = self.next(&take).await {
            self.workers.another().into_iter().for_each(&start);
            self.see_through(work(taken), &start).await;
        }
    }

    /// None once nothing waits; the worker is then no more.
    async fn next<G>(&mut self, take: impl Fn(&mut VecDeque<T>) -> Option<G>) -> Option<G> {
        if !self.begins_again() {
            return None;
        }
        self.gather().await;
        let mut state = self.workers.lock();
        let mut taken = None;
        let mut count = 0;
        while taken.is_none() && !state.waiting.is_empty() {
            let waiting = state.waiting.len();
            taken = take(&mut state.waiting);
            count = waiting - state.waiting.len();
        }
        state.gathering -= 1;
        if taken.is_some() {
            state.under_way += count;
            self.stage = Stage::Working(count);
        } else {
            // Before anybody else looks: whoever comes next starts another.
            state.workers -= 1;
            self.stage = Stage::Over;
        }
        taken
    }

    /// Whether this is still one of the workers: not if others took its place meanwhile.
    fn begins_again(&mut self) -> bool {
        let mut state = self.workers.lock();
        match self.stage {
            Stage::Gathering => return true,
            Stage::Over => return false,
            Stage::Working(taken) => state.under_way -= taken,
            Stage::Long => state.long -= 1,
        }
        let is_one_of_them = state.workers <= self.workers.most_beside(state.long);
        if is_one_of_them {
            state.gathering += 1;
            self.stage = Stage::Gathering;
        } else {
            state.workers -= 1;
            self.stage = Stage::Over;
        }
        is_one_of_them
    }

    /// If the work takes long, those who wait need not wait for it.
    async fn see_through(&mut self, work: impl Future<Output = ()>, start: impl Fn(Self)) {
        let mut work = pin!(work);
        if timeout(LONG, &mut work).await.is_err() {
            if let Stage::Working(taken) = self.stage {
                let mut state = self.workers.lock();
                state.under_way -= taken;
                state.long += 1;
                self.stage = Stage::Long;
            }
            self.workers.another().into_iter().for_each(start);
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
        let mut state = self.workers.lock();
        match self.stage {
            Stage::Gathering => state.gathering -= 1,
            Stage::Working(taken) => state.under_way -= taken,
            Stage::Long => state.long -= 1,
            Stage::Over => return,
        }
        state.workers -= 1;
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

    async fn three_under_way() -> (Arc<Workers<u32>>, Worker<u32>) {
        three_under_way_of(MOST).await
    }

    /// With a worker that has taken three.
    async fn three_under_way_of(most: usize) -> (Arc<Workers<u32>>, Worker<u32>) {
        let workers = Arc::new(Workers::new(most, drop));
        let mut worker = workers.push(1).unwrap();
        assert!(workers.push(2).is_none() && workers.push(3).is_none());
        assert_eq!(worker.next(all).await, Some(vec![1, 2, 3]));
        (workers, worker)
    }

    #[tokio::test]
    async fn another_starts_once_no_less_waits_than_is_under_way() {
        for most in [MOST, MOST + 1, usize::MAX] {
            let (workers, _worker) = three_under_way_of(most).await;
            assert!(workers.push(4).is_none() && workers.push(5).is_none());
            let mut another = workers.push(6).unwrap();
            assert_eq!(another.next(all).await, Some(vec![4, 5, 6]));
            assert!((7..12).all(|work| workers.push(work).is_none()));
            assert_eq!(workers.push(12).is_some(), most > MOST);
        }
    }

    #[tokio::test]
    async fn who_is_done_takes_what_waits() {
        let (workers, mut worker) = three_under_way().await;
        assert!(workers.push(4).is_none());
        assert_eq!(worker.next(all).await, Some(vec![4]));
        assert_eq!(worker.next(all).await, None);
        assert!(workers.push(5).is_some());
    }

    #[tokio::test]
    async fn what_is_gone_or_pointless_holds_nobody_up() {
        let (workers, worker) = three_under_way().await;
        drop(worker);
        let mut worker = workers.push(4).unwrap();
        let pointless = |waiting: &mut VecDeque<u32>| -> Option<()> {
            waiting.clear();
            None
        };
        assert_eq!(worker.next(pointless).await, None);
        let mut worker = workers.push(5).unwrap();
        assert_eq!(worker.next(all).await, Some(vec![5]));
        assert!(workers.push(6).is_some());
    }

    /// Until the work has taken long; what is started then.
    async fn takes_long(worker: &mut Worker<u32>) -> Option<Worker<u32>> {
        let another = std::cell::Cell::new(None);
        worker.see_through(tokio::time::sleep(2 * LONG), |more| another.set(Some(more))).await;
        another.take()
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_long_holds_nobody_up() {
        let (workers, mut worker) = three_under_way().await;
        assert!(workers.push(4).is_none());
        let mut another = takes_long(&mut worker).await.unwrap();
        assert_eq!(another.next(all).await, Some(vec![4]));
        another.see_through(tokio::time::sleep(LONG / 2), |_| unreachable!()).await;
        assert_eq!(another.next(all).await, None);
        assert_eq!(worker.next(all).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn any_number_of_workers_may_take_long() {
        let (workers, mut worker) = three_under_way_of(usize::MAX).await;
        assert!(workers.push(4).is_none());
        let mut another = takes_long(&mut worker).await.unwrap();
        assert_eq!(another.next(all).await, Some(vec![4]));
        assert!(takes_long(&mut another).await.is_none());
        assert!(workers.push(5).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_replaced_is_no_more_one_of_the_workers() {
        let (workers, mut worker) = three_under_way_of(1).await;
        assert!(workers.push(4).is_none());
        let mut another = takes_long(&mut worker).await.unwrap();
        assert_eq!(another.next(all).await, Some(vec![4]));
        assert!(workers.push(5).is_none());
        assert_eq!(worker.next(all).await, None);
        assert_eq!(another.next(all).await, Some(vec![5]));
        assert_eq!(another.next(all).await, None);
        assert!(workers.push(6).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_again_may_take_long() {
        let (workers, mut worker) = three_under_way_of(1).await;
        assert!(workers.push(4).is_none());
        let mut another = takes_long(&mut worker).await.unwrap();
        assert_eq!(another.next(all).await, Some(vec![4]));
        assert!(takes_long(&mut another).await.is_none());
        assert!(workers.push(5).is_none());
        assert_eq!(worker.next(all).await, Some(vec![5]));
        assert_eq!(another.next(all).await, None);
        drop(worker);
        assert!(workers.push(6).is_some());
    }
}
