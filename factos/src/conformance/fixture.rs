use std::sync::Arc;

use crate::store::EventStore;

/// A log to try a store on.
pub trait Fixture: Send + Sync + Sized + 'static {
    /// The store under test.
    type Store: EventStore + 'static;

    /// An empty log that no other fixture shares. Dropping it cleans up.
    fn fresh() -> impl Future<Output = Self> + Send;

    /// Another handle on the same log, as another process would get it: it shares with the handles
    /// before it what the log shares, and nothing else.
    fn connect(&self) -> impl Future<Output = Self::Store> + Send;
}

/// The same log through `Arc<dyn EventStore>`.
#[derive(Debug)]
pub struct Shared<F>(F);

impl<F: Fixture> Fixture for Shared<F> {
    type Store = Arc<dyn EventStore>;

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

    async fn fresh() -> Self {
        Self(F::fresh().await)
    }

    async fn connect(&self) -> Box<dyn EventStore> {
        Box::new(self.0.connect().await)
    }
}
