use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::head::{Closed, Head};
use crate::position::SequencePosition;

/// A thread that looks for appends of other processes, and sleeps while nobody follows the log.
///
/// Dropping it ends the thread, after the look that is under way.
#[derive(Debug)]
pub struct Poll {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    head: Head,
    interval: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    followers: usize,
    is_stopped: bool,
    /// When a caller looked although a later position was known.
    last_look: Option<Instant>,
}

/// A guard that keeps a [`Poll`] going until it is dropped.
#[derive(Debug)]
pub struct Follower<'a>(&'a Shared);

impl Poll {
    /// Starts the thread under this name. Once an interval, while somebody follows, `look` asks the log for
    /// its last position, which is then published; every second interval after a second in which nothing was
    /// appended, and every fourth after ten. Where it fails, those who wait ask for themselves, and
    /// each gets the error.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn start<E>(
        name: &str,
        interval: Duration,
        head: Head,
        mut look: impl FnMut() -> Result<Option<SequencePosition>, E> + Send + 'static,
    ) -> io::Result<Self> {
        let (state, changed) = (Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { head, interval, state, changed });
        let poll = Arc::clone(&shared);
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let mut pace = Pace { interval, last: None, changed: Instant::now() };
            while poll.wait(pace.pause()) {
                match look() {
                    Ok(position) => {
                        pace.found(position);
                        poll.head.publish(position);
                    }
                    Err(_) => poll.head.disturb(),
                }
            }
        })?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Keeps the thread looking while the result lives.
    pub fn follow(&self) -> Follower<'_> {
        self.shared.lock().followers += 1;
        self.shared.changed.notify_one();
        Follower(&self.shared)
    }

    /// Waits until the log is past `after`. `look` asks the log for its last position: once, unless a later
    /// position is known already, and then whenever the thread could not. A known position is trusted for an
    /// interval, and then `look` has to succeed again: the log may have gone back.
    ///
    /// Misses nothing: appends before the look are seen by it, those of this process are published, and
    /// those of others are found by the thread, which looks from before the look on.
    ///
    /// # Errors
    /// Those of the look, and [`Closed`].
    ///
    /// # Cancellation
    /// Safe.
    pub async fn wait_past<E: From<Closed>, F>(
        &self,
        after: Option<SequencePosition>,
        look: impl Fn() -> F + Send,
    ) -> Result<(), E>
    where
        F: Future<Output = Result<Option<SequencePosition>, E>> + Send,
    {
        let head = &self.shared.head;
        if head.is_past(after) {
            if self.shared.is_look_due() {
                head.publish(look().await?);
            }
            return Ok(());
        }
        let _follower = self.follow();
        loop {
            head.publish(look().await?);
            if head.wait_once(after).await? {
                return Ok(());
            }
        }
    }

    /// Ends the thread. Waits go on, for what others publish.
    pub fn stop(&self) {
        self.shared.lock().is_stopped = true;
        self.shared.changed.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            drop(thread.join());
        }
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Drop for Follower<'_> {
    fn drop(&mut self) {
        self.0.lock().followers -= 1;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a position that is known is to be confirmed: at most once an interval.
    fn is_look_due(&self) -> bool {
        let mut state = self.lock();
        let now = Instant::now();
        let is_due = state.last_look.is_none_or(|last| now.duration_since(last) >= self.interval);
        if is_due {
            state.last_look = Some(now);
        }
        is_due
    }

    /// Waits until there is a follower and then for so long; false once the poll was stopped.
    fn wait(&self, pause: Duration) -> bool {
        let is_idle = |state: &mut State| state.followers == 0 && !state.is_stopped;
        let state =
            self.changed.wait_while(self.lock(), is_idle).unwrap_or_else(PoisonError::into_inner);
        let (state, _) = self
            .changed
            .wait_timeout_while(state, pause, |state| !state.is_stopped)
            .unwrap_or_else(PoisonError::into_inner);
        !state.is_stopped
    }
}

/// How often the log is looked at: to wake the thread is most of what a look costs.
struct Pace {
    interval: Duration,
    last: Option<SequencePosition>,
    /// When the last position was found to be another one.
    changed: Instant,
}

/// After so long without an append the log is looked at half as often.
const QUIET: Duration = Duration::from_secs(1);

/// And after so long half as often again.
const STILL: Duration = Duration::from_secs(10);

impl Pace {
    fn pause(&self) -> Duration {
        match self.changed.elapsed() {
            quiet if quiet < QUIET => self.interval,
            quiet if quiet < STILL => 2 * self.interval,
            _ => 4 * self.interval,
        }
    }

