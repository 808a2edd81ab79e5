//! A pause between two reads without a runtime: one thread wakes all that pause, and ends when none does.

use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

/// The least time from the start of a read that found nothing to the start of the next one.
const INTERVAL: Duration = Duration::from_millis(20);

/// How many pause for one interval each. If there are more, all pause for longer, so that together they read no more
/// often than these.
const TOGETHER: usize = 60;

/// How long the thread stays when nobody pauses.
const LINGER: Duration = Duration::from_secs(1);

static CLOCK: Clock = Clock { sleepers: Mutex::new(Sleepers::new()), changed: Condvar::new() };

/// When the next read may start.
#[derive(Debug, Default)]
pub(super) struct Pause {
    last_read: Option<Instant>,
    found_nothing: bool,
    registered: Option<Key>,
}

type Key = (Instant, u64);

struct Clock {
    sleepers: Mutex<Sleepers>,
    changed: Condvar,
}

struct Sleepers {
    by_time: BTreeMap<Key, Waker>,
    last_number: u64,
    has_thread: bool,
}

impl Pause {
    pub(super) fn read_starts(&mut self) {
        self.last_read = Some(Instant::now());
    }

    /// Whether the read found an event.
    pub(super) const fn found(&mut self, something: bool) {
        self.found_nothing = !something;
    }

    /// Ready when the next read may start.
    pub(super) fn poll(&mut self, context: &Context<'_>) -> Poll<()> {
        self.forget();
        let interval = CLOCK.interval();
        let until = self.last_read.filter(|_| self.found_nothing).map(|last| last + interval);
        let Some(until) = until.filter(|until| *until > Instant::now()) else {
            return Poll::Ready(());
        };
        self.registered = CLOCK.register(until, context.waker());
        // Without a thread there is no pause.
        if self.registered.is_some() { Poll::Pending } else { Poll::Ready(()) }
    }

    fn forget(&mut self) {
        if let Some(key) = self.registered.take() {
            // Dropped outside of the lock: a waker may own a task that pauses.
            let waker = CLOCK.lock().by_time.remove(&key);
            drop(waker);
        }
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        self.forget();
    }
}

impl Clock {
    fn lock(&self) -> MutexGuard<'_, Sleepers> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn interval(&self) -> Duration {
        let intervals = self.lock().by_time.len() / TOGETHER + 1;
        INTERVAL.saturating_mul(intervals.try_into().unwrap_or(u32::MAX))
    }

    fn register(&'static self, until: Instant, waker: &Waker) -> Option<Key> {
        let mut sleepers = self.lock();
        if !sleepers.has_thread {
            let thread = thread::Builder::new().name("factos-pause".to_owned());
            thread.spawn(|| self.run()).ok()?;
            sleepers.has_thread = true;
        }
        sleepers.last_number += 1;
        let key = (until, sleepers.last_number);
        sleepers.by_time.insert(key, waker.clone());
        self.changed.notify_one();
        Some(key)
    }

    fn run(&self) {
        let mut sleepers = self.lock();
        loop {
            let now = Instant::now();
            let first = sleepers.by_time.first_entry();
            if let Some(due) = first.filter(|first| first.key().0 <= now) {
                let waker = due.remove();
                drop(sleepers);
                waker.wake();
                sleepers = self.lock();
                continue;
            }
            let next = sleepers.by_time.first_key_value().map(|((until, _), _)| *until - now);
            let waited = self.changed.wait_timeout(sleepers, next.unwrap_or(LINGER));
            let (woken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            sleepers = woken;
            if next.is_none() && timeout.timed_out() && sleepers.by_time.is_empty() {
                sleepers.has_thread = false;
                return;
            }
        }
    }
}

impl Sleepers {
    const fn new() -> Self {
        Self { by_time: BTreeMap::new(), last_number: 0, has_thread: false }
    }
}
