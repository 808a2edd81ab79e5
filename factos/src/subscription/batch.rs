use bytes::Bytes;

use crate::{
    checkpoint::{self, Anchor},
    position::SequencePosition,
    recorded::Recorded,
    store::EventStore,
    store_error::StoreError,
};

/// Some events of a subscription, and how far they are complete.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Batch<E = Bytes> {
    /// The next events of the query, in the order of the log. There are none where nothing matched.
    pub records: Vec<Recorded<E>>,
    /// The position up to which everything of the query has been given out, with this batch: what a checkpoint may
    /// keep. It is above that of the batch before, or equal to it in the batch that
    /// [is live](Self::is_live). `None` only before the first event of a log.
    pub through: Option<SequencePosition>,
    /// Whether this is the batch with which everything was given out that was in the log when the subscription
    /// started: true of one batch, and of no other. It comes without records too.
    pub is_live: bool,
    /// How many events of unknown types have been passed over within this batch.
    pub skipped: u64,
}

impl<E> Batch<E> {
    /// What a checkpoint keeps of this batch: [`through`](Self::through), and what tells that the log still is the same
    /// up to there. `None` only before the first event of a log, where there is nothing to keep.
    ///
    /// `store` is a handle on the same log. One event is read, unless the batch ends with a record at
    /// that position, as it does while the subscription catches up.
    ///
    /// # Errors
    /// As [`EventStore::read`].
    pub async fn anchor<S: EventStore + ?Sized>(
        &self,
        store: &S,
    ) -> Result<Option<Anchor>, StoreError> {
        let Some(through) = self.through else { return Ok(None) };
        match self.records.last() {
            Some(last) if last.position == through => {
                Ok(Some(Anchor::new(store.log_id(), through, last.id)))
            }
            _ => checkpoint::anchor(store, through).await,
        }
    }
}

#[cfg(feature = "conformance")]
impl<E> Batch<E> {
    /// For tests of the suite: a batch of a subscriber that is wrong on purpose.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(
        records: Vec<Recorded<E>>,
        through: Option<SequencePosition>,
        is_live: bool,
        skipped: u64,
    ) -> Self {
        Self { records, through, is_live, skipped }
    }
}
