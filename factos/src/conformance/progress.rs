//! Whether a case goes on: which calls of the store have ended, and which are still running. There is no bound on
//! how long a case takes as a whole, so that a busy machine fails none.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::setting::number;

/// Multiplies every bound of the suite.
const FACTOR: &str = "FACTOS_PATIENCE";

/// A bound of a fixture, as the environment multiplies it.
pub(super) fn bound(duration: Duration) -> Duration {
    duration.saturating_mul(number(FACTOR).map_or(1, NonZeroU32::get))
}

/// The calls of one case.
#[derive(Clone, Default)]
pub(super) struct Progress(Arc<Mutex<Calls>>);

#[derive(Default)]
struct Calls {
    started: u64,
    ended: u64,
    /// When one of them ended last.
    last_end: Option<Instant>,
    /// When each call that is still running began, and what it is, if it must end by itself.
    running: BTreeMap<u64, (Instant, &'static str)>,
}

thread_local! {
    static OF_THIS_THREAD: RefCell<Progress> = RefCell::default();
}

impl Progress {
    /// That of the case whose runtime this thread belongs to.
    pub(super) fn of_this_thread() -> Self {
        OF_THIS_THREAD.with_borrow(Clone::clone)
    }

    /// From now on, this thread works for the case.
    pub(super) fn adopt(&self) {
        OF_THIS_THREAD.set(self.clone());
    }

    /// The call, which counts as progress when it ends.
    pub(super) async fn of_call<T>(&self, what: &'static str, call: impl Future<Output = T>) -> T {
        let _running = Running::start(self, Some(what));
        call.await
    }

    /// The same for a call that may wait for others as long as it likes.
    pub(super) async fn of_wait<T>(&self, call: impl Future<Output = T>) -> T {
        let _running = Running::start(self, None);
        call.await
    }

    /// Something else has gone on.
    pub(super) fn step(&self) {
        self.with(Calls::end);
    }

    /// How many calls have ended.
    pub(super) fn ended(&self) -> u64 {
        self.with(|calls| calls.ended)
    }

    /// How long nothing has gone on, of the time since then.
    pub(super) fn quiet(&self, since: Instant) -> Duration {
        self.with(|calls| calls.last_end.map_or(since, |last| last.max(since)).elapsed())
    }

    /// A call that has been running for longer than this.
    pub(super) fn stuck(&self, bound: Duration) -> Option<&'static str> {
        self.with(|calls| {
            let mut running = calls.running.values();
            running.find(|(since, _)| since.elapsed() > bound).map(|(_, what)| *what)
        })
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut Calls) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Calls {
    fn end(&mut self) {
        self.ended += 1;
        self.last_end = Some(Instant::now());
    }
}

/// A call that is running, or was dropped.
struct Running<'a> {
    progress: &'a Progress,
    number: u64,
}

impl<'a> Running<'a> {
    fn start(progress: &'a Progress, what: Option<&'static str>) -> Self {
        let number = progress.with(|calls| {
            calls.started += 1;
            if let Some(what) = what {
                calls.running.insert(calls.started, (Instant::now(), what));
            }
            calls.started
        });
        Self { progress, number }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.progress.with(|calls| {
            // What a failure drops has not gone on.
            if !thread::panicking() {
                calls.end();
            }
            calls.running.remove(&self.number);
        });
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_call_is_stuck_until_it_ends() {
        let progress = Progress::default();
        let mut call = Box::pin(progress.of_call("a read", std::future::pending::<()>()));
        let mut wait = Box::pin(progress.of_wait(std::future::pending::<()>()));
        assert!(call.as_mut().now_or_never().is_none() && wait.as_mut().now_or_never().is_none());
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(progress.stuck(Duration::from_millis(1)), Some("a read"));
        assert_eq!(progress.stuck(Duration::from_secs(60)), None);
        drop(call);
        assert_eq!((progress.stuck(Duration::ZERO), progress.ended()), (None, 1));
        drop(wait);
        assert_eq!(progress.ended(), 2);
    }

    #[test]
    fn a_call_that_a_failure_drops_is_no_progress() {
        let progress = Progress::default();
        let fails = std::panic::catch_unwind(|| {
            let mut wait = Box::pin(progress.of_wait(std::future::pending::<()>()));
            assert!(wait.as_mut().now_or_never().is_some(), "it waits");
        });
        assert!(fails.is_err());
        assert_eq!((progress.ended(), progress.stuck(Duration::ZERO)), (0, None));
    }
}
