use factos::StoreError;

/// The error of [`SqliteStore::write`](crate::SqliteStore::write); `E` is that of the closure.
///
/// Nothing was written, except where
/// [`StoreErrorKind::OutcomeUnknown`](factos::StoreErrorKind::OutcomeUnknown) says that this is not known.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum WriteError<E> {
    /// The closure's own error.
    Caller(E),
    /// The transaction could not be begun or committed.
    Store(#[from] StoreError),
}
