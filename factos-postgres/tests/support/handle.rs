use std::sync::Arc;

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, Bytes, EventStore, Events, NewEvent, Query, ReadOptions,
    Recorded, SequencePosition, StoreError, StreamName,
};
use factos_postgres::PostgresStore;

use crate::support::Schema;

/// A store that keeps its schema from being dropped, for a case may drop the fixture first.
pub(crate) struct Handle {
    store: PostgresStore,
    _schema: Option<Arc<Schema>>,
}

impl Handle {
    pub(crate) fn new(store: PostgresStore, schema: Option<&Arc<Schema>>) -> Self {
        Self { store, _schema: schema.cloned() }
    }
}

#[async_trait]
impl EventStore for Handle {
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
