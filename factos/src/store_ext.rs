use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    query::Query, read_options::ReadOptions, recorded::Recorded, store::EventStore,
    store_error::StoreError, stream_name::StreamName,
};

/// Conveniences for callers, on every store.
#[async_trait]
pub trait EventStoreExt: EventStore {
    /// All events that match `query`, in memory.
    ///
    /// # Errors
    /// As [`EventStore::read`].
    async fn read_all(&self, query: &Query) -> Result<Vec<Recorded<Bytes>>, StoreError> {
        self.read(query, ReadOptions::all()).await?.collect().await
    }

    /// All events of one stream, in memory.
    ///
    /// # Errors
    /// As [`EventStore::read_stream`].
    async fn read_stream_all(
        &self,
        stream: &StreamName,
    ) -> Result<Vec<Recorded<Bytes>>, StoreError> {
        self.read_stream(stream, ReadOptions::all()).await?.collect().await
    }

    /// The last event that matches `query`, or none.
    ///
    /// # Errors
    /// As [`EventStore::read`].
    async fn read_last(&self, query: &Query) -> Result<Option<Recorded<Bytes>>, StoreError> {
        let options = ReadOptions::all().backwards().limit(1);
        self.read(query, options).await?.next().await.transpose()
    }
}

impl<S: EventStore + ?Sized> EventStoreExt for S {}
