//! Where a command reads and appends: the log itself, or the log within a transaction of the caller's.

use bytes::Bytes;

use crate::{
    append::{AppendCondition, NewEvent},
    dispatch::{
        boundary::Boundary, commit::commit, error::Infrastructure, retry::Retry, span::Span,
    },
    events::Events,
    position::SequencePosition,
    read_options::ReadOptions,
    recorded::Recorded,
    store::EventStore,
    store_error::StoreError,
    transactional_store::TransactionalStore,
    turns::Turns,
};

pub(super) trait Log: Send {
    /// The turns in which commands are decided on contended boundaries, if there are any.
    fn turns(&self) -> Option<Turns>;

    /// What the boundary holds after a position.
    fn read(
        &mut self,
        boundary: &Boundary,
        after: Option<SequencePosition>,
    ) -> impl Future<Output = Result<Events<'_>, StoreError>> + Send;

    /// Appends the batch. The outcome of an error is known, unless the error says otherwise.
    fn append(
        &mut self,
        batch: Vec<NewEvent>,
        condition: AppendCondition,
        retry: &Retry,
    ) -> impl Future<Output = Result<Vec<Recorded<Bytes>>, Infrastructure>> + Send;
}

/// The log itself.
pub(super) struct Whole<'a, S: ?Sized>(pub(super) &'a S);

impl<S: EventStore + ?Sized> Log for Whole<'_, S> {
    fn turns(&self) -> Option<Turns> {
        self.0.turns().cloned()
    }

    async fn read(
        &mut self,
        boundary: &Boundary,
        after: Option<SequencePosition>,
    ) -> Result<Events<'_>, StoreError> {
        let options = ReadOptions::all().after(after);
        match boundary {
            Boundary::Facts(facts) => self.0.read(facts.read(), options).await,
            Boundary::Stream(stream) => self.0.read_stream(stream, options).await,
        }
    }

    async fn append(
        &mut self,
        batch: Vec<NewEvent>,
        condition: AppendCondition,
        retry: &Retry,
    ) -> Result<Vec<Recorded<Bytes>>, Infrastructure> {
        commit(self.0, batch, condition.into(), retry).await
    }
}

/// The log within a transaction.
pub(super) struct Within<'a, S: TransactionalStore + ?Sized> {
    pub(super) store: &'a S,
    pub(super) transaction: &'a mut S::Transaction,
}

impl<S: TransactionalStore + ?Sized> Log for Within<'_, S> {
    /// What a transaction holds has excluded others already, and it is tried once.
    fn turns(&self) -> Option<Turns> {
        None
    }

    async fn read(
        &mut self,
        boundary: &Boundary,
        after: Option<SequencePosition>,
    ) -> Result<Events<'_>, StoreError> {
        let (store, transaction) = (self.store, &mut *self.transaction);
        let options = ReadOptions::all().after(after);
        match boundary {
            Boundary::Facts(facts) => store.read_in(transaction, facts.read(), options).await,
            Boundary::Stream(stream) => store.read_stream_in(transaction, stream, options).await,
        }
    }

    async fn append(
        &mut self,
        batch: Vec<NewEvent>,
        condition: AppendCondition,
        _: &Retry,
    ) -> Result<Vec<Recorded<Bytes>>, Infrastructure> {
        let appended = self.store.append_in(self.transaction, batch, condition).await;
        Ok(appended?)
    }
}

/// Appends a batch to a log, within a span.
pub(super) async fn append(
    log: &mut impl Log,
    batch: Vec<NewEvent>,
    condition: AppendCondition,
    retry: &Retry,
) -> Result<Vec<Recorded<Bytes>>, Infrastructure> {
    within_span(log.append(batch, condition, retry)).await
}

/// Appends within a span.
pub(super) async fn within_span(
    append: impl Future<Output = Result<Vec<Recorded<Bytes>>, Infrastructure>> + Send,
) -> Result<Vec<Recorded<Bytes>>, Infrastructure> {
    let span = Span::append();
    let stored = span.around(append).await;
    match &stored {
        Ok(records) => span.was_appended(records.len(), records.last().map(|last| last.position)),
        Err(error) => span.failed(error.kind()),
    }
    stored
}
