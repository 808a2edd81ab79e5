/// An idempotency key that stands for another request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the idempotency key {key:?} was used for another request")]
#[non_exhaustive]
pub struct KeyReused {
    /// The key.
    pub key: String,
    /// What the earlier request was.
    pub earlier: String,
    /// What this request is.
    pub given: String,
}
