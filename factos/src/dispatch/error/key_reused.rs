/// An idempotency key that was used for another request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the idempotency key {key:?} was used for another request")]
#[non_exhaustive]
pub struct KeyReused {
    /// The key.
    pub key: String,
    /// The fingerprint of the earlier request.
    pub earlier: String,
    /// The fingerprint of this request.
    pub given: String,
}
