//! A failure of the store itself, and what a caller can do about it.

use std::{error::Error, fmt, sync::Arc};

use crate::error_kind::ErrorKind;

/// A failure of the store itself.
///
/// Its [`kind`](Self::kind) says what a caller can do about it. The backend's own error, which
/// [`downcast_ref`](Self::downcast_ref) finds, says what happened. A clone shares it.
#[derive(Debug, Clone)]
pub struct StoreError(Arc<Failure>);

#[derive(Debug)]
struct Failure {
    kind: StoreErrorKind,
    error: Box<dyn Error + Send + Sync>,
}

/// The kind of a [`StoreError`], by what a caller can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// No lock or no connection was available in time. Nothing was written; safe to try again.
    Busy,
    /// The log cannot be reached, or the connection to it was lost before anything was sent that writes. Nothing
    /// was written; safe to try again.
    Unavailable,
    /// The batch may or may not be in the log. Appending it again with the same ids shows which:
    /// [`AppendError::DuplicateEventId`](crate::AppendError::DuplicateEventId) means that it is.
    OutcomeUnknown,
    /// There is no space left for the log. Nothing was written.
    Full,
    /// The stored data is damaged. Stop and investigate.
    Corrupt,
    /// What was opened is not a log, or a log that this version cannot use.
    Incompatible,
    /// Anything else; an append wrote nothing.
    Other,
}

impl StoreError {
    /// A failure of this kind; the error, or text, says what happened.
    #[must_use]
    pub fn new(kind: StoreErrorKind, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::new(Failure { kind, error: error.into() }))
    }

    /// The kind of this failure, by what a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.0.kind
    }

    /// Whether nothing was written, and the same call, made again, can succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        ErrorKind::from(self.kind()).is_retryable()
    }

    /// The first error of this type in the chain that starts with the backend's own.
    #[must_use]
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        let mut next: Option<&(dyn Error + 'static)> = Some(&*self.0.error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }
}

impl From<StoreErrorKind> for ErrorKind {
    fn from(kind: StoreErrorKind) -> Self {
        match kind {
            StoreErrorKind::Busy => Self::Busy,
            StoreErrorKind::Unavailable => Self::Unavailable,
            StoreErrorKind::OutcomeUnknown => Self::OutcomeUnknown,
            StoreErrorKind::Full
            | StoreErrorKind::Corrupt
            | StoreErrorKind::Incompatible
            | StoreErrorKind::Other => Self::Broken,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.error, f)
    }
}

/// Takes the place of the backend's own error in a chain of errors: it has the source of that error.
impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.error.source()
    }
}
