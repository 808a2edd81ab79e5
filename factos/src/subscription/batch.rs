use bytes::Bytes;

use crate::{position::SequencePosition, recorded::Recorded};

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
