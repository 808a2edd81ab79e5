use crate::{event_id::EventId, store_error::StoreError};

/// An append whose outcome could not be found out, or that is done while its records cannot be read: the
/// events are in the log, all of them or none.
///
/// Running the command again is safe only with an idempotency key. Otherwise look for the ids first.
#[derive(Debug, thiserror::Error)]
#[error("the outcome of an append of {} events is not known", ids.len())]
#[non_exhaustive]
pub struct OutcomeUnknown {
    /// The ids of the batch, in order.
    pub ids: Vec<EventId>,
    /// What the store said last.
    pub source: StoreError,
}
