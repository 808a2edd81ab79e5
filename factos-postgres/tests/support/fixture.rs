//! A log of its own for each case of the suite, dropped with its last handle.

use std::{mem::ManuallyDrop, sync::Arc};

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, Bytes, EventStore, Events, NewEvent, Query, ReadOptions,
    Recorded, SequencePosition, StoreError, StreamName,
    conformance::{Fixture, ProcessFixture},
};
use factos_postgres::{Mode, PostgresStore};

use crate::support::Schema;

pub(crate) type Keyed = Log<true>;
pub(crate) type Portable = Log<false>;

pub(crate) struct Log<const KEYED: bool>(Arc<Schema>);

impl<const KEYED: bool> Log<KEYED> {
    const MODE: Mode = if KEYED { Mode::Keyed } else { Mode::Portable };
}

impl<const KEYED: bool> Fixture for Log<KEYED> {
    type Store = Handle;

    async fn fresh() -> Self {
        Self(Arc::new(Schema::new(Self::MODE).await))
    }

    async fn connect(&self) -> Handle {
        Handle { store: self.0.open().await, _schema: Some(Arc::clone(&self.0)) }
    }
}

impl<const KEYED: bool> ProcessFixture for Log<KEYED> {
    fn address(&self) -> String {
        self.0.name.clone()
    }

    async fn reach(address: &str) -> Handle {
        // The schema is dropped by whoever made it.
        let schema = ManuallyDrop::new(Schema { name: address.to_owned(), mode: Self::MODE });
        Handle { store: schema.open().await, _schema: None }
    }
}

/// A store that keeps its schema in being: a case may drop the fixture first.
pub(crate) struct Handle {
    store: PostgresStore,
    _schema: Option<Arc<Schema>>,
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
