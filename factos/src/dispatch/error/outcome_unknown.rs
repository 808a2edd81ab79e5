use crate::{event_id::EventId, store_error::StoreError};

/// The error of an append of which it is not known whether its events are in the log: all of them, or none.
///
/// Its outcome could not be found out, or its records could not be read afterwards.
///
/// Running the command again is safe only with an idempotency key. Otherwise look for the ids first.
#[derive(Debug, thiserror::Error)]
#[error("the outcome of an append of {} events is not known", ids.len())]
#[non_exhaustive]
pub struct OutcomeUnknown {
    /// The ids of the batch, in order.
    pub ids: Vec<EventId>,
    /// The last error of the store.
    pub source: StoreError,
}
