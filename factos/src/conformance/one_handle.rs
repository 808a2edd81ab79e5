//! A fixture that has one handle open at a time.

// Otherwise a method that is added to the trait with a default would silently not be forwarded.
#![deny(clippy::missing_trait_methods)]

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::fixture::{Fault, Fixture};
use crate::{
    append::{AppendCondition, NewEvent},
    append_error::AppendError,
    events::Events,
    limits::Limits,
    position::SequencePosition,
    query::Query,
    read_options::ReadOptions,
    recorded::Recorded,
    store::EventStore,
    store_error::StoreError,
    stream_name::StreamName,
};

/// The same log, for a store that declines `several_handles`: what a case opens while a handle is open is that
/// handle, and the log is opened again only once every clone of it was dropped.
pub struct OneHandle<F: Fixture> {
    log: F,
    open: Mutex<Weak<OpenHandle<F::Store>>>,
    /// Held by the handle until its store is dropped.
    closed: Arc<Mutex<()>>,
}

/// The one handle that is open.
pub struct OpenHandle<S> {
    // Dropped before the guard.
    store: S,
    _is_open: OwnedMutexGuard<()>,
}

impl<F: Fixture> Fixture for OneHandle<F> {
    type Store = Arc<OpenHandle<F::Store>>;

    const MODEL_CASES: u32 = F::MODEL_CASES;
    const LIMITS: Option<Limits> = F::LIMITS;
    const SEED: Option<u64> = F::SEED;
    const SOON: Duration = F::SOON;
    const PATIENCE: Duration = F::PATIENCE;

    async fn fresh() -> Self {
        Self { log: F::fresh().await, open: Mutex::default(), closed: Arc::default() }
    }

    async fn inject(&self, fault: Fault) -> bool {
        self.log.inject(fault).await
    }

    async fn heal(&self, fault: Fault) {
        self.log.heal(fault).await;
    }

    async fn connect(&self) -> Self::Store {
        let mut open = self.open.lock().await;
        if let Some(handle) = open.upgrade() {
            return handle;
        }
        let is_open = self.closed.clone().lock_owned().await;
        let handle = OpenHandle { store: self.log.connect().await, _is_open: is_open };
        let handle = Arc::new(handle);
        *open = Arc::downgrade(&handle);
        handle
    }

    async fn flushes(&self) -> Option<u64> {
        self.log.flushes().await
    }
}

impl<F: Fixture> fmt::Debug for OneHandle<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneHandle").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for OpenHandle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenHandle").finish_non_exhaustive()
    }
}

#[async_trait]
impl<S: EventStore> EventStore for OpenHandle<S> {
    fn log_id(&self) -> &str {
        self.store.log_id()
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        self.store.read(query, options).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        self.store.read_stream(stream, options).await
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        self.store.append(events, condition).await
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        self.store.head().await
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        self.store.wait_past(after).await
    }
}
