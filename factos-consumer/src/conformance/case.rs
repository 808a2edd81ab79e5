use std::{
    any::Any,
    fmt,
    num::NonZeroU32,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use futures_util::future::{BoxFuture, LocalBoxFuture};
use tokio::runtime::{Builder, Runtime};

use super::{fixture::PortFixture, progress::Progress, setting::number, tables::Tables};

/// How long a runtime may take to shut down.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// Multiplies the patience of every case.
const FACTOR: &str = "FACTOS_PATIENCE";

type Run = fn(Tables) -> LocalBoxFuture<'static, ()>;

/// What the tables of the cases are made by.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) fresh: fn(Progress) -> BoxFuture<'static, Tables>,
    pub(super) patience: Duration,
}

impl Kind {
    pub(super) fn of<F: PortFixture>() -> Self {
        Self { fresh: Tables::fresh::<F>, patience: F::PATIENCE }
    }
}

/// A test of one rule of the contract, which runs on fresh tables.
pub struct Case {
    name: &'static str,
    kind: Kind,
    run: Run,
}

impl Case {
    pub(super) const fn new(name: &'static str, kind: Kind, run: Run) -> Self {
        Self { name, kind, run }
    }

    /// The name, `family::rule`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the case on fresh tables, on a runtime of its own with four threads.
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
        let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
        let verdict = self.wait(&runtime);
        runtime.shutdown_timeout(SHUTDOWN);
        verdict
    }

    /// Waits on the thread of the caller, for a wrong port may block every thread of the runtime.
    fn wait(&self, runtime: &Runtime) -> Result<(), Box<dyn Any + Send>> {
        let (verdict, arrived) = mpsc::channel();
        let (fresh, run, progress) = (self.kind.fresh, self.run, Progress::default());
        let of_case = progress.clone();
        let on_runtime = runtime.handle().clone();
        thread::spawn(move || {
            let case = || on_runtime.block_on(async { run(fresh(of_case).await).await });
            verdict.send(catch_unwind(AssertUnwindSafe(case)))
        });
        let patience = self.kind.patience.saturating_mul(factor());
        let (mut ended, mut since) = (0, Instant::now());
        loop {
            if let Ok(verdict) = arrived.recv_timeout(patience / 20) {
                return verdict;
            }
            if progress.ended() != ended {
                (ended, since) = (progress.ended(), Instant::now());
            } else if since.elapsed() > patience {
                let name = self.name;
                return Err(Box::new(format!("{name} hangs: no call has ended for {patience:?}")));
            }
        }
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

fn factor() -> u32 {
    number(FACTOR).map_or(1, NonZeroU32::get)
}
