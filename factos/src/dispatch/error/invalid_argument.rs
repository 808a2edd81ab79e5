use crate::text_rules::InvalidText;

/// An argument of a dispatch that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidArgument {
    /// The name of a stream.
    #[error("the stream name cannot be used")]
    StreamName(#[source] InvalidText),
    /// An idempotency key: it becomes the value of a tag, and has the limits of one.
    #[error("the idempotency key cannot be used")]
    IdempotencyKey(#[source] InvalidText),
    /// A fingerprint.
    #[error("the fingerprint of the request cannot be used")]
    Fingerprint(#[source] InvalidText),
    /// The correlation or causation id taken from a record.
    #[error("the cause's ids cannot be used")]
    Cause(#[source] InvalidText),
}
