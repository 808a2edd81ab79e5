use crate::event_type::EventType;

/// The error of an idempotency key that was used for another request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the idempotency key {key:?} was used for another request: {difference}")]
#[non_exhaustive]
pub struct KeyReused {
    /// The key.
    pub key: String,
    /// The difference between the requests.
    pub difference: KeyDifference,
}

/// The difference between a request and an earlier one under the same idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyDifference {
    /// The fingerprints differ.
    #[error("its fingerprint was another one")]
    OtherFingerprint,
    /// The earlier request had a fingerprint, and this one has none.
    #[error("that one had a fingerprint, and this one has none")]
    NoFingerprint,
    /// The earlier request had no fingerprint, and this one has one.
    #[error("that one had no fingerprint, and this one has one")]
    NewFingerprint,
    /// The earlier request led to an event that the decider does not know. Two commands of one request take two
    /// keys.
    #[error("it led to an event of type {event_type}, which this decider does not know")]
    OtherEvents {
        /// The stored name of the event's type.
        event_type: EventType,
    },
}
