use crate::query::Query;

/// A guard wider than the context: what lies between the two was never looked at, so no position is
/// known from which on it would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the guard {guard} is not covered by the context {context}")]
#[non_exhaustive]
pub struct GuardNotCovered {
    /// The guard.
    pub guard: Query,
    /// The context.
    pub context: Query,
}
