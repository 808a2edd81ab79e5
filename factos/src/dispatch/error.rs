use std::convert::Infallible;

use crate::{
    append_error::{AppendError, Conflict},
    dispatch::attempted::Attempted,
    error_kind::ErrorKind,
    event_error::{DecodeError, EncodeError, Undecodable},
    event_id::EventId,
    invalid_query::InvalidQuery,
    store_error::StoreError,
};

mod declare;
mod guard_not_covered;
mod invalid_argument;
mod key_reused;
mod outcome_unknown;
mod outside_boundary;

use declare::declare_error;

pub use guard_not_covered::GuardNotCovered;
pub use invalid_argument::InvalidArgument;
pub use key_reused::{KeyDifference, KeyReused};
pub use outcome_unknown::OutcomeUnknown;
pub use outside_boundary::OutsideBoundary;

declare_error! {
    /// The error of a dispatch, by what a caller does about it; `D` is the decider's own error.
    ///
    /// In every case but [`OutcomeUnknown`](Self::OutcomeUnknown) nothing was written.
    #[derive(Debug, thiserror::Error)]
    #[error(transparent)]
    #[non_exhaustive]
    pub enum Error<D> {
        /// The domain says no: tell the user.
        Domain(D),
        /// Others decided first, on every attempt: try again later.
        Conflict(#[from] Attempted<Conflict>),
        /// The store failed.
        Store(#[from] Attempted<StoreError>),
        /// The history and the code disagree: stop and look.
        Decode(#[from] DecodeError),
        /// A decided event cannot be stored.
        Encode(#[from] EncodeError),
        /// The store refuses the batch, whatever the log holds, or a hook of the append failed.
        Append(AppendError),
        /// The decider's context or guard is not a valid query.
        Query(#[from] InvalidQuery),
        /// The decider's context does not cover its guard.
        GuardNotCovered(#[from] GuardNotCovered),
        /// The next decision could not see any of the decided events.
        OutsideBoundary(#[from] OutsideBoundary),
        /// The idempotency key was used for another request.
        KeyReused(#[from] KeyReused),
        /// An argument of the dispatch cannot be used.
        InvalidArgument(#[from] InvalidArgument),
        /// The events may or may not be in the log.
        OutcomeUnknown(#[from] OutcomeUnknown),
    }
}

impl<D> Error<D> {
    /// Whether others decided first, on every attempt.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }

    /// The kind of this error, by what a service does about it.
    ///
    /// A value of the command that makes no tag, or that its codec cannot write, is the caller's argument.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Domain(_) => ErrorKind::Domain,
            Self::Conflict(_) => ErrorKind::Conflict,
            Self::Store(error) => error.kind().into(),
            Self::Decode(_) => ErrorKind::Mismatch,
            Self::Encode(EncodeError::Tag { .. } | EncodeError::Codec { .. })
            | Self::Query(InvalidQuery::Tag { .. })
            | Self::KeyReused(_)
            | Self::InvalidArgument(_) => ErrorKind::Argument,
            Self::Append(error) => error.kind(),
            Self::OutcomeUnknown(_) => ErrorKind::OutcomeUnknown,
            Self::Encode(_)
            | Self::Query(_)
            | Self::GuardNotCovered(_)
            | Self::OutsideBoundary(_) => ErrorKind::Broken,
        }
    }

    /// Whether nothing was written, and the same command, run again, can succeed: a conflict, or a store
    /// that was busy or could not be reached.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind().is_retryable()
    }

    /// How often the command was tried, for the errors that further attempts can mend. `None` for the others:
    /// they end a command at once.
    #[must_use]
    pub const fn attempts(&self) -> Option<u32> {
        match self {
            Self::Conflict(error) => Some(error.attempts),
            Self::Store(error) => Some(error.attempts),
            _ => None,
        }
    }

    /// The same error, after so many attempts.
    pub(super) fn after(mut self, attempts: u32) -> Self {
        match &mut self {
            Self::Conflict(error) => error.attempts = attempts,
            Self::Store(error) => error.attempts = attempts,
            _ => {}
        }
        self
    }

    /// The same error with the domain's error mapped.
    pub fn map_domain<E>(self, f: impl FnOnce(D) -> E) -> Error<E> {
        let Ok(error) = self.try_map_domain(|domain| Ok::<E, Infallible>(f(domain)));
        error
    }

    /// The domain's error, or what else went wrong.
    ///
    /// # Errors
    /// [`Infrastructure`] for everything but [`Error::Domain`].
    pub fn into_domain(self) -> Result<D, Infrastructure> {
        match self.try_map_domain(Err::<Infallible, D>) {
            Ok(other) => Err(Infrastructure(other)),
            Err(domain) => Ok(domain),
        }
    }
}

impl<D> From<AppendError> for Error<D> {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Conflict(conflict) => conflict.into(),
            AppendError::Store(error) => error.into(),
            refused => Self::Append(refused),
        }
    }
}

impl<D> From<Conflict> for Error<D> {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(conflict.into())
    }
}

impl<D> From<StoreError> for Error<D> {
    fn from(error: StoreError) -> Self {
        Self::Store(error.into())
    }
}

impl<D> From<Infrastructure> for Error<D> {
    fn from(Infrastructure(error): Infrastructure) -> Self {
        error.map_domain(|never| match never {})
    }
}

impl From<Conflict> for Infrastructure {
    fn from(conflict: Conflict) -> Self {
        Self(conflict.into())
    }
}

impl From<StoreError> for Infrastructure {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

/// An error of a dispatch or of a typed read that is not the domain's.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Infrastructure(Error<Infallible>);

impl Infrastructure {
    /// The same error as an [`Error`], which has no domain error.
    #[must_use]
    pub const fn as_error(&self) -> &Error<Infallible> {
        &self.0
    }

    /// As [`Error::is_conflict`].
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        self.0.is_conflict()
    }

    /// The conflict, if that is what it is.
    pub(super) const fn conflict(&self) -> Option<&Conflict> {
        match &self.0 {
            Error::Conflict(error) => Some(&error.error),
            _ => None,
        }
    }

    /// Why a stored event does not decode, if that is what went wrong.
    #[must_use]
    pub const fn undecodable(&self) -> Option<&Undecodable> {
        match &self.0 {
            Error::Decode(error) => Some(&error.cause),
            _ => None,
        }
    }

    /// The same error for one more command, which appended these events. `None` where it cannot be told twice.
    pub(super) fn share(&self, ids: Vec<EventId>) -> Option<Self> {
        match &self.0 {
            Error::Conflict(error) => Some(error.error.clone().into()),
            Error::Store(error) => Some(error.error.clone().into()),
            Error::OutcomeUnknown(error) => {
                Some(OutcomeUnknown { ids, source: error.source.clone() }.into())
            }
            _ => None,
        }
    }

    /// As [`Error::kind`]; never [`ErrorKind::Domain`].
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind()
    }

    /// As [`Error::attempts`].
    #[must_use]
    pub const fn attempts(&self) -> Option<u32> {
        self.0.attempts()
    }

    /// As [`Error::is_retryable`].
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.is_retryable()
    }
}

/// A method on the result of a dispatch that separates the domain's answer from all other errors.
pub trait Split {
    /// The domain's answer: its success or its error.
    type Answer;

    /// The domain's answer, or what kept it from giving one: `dispatch(..).run(..).await.split()?` leaves
    /// a `Result` of the domain alone.
    ///
    /// # Errors
    /// [`Infrastructure`] for everything but [`Error::Domain`].
    fn split(self) -> Result<Self::Answer, Infrastructure>;
}

impl<T, D> Split for Result<T, Error<D>> {
    type Answer = Result<T, D>;

    fn split(self) -> Result<Result<T, D>, Infrastructure> {
        match self {
            Ok(done) => Ok(Ok(done)),
            Err(error) => error.into_domain().map(Err),
        }
    }
}