    fn found(&mut self, last: Option<SequencePosition>) {
        if last != self.last {
            (self.last, self.changed) = (last, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures_util::FutureExt;

    use super::*;

    const INTERVAL: Duration = Duration::from_millis(1);

    /// In place of the last position: the log cannot be asked.
    const FAILS: u64 = u64::MAX;

    /// A log that only others append to, and how often it was looked at.
    #[derive(Default)]
    struct Log {
        last: AtomicU64,
        looks: AtomicU64,
    }

    fn poll(log: &Arc<Log>, head: &Head) -> Poll {
        let log = Arc::clone(log);
        let look = move || {
            log.looks.fetch_add(1, Ordering::SeqCst);
            match log.last.load(Ordering::SeqCst) {
                FAILS => Err(()),
                last => Ok(SequencePosition::new(last)),
            }
        };
        Poll::start("poll", INTERVAL, head.clone(), look).unwrap()
    }

    async fn nothing_yet() -> Result<Option<SequencePosition>, Closed> {
        Ok(None)
    }

    #[test]
    fn appends_of_others_are_found_while_somebody_waits() {
        let (log, head) = (Arc::new(Log::default()), Head::new());
        let poll = poll(&log, &head);
        let mut wait = Box::pin(poll.wait_past(None, nothing_yet));
        assert!(wait.as_mut().now_or_never().is_none());
        log.last.store(5, Ordering::SeqCst);
        block_on(wait).unwrap();
        assert_eq!(head.last(), SequencePosition::new(5));
    }

    #[test]
    fn nobody_looks_while_nobody_follows() {
        let (log, head) = (Arc::new(Log::default()), Head::new());
        let poll = poll(&log, &head);
        let looks = || log.looks.load(Ordering::SeqCst);
        thread::sleep(20 * INTERVAL);
        assert_eq!(looks(), 0);
        let follower = poll.follow();
        while looks() < 2 {
            thread::yield_now();
        }
        drop(follower);
        // One look may be under way.
        thread::sleep(20 * INTERVAL);
        let before = looks();
        thread::sleep(20 * INTERVAL);
        assert_eq!(looks(), before);
    }

    #[test]
    fn a_quiet_log_is_looked_at_less_often_until_an_append() {
        let ago = |time| Instant::now().checked_sub(time).unwrap();
        let mut pace = Pace { interval: INTERVAL, last: None, changed: ago(QUIET) };
        pace.found(None);
        assert_eq!(pace.pause(), 2 * INTERVAL);
        pace.changed = ago(STILL);
        assert_eq!(pace.pause(), 4 * INTERVAL);
        pace.found(SequencePosition::new(1));
        assert_eq!(pace.pause(), INTERVAL);
    }

    #[test]
    fn a_look_that_fails_is_left_to_those_who_wait() {
        let (log, head) = (Arc::new(Log::default()), Head::new());
        let poll = poll(&log, &head);
        let looked = AtomicU64::new(0);
        // The first looks find nothing, and the third one an error.
        let look = || {
            let number = looked.fetch_add(1, Ordering::SeqCst);
            async move { if number < 2 { Ok(None) } else { Err(Closed) } }
        };
        let mut wait = Box::pin(poll.wait_past(None, look));
        assert!(wait.as_mut().now_or_never().is_none());
        log.last.store(FAILS, Ordering::SeqCst);
        assert_eq!(block_on(wait), Err(Closed));
        assert_eq!(looked.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn a_known_position_is_confirmed_once_an_interval() {
        let (log, head) = (Arc::new(Log::default()), Head::new());
        let poll = poll(&log, &head);
        head.publish(SequencePosition::new(5));
        let went_back = || async { Err(Closed) };
        assert_eq!(poll.wait_past(None, went_back).now_or_never(), Some(Err(Closed)));
        thread::sleep(2 * INTERVAL);
        assert_eq!(poll.wait_past(None, went_back).now_or_never(), Some(Err(Closed)));
    }

    #[test]
    fn a_closed_head_ends_a_wait() {
        let (log, head) = (Arc::new(Log::default()), Head::new());
        let poll = poll(&log, &head);
        let mut wait = Box::pin(poll.wait_past(None, nothing_yet));
        assert!(wait.as_mut().now_or_never().is_none());
        poll.stop();
        head.close();
        assert_eq!(wait.now_or_never(), Some(Err(Closed)));
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }
}
