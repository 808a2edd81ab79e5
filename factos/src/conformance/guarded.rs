//! A store that holds something until it is dropped.

// Otherwise a method that is added to the trait with a default would silently not be forwarded.
#![deny(clippy::missing_trait_methods)]

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    append::{AppendCondition, NewEvent},
    append_error::AppendError,
    events::Events,
    position::SequencePosition,
    query::Query,
    read_options::ReadOptions,
    recorded::Recorded,
    store::EventStore,
    store_error::StoreError,
    stream_name::StreamName,
    turns::Turns,
};

/// A store with a guard, such as a lock or what a fixture cleans up, that is dropped after the store.
pub struct Guarded<S, G> {
    // Dropped before the guard.
    store: S,
    _guard: G,
}

impl<S, G> Guarded<S, G> {
    /// The store, which holds the guard from now on.
    pub const fn new(store: S, guard: G) -> Self {
        Self { store, _guard: guard }
    }
}

impl<S, G> fmt::Debug for Guarded<S, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").finish_non_exhaustive()
    }
}

#[async_trait]
impl<S: EventStore, G: Send + Sync> EventStore for Guarded<S, G> {
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

    async fn append_unless(
        &self,
        events: Vec<NewEvent>,
        exists: Query,
        guard: Query,
        after: Option<SequencePosition>,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        self.store.append_unless(events, exists, guard, after).await
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        self.store.head().await
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        self.store.wait_past(after).await
    }

    fn turns(&self) -> Option<&Turns> {
        self.store.turns()
    }
}
