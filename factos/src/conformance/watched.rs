//! A fixture whose calls are watched for progress, and the store of one.

// Otherwise a method that is added to the trait with a default would silently not be forwarded.
#![deny(clippy::missing_trait_methods)]

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    fixture::{Fault, Fixture, ProcessFixture, Settings},
    progress::Progress,
};
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

/// The same log, whose calls are watched, so that a case that hangs is told from one that is slow.
#[derive(Debug)]
pub(super) struct Watched<F>(F);

impl<F: Fixture> Fixture for Watched<F> {
    type Store = WatchedStore<F::Store>;

    async fn fresh() -> Self {
        Self(Progress::of_this_thread().of_call("making a log", F::fresh()).await)
    }

    async fn inject(&self, fault: Fault) -> bool {
        self.0.inject(fault).await
    }

    async fn heal(&self, fault: Fault) {
        self.0.heal(fault).await;
    }

    async fn connect(&self) -> WatchedStore<F::Store> {
        watched("opening a handle", self.0.connect()).await
    }

    async fn flushes(&self) -> Option<u64> {
        Progress::of_this_thread().of_call("counting flushes", self.0.flushes()).await
    }

    fn settings() -> Settings {
        F::settings()
    }
}

impl<F: ProcessFixture> ProcessFixture for Watched<F> {
    const KILLS: u32 = F::KILLS;

    fn address(&self) -> String {
        self.0.address()
    }

    async fn reach(address: &str) -> WatchedStore<F::Store> {
        watched("opening a handle by its address", F::reach(address)).await
    }
}

async fn watched<S>(what: &'static str, opening: impl Future<Output = S>) -> WatchedStore<S> {
    let progress = Progress::of_this_thread();
    let store = progress.of_call(what, opening).await;
    WatchedStore { store, progress }
}

/// The store under test, with each call watched.
pub(super) struct WatchedStore<S> {
    store: S,
    progress: Progress,
}

impl<S: std::fmt::Debug> std::fmt::Debug for WatchedStore<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.store.fmt(f)
    }
}

#[async_trait]
impl<S: EventStore> EventStore for WatchedStore<S> {
    fn log_id(&self) -> &str {
        self.store.log_id()
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        self.progress.of_call("a read", self.store.read(query, options)).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        self.progress.of_call("a read of a stream", self.store.read_stream(stream, options)).await
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        self.progress.of_call("an append", self.store.append(events, condition)).await
    }

    async fn append_unless(
        &self,
        events: Vec<NewEvent>,
        exists: Query,
        guard: Query,
        after: Option<SequencePosition>,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        let append = self.store.append_unless(events, exists, guard, after);
        self.progress.of_call("an append", append).await
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        self.progress.of_call("a look at the head", self.store.head()).await
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        self.progress.of_wait(self.store.wait_past(after)).await
    }

    fn turns(&self) -> Option<&Turns> {
        self.store.turns()
    }
}
