use std::{sync::Arc, time::Duration};

use crate::store::EventStore;

/// A log to try a store on.
pub trait Fixture: Send + Sync + Sized + 'static {
    /// The store under test.
    type Store: EventStore + 'static;

    /// How many lists of operations [`model`](super::model) plays; a third as many with reopening.
    const MODEL_CASES: u32 = 300;

    /// The seed of the random inputs, where each run must use the same ones. By default each run has
    /// a new one.
    const SEED: Option<u64> = None;

    /// How long the store may take for what it must do at once, on a slow and busy machine.
    const SOON: Duration = Duration::from_secs(10);

    /// How long a case may take before it counts as hanging.
    const PATIENCE: Duration = Duration::from_secs(120);

    /// An empty log that no other fixture shares. Dropping it cleans up.
    fn fresh() -> impl Future<Output = Self> + Send;

    /// Another handle on the same log, as another process would get it: it shares with the handles
    /// before it what the log shares, and nothing else.
    fn connect(&self) -> impl Future<Output = Self::Store> + Send;
}

/// A log that another process can find.
pub trait ProcessFixture: Fixture {
    /// How often a process is killed.
    const KILLS: u32 = 40;

    /// What another process needs to know to reach this log, in one line.
    fn address(&self) -> String;

    /// In that process: a handle on the log of this address.
    fn reach(address: &str) -> impl Future<Output = Self::Store> + Send;
}

/// The same log through `Arc<dyn EventStore>`.
#[derive(Debug)]
pub struct Shared<F>(F);

/// What a pointer hands on is soon seen to be handed on.
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

    async fn connect(&self) -> Arc<dyn EventStore> {
        Arc::new(self.0.connect().await)
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

    async fn connect(&self) -> Box<dyn EventStore> {
        Box::new(self.0.connect().await)
    }
}
