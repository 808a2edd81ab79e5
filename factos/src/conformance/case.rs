use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, resume_unwind},
    pin::Pin,
    sync::mpsc,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use tokio::runtime::{Builder, Runtime};

use super::{
    any_log::Kind,
    fixture::Fixture,
    progress::{Progress, bound},
};

/// How long a runtime may take to shut down.
const SHUTDOWN: Duration = Duration::from_secs(5);

pub(super) type Run = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A test of one rule of the contract, which runs on a fresh log.
pub struct Case {
    name: &'static str,
    needs: Option<&'static str>,
    patience: Duration,
    kind: Option<Kind>,
    start: Box<dyn Fn() -> Run + Send + Sync>,
}

impl Case {
    /// The case of this name, `family::rule`.
    pub fn new<F, C, Fut>(name: &'static str, case: C) -> Self
    where
        F: Fixture,
        C: Fn(F) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send,
    {
        let start = move || -> Run { Box::pin(async move { case(F::fresh().await).await }) };
        let patience = bound(F::settings().patience);
        Self { name, needs: None, patience, kind: None, start: Box::new(start) }
    }

    /// A case of the suite on logs of this kind.
    pub(super) fn on_any_log(name: &'static str, start: fn() -> Run, kind: Kind) -> Self {
        let patience = bound(kind.settings().patience);
        Self { name, needs: None, patience, kind: Some(kind), start: Box::new(start) }
    }

    /// The same case, which needs a capability that a store may decline.
    #[must_use]
    pub const fn needing(mut self, capability: &'static str) -> Self {
        self.needs = Some(capability);
        self
    }

    /// The capability that a store may decline, and this case with it.
    #[must_use]
    pub const fn needs(&self) -> Option<&'static str> {
        self.needs
    }

    /// The name, `family::rule`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the case on a fresh log, on a runtime of its own with four threads.
    ///
    /// # Panics
    /// If the rule does not hold, or the case hangs.
    pub fn run(&self) {
        if let Err(panic) = self.verdict() {
            resume_unwind(panic);
        }
    }

    /// As [`run`](Self::run), but returns a panic as a value.
    ///
    /// # Errors
    /// The panic, if the rule does not hold or the case hangs.
    ///
    /// # Panics
    /// If the operating system starts no thread.
    pub fn verdict(&self) -> Result<(), Box<dyn Any + Send>> {
        let progress = Progress::default();
        let (of_threads, kind) = (progress.clone(), self.kind);
        let runtime = Builder::new_multi_thread()
            .worker_threads(4)
            .enable_all()
            .on_thread_start(move || {
                of_threads.adopt();
                kind.into_iter().for_each(Kind::adopt);
            })
            .build()
            .unwrap();
        let verdict = self.wait(&runtime, &progress);
        runtime.shutdown_timeout(SHUTDOWN);
        verdict
    }

    /// Waits on the thread of the caller, for a wrong store may block every thread of the runtime.
    fn wait(&self, runtime: &Runtime, progress: &Progress) -> Result<(), Box<dyn Any + Send>> {
        let (verdict, arrived) = mpsc::channel();
        let run = AssertUnwindSafe((self.start)()).catch_unwind();
        runtime.spawn(async move { verdict.send(run.await) });
        let (mut ended, mut since) = (0, Instant::now());
        loop {
            if let Ok(verdict) = arrived.recv_timeout(self.patience / 20) {
                return verdict;
            }
            if progress.ended() != ended {
                (ended, since) = (progress.ended(), Instant::now());
            }
            let stuck = progress.stuck(self.patience);
            if stuck.is_some() || since.elapsed() > self.patience {
                // A call that began a little later than the last one ended is what has no end.
                let stuck = stuck.or_else(|| progress.stuck(Duration::ZERO));
                let what = stuck.unwrap_or("the case, with no call that ends,");
                let hangs =
                    format!("{} hangs: {what} has no end after {:?}", self.name, self.patience);
                return Err(Box::new(hangs));
            }
        }
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}
