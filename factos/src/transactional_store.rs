use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    append::{AppendCondition, NewEvent},
    append_error::AppendError,
    events::Events,
    query::Query,
    read_options::ReadOptions,
    recorded::Recorded,
    store::EventStore,
    store_error::StoreError,
    stream_name::StreamName,
};

/// A store that reads and appends within a transaction of the caller's.
///
/// The transaction holds the caller's own changes to the same database as well.
/// [`Dispatch::run_in`](crate::Dispatch::run_in) runs a command there.
///
/// What is appended is in the log once the caller commits, and the condition then has held; after a rollback
/// nothing is. Each backend says what the transaction must be, and what it holds up until it ends.
#[async_trait]
pub trait TransactionalStore: EventStore {
    /// The transaction, or the connection that it is open on.
    type Transaction: Send + ?Sized;

    /// As [`EventStore::read`], of what the transaction sees: its own appends as well.
    ///
    /// # Errors
    /// [`StoreError`], here or as an item of the stream. The transaction can then only be rolled back.
    ///
    /// # Cancellation
    /// Roll back.
    async fn read_in<'t>(
        &'t self,
        transaction: &'t mut Self::Transaction,
        query: &Query,
        options: ReadOptions,
    ) -> Result<Events<'t>, StoreError>;

    /// As [`EventStore::read_stream`], of what the transaction sees.
    ///
    /// # Errors
    /// As [`read_in`](Self::read_in).
    ///
    /// # Cancellation
    /// Roll back.
    async fn read_stream_in<'t>(
        &'t self,
        transaction: &'t mut Self::Transaction,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'t>, StoreError>;

    /// As [`EventStore::append`], within the transaction.
    ///
    /// # Errors
    /// [`AppendError`]. After a refusal the transaction is still usable; after [`AppendError::Store`] it can only
    /// be rolled back. The outcome is never unknown: that is up to the caller's commit.
    ///
    /// # Cancellation
    /// Roll back.
    async fn append_in(
        &self,
        transaction: &mut Self::Transaction,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError>;
}
