use std::{
    collections::VecDeque,
    fmt, hint,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How long a thread looks for more work before it sleeps. To wake a thread costs as much as a small read
/// does: callers that read or append again and again find it awake.
const LINGER: Duration = Duration::from_micros(50);

/// A queue, first in, first out, from the callers of a store to threads of its own.
///
/// A thread that finds it empty spins for up to 50 us before it sleeps, one thread at a time.
pub struct Queue<T> {
    state: Mutex<State<T>>,
    more: Condvar,
    /// The length, for a look without the lock.
    length: AtomicUsize,
    /// Whether a thread looks for work and will find an item that is pushed without being woken.
    lingering: AtomicBool,
}

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: Mutex::new(State { items: VecDeque::new(), closed: false }),
            more: Condvar::new(),
            length: AtomicUsize::new(0),
            lingering: AtomicBool::new(false),
        }
    }

    /// Adds an item.
    ///
    /// # Errors
    /// The item, if the queue was closed.
    pub fn push(&self, item: T) -> Result<(), T> {
        let mut state = self.lock();
        if state.closed {
            return Err(item);
        }
        state.items.push_back(item);
        let length = state.items.len();
        self.length.store(length, Ordering::Release);
        drop(state);
        // A thread that stops lingering looks once more under the lock before it sleeps.
        if length > usize::from(self.lingering.load(Ordering::SeqCst)) {
            self.more.notify_one();
        }
        Ok(())
    }

    /// The next item, waited for; none once the queue is closed and empty.
    pub fn pop(&self) -> Option<T> {
        if let Some(item) = self.linger() {
            return Some(item);
        }
        let empty = |state: &mut State<T>| state.items.is_empty() && !state.closed;
        let state = self.more.wait_while(self.lock(), empty);
        self.take(state.unwrap_or_else(PoisonError::into_inner))
    }

    /// The next item, if there is one.
    pub fn try_pop(&self) -> Option<T> {
        if self.length.load(Ordering::Acquire) == 0 { None } else { self.take(self.lock()) }
    }

    /// Refuses further items; what is in it can still be taken out.
    pub fn close(&self) {
        self.lock().closed = true;
        self.more.notify_all();
    }

    /// Looks for an item for a while. One thread at a time does: a second would only be in its way.
    fn linger(&self) -> Option<T> {
        if self.lingering.swap(true, Ordering::SeqCst) {
            return None;
        }
        let begun = Instant::now();
        let mut found = self.try_pop();
        while found.is_none() && begun.elapsed() < LINGER {
            (0..32).for_each(|_| hint::spin_loop());
            thread::yield_now();
            found = self.try_pop();
        }
        self.lingering.store(false, Ordering::SeqCst);
        found
    }

    fn take(&self, mut state: MutexGuard<'_, State<T>>) -> Option<T> {
        let item = state.items.pop_front();
        self.length.store(state.items.len(), Ordering::Release);
        item
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("length", &self.length).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn every_item_comes_out_once_whatever_the_threads_do() {
        const EACH: usize = 5_000;
        let queue = Arc::new(Queue::new());
        let takers: Vec<_> = (0..3)
            .map(|_| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || std::iter::from_fn(|| queue.pop()).collect::<Vec<usize>>())
            })
            .collect();
        let givers: Vec<_> = (0..3)
            .map(|giver| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || {
                    for n in 0..EACH {
                        queue.push(giver * EACH + n).unwrap();
                        if n % 500 == 0 {
                            thread::sleep(Duration::from_micros(100));
                        }
                    }
                })
            })
            .collect();
        givers.into_iter().for_each(|giver| giver.join().unwrap());
        queue.close();
        let mut taken: Vec<_> =
            takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect();
        taken.sort_unstable();
        assert_eq!(taken, (0..3 * EACH).collect::<Vec<_>>());
    }

    #[test]
    fn a_closed_queue_refuses_and_is_emptied() {
        let queue = Queue::new();
        queue.push(1).unwrap();
        queue.close();
        assert_eq!(queue.push(2), Err(2));
        assert_eq!((queue.pop(), queue.pop(), queue.try_pop()), (Some(1), None, None));
    }
}
