use std::{sync::Arc, time::Duration};

use crate::{limits::Limits, store::EventStore};

/// A failure of the engine that a fixture can cause in its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// No read of events can be completed.
    Read,
    /// An event of the version [`FAULTY`] cannot be written, though those before it in its batch can.
    Batch,
    /// The answer to the commit of an event of the version [`FAULTY`] is lost.
    Answer,
    /// Somebody else holds what every append needs, for longer than an append waits.
    Lock,
}

/// The version of an event that meets [`Fault::Batch`] or [`Fault::Answer`].
pub const FAULTY: u32 = 4711;

/// A log that one case runs on, and how to open the store on it.
pub trait Fixture: Send + Sync + Sized + 'static {
    /// The store under test.
    type Store: EventStore + 'static;

    /// How many lists of operations a case of [`model`](super::model) runs; the case that reopens the
    /// log runs a third as many.
    const MODEL_CASES: u32 = 300;

    /// What the store says that it accepts, `usize::MAX` where it has no limit. The cases of
    /// [`limits`](super::limits) go up to it and one beyond. Without it, these say in their output that this was not
    /// tested.
    const LIMITS: Option<Limits> = None;

    /// The seed of random inputs, for a fixture whose every run must use the same inputs. By default
    /// each run takes a new seed.
    const SEED: Option<u64> = None;

    /// How long a call that must not wait for anything may take on a slow and busy machine, from the last call of the
    /// case that ended. `FACTOS_PATIENCE` multiplies it.
    const SOON: Duration = Duration::from_secs(10);

    /// How long one call may take, and how long no call of a case may end, before the case counts as hanging. A
    /// case that goes on may take as long as it likes. `FACTOS_PATIENCE` multiplies it.
    const PATIENCE: Duration = Duration::from_secs(120);

    /// An empty log that no other fixture shares. Dropping the fixture cleans up.
    fn fresh() -> impl Future<Output = Self> + Send;

    /// Causes a fault in the log, for all handles, until [`heal`](Self::heal) ends it. `false` if the fixture cannot
    /// cause it: then the case says in its output that this was not tested.
    fn inject(&self, fault: Fault) -> impl Future<Output = bool> + Send {
        let _ = fault;
        async { false }
    }

    /// Ends a fault that was caused.
    fn heal(&self, fault: Fault) -> impl Future<Output = ()> + Send {
        let _ = fault;
        async {}
    }

    /// Another handle on the same log, opened as another process would open it: the handles share the
    /// log, and nothing else. Called only while no handle is open if the store declines `several_handles`. Only
    /// where the store declines `reopening`, this may be a clone of a handle that the fixture keeps.
    fn connect(&self) -> impl Future<Output = Self::Store> + Send;

    /// How often this log has been flushed to stable storage so far, a flush counted once it begins; or how many
    /// bytes of it have reached stable storage. Counted as far outside of the store as can be, for a store that says
    /// so of itself proves little; and for this log alone if possible, for what else is counted can hide a flush that
    /// is missing. Without it, the cases of flushes say in their output that these were not tested.
    fn flushes(&self) -> impl Future<Output = Option<u64>> + Send {
        async { None }
    }

    /// The constants, as the suite reads them.
    #[doc(hidden)]
    fn settings() -> Settings {
        Settings {
            model_cases: Self::MODEL_CASES,
            limits: Self::LIMITS,
            seed: Self::SEED,
            soon: Self::SOON,
            patience: Self::PATIENCE,
        }
    }
}

/// The constants of a [`Fixture`].
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    pub(super) model_cases: u32,
    pub(super) limits: Option<Limits>,
    pub(super) seed: Option<u64>,
    pub(super) soon: Duration,
    pub(super) patience: Duration,
}

/// A log that another process can open. The fixture itself keeps no handle open, for the log may be open in one
/// process at a time.
pub trait ProcessFixture: Fixture {
    /// How many processes a case kills, one after the other.
    const KILLS: u32 = 40;

    /// What another process needs to know to reach this log, in one line.
    fn address(&self) -> String;

    /// In the other process: a handle on the log of this address.
    fn reach(address: &str) -> impl Future<Output = Self::Store> + Send;
}

/// The same log through `Arc<dyn EventStore>`.
#[derive(Debug)]
pub struct Shared<F>(F);

/// A pointer only forwards calls: a tenth of the cases shows that it does, and the store's own limits are not tried
/// again.
const fn behind_a_pointer(cases: u32) -> u32 {
    cases.div_ceil(10)
}

impl<F: Fixture> Fixture for Shared<F> {
    type Store = Arc<dyn EventStore>;

    const MODEL_CASES: u32 = behind_a_pointer(F::MODEL_CASES);
    const SEED: Option<u64> = F::SEED;
    const SOON: Duration = F::SOON;
    const PATIENCE: Duration = F::PATIENCE;

    async fn fresh() -> Self {
        Self(F::fresh().await)
    }

    async fn inject(&self, fault: Fault) -> bool {
        self.0.inject(fault).await
    }

    async fn heal(&self, fault: Fault) {
        self.0.heal(fault).await;
    }

    async fn connect(&self) -> Arc<dyn EventStore> {
        Arc::new(self.0.connect().await)
    }

    async fn flushes(&self) -> Option<u64> {
        self.0.flushes().await
    }
}

/// The same log through `Box<dyn EventStore>`.
#[derive(Debug)]
pub struct Boxed<F>(F);

impl<F: Fixture> Fixture for Boxed<F> {
    type Store = Box<dyn EventStore>;

    const MODEL_CASES: u32 = behind_a_pointer(F::MODEL_CASES);
    const SEED: Option<u64> = F::SEED;
    const SOON: Duration = F::SOON;
    const PATIENCE: Duration = F::PATIENCE;

    async fn fresh() -> Self {
        Self(F::fresh().await)
    }

    async fn inject(&self, fault: Fault) -> bool {
        self.0.inject(fault).await
    }

    async fn heal(&self, fault: Fault) {
        self.0.heal(fault).await;
    }

    async fn connect(&self) -> Box<dyn EventStore> {
        Box::new(self.0.connect().await)
    }

    async fn flushes(&self) -> Option<u64> {
        self.0.flushes().await
    }
}
