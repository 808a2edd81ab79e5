//! A log of its own for each case of the suite, dropped with its last handle.

use std::sync::Arc;

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, Bytes, EventStore, Events, NewEvent, Query, ReadOptions,
    Recorded, SequencePosition, StoreError, StreamName, conformance::Fixture,
};
use factos_postgres::{Mode, PostgresStore};

use crate::support::Schema;

pub(crate) struct Keyed(Arc<Schema>);

impl Fixture for Keyed {
    type Store = Handle;

    async fn fresh() -> Self {
        Self(Arc::new(Schema::new(Mode::Keyed).await))
    }

    async fn connect(&self) -> Handle {
        Handle::open(&self.0).await
    }
}

pub(crate) struct Portable(Arc<Schema>);

impl Fixture for Portable {
    type Store = Handle;

    async fn fresh() -> Self {
        Self(Arc::new(Schema::new(Mode::Portable).await))
    }

    async fn connect(&self) -> Handle {
        Handle::open(&self.0).await
    }
}

/// A store that keeps its schema in being: a case may drop the fixture first.
pub(crate) struct Handle {
    store: PostgresStore,
    _schema: Arc<Schema>,
}

impl Handle {
    async fn open(schema: &Arc<Schema>) -> Self {
        Self { store: schema.open().await, _schema: Arc::clone(schema) }
    }
}

#[async_trait]
impl EventStore for Handle {
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
