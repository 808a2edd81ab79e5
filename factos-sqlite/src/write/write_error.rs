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

impl<E: From<StoreError>> WriteError<E> {
    /// The closure's error, which the store's is made into where it is one of the store.
    #[must_use]
    pub fn into_caller(self) -> E {
        match self {
            Self::Caller(error) => error,
            Self::Store(error) => error.into(),
        }
    }
}
