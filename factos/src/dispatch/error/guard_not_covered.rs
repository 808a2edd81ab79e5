use crate::query::Query;

/// The error of a decider whose guard selects events which its context does not select.
///
/// The decision has not read those events, so no position is known after which they would refuse the append.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the guard {guard} is not covered by the context {context}")]
#[non_exhaustive]
pub struct GuardNotCovered {
    /// The guard.
    pub guard: Query,
    /// The context.
    pub context: Query,
}
