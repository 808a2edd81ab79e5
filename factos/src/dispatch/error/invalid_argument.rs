use crate::{dispatch::key_tag::MAX_IDEMPOTENCY_KEY_BYTES, text_rules::InvalidText};

/// The error of an argument of a dispatch, or of a read, that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidArgument {
    /// A text that cannot be the name of a stream.
    #[error("the stream name cannot be used")]
    StreamName(#[source] InvalidText),
    /// An idempotency key that is too long.
    #[error(
        "the idempotency key has {bytes} bytes, at most {MAX_IDEMPOTENCY_KEY_BYTES} are allowed"
    )]
    IdempotencyKeyTooLong {
        /// How long it is.
        bytes: usize,
    },
    /// An idempotency key that is empty, or holds a control character.
    #[error("the idempotency key cannot be used")]
    IdempotencyKey(#[source] InvalidText),
    /// A text that cannot be a fingerprint.
    #[error("the fingerprint of the request cannot be used")]
    Fingerprint(#[source] InvalidText),
    /// A value of which no fingerprint can be made, because it does not serialize.
    #[error("the value for the fingerprint does not serialize: {reason}")]
    FingerprintOf {
        /// Why.
        reason: String,
    },
    /// The cursor of a page is one of another log.
    #[error("the cursor belongs to another log")]
    CursorOfAnotherLog,
    /// A correlation or causation id of a record that cannot be used.
    #[error("the cause's ids cannot be used")]
    Cause(#[source] InvalidText),
}
