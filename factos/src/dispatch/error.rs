use std::convert::Infallible;

use crate::{
    append_error::{AppendError, Conflict},
    event_error::{DecodeError, EncodeError},
    invalid_query::InvalidQuery,
    store_error::{StoreError, StoreErrorKind},
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
pub use key_reused::KeyReused;
pub use outcome_unknown::OutcomeUnknown;
pub use outside_boundary::OutsideBoundary;

declare_error! {
    /// Why a command led to no events, by what a caller does about it. `D` is the decider's own error.
    ///
    /// In every case but [`OutcomeUnknown`](Self::OutcomeUnknown) nothing was written.
    #[derive(Debug, thiserror::Error)]
    #[error(transparent)]
    #[non_exhaustive]
    pub enum Error<D> {
        /// The domain says no: tell the user.
        Domain(D),
        /// Others decided first, on every attempt: try again later.
        Conflict(#[from] Conflict),
        /// The store failed.
        Store(#[from] StoreError),
        /// The history and the code disagree: stop and look.
        Decode(#[from] DecodeError),
        /// A decided event cannot be stored.
        Encode(#[from] EncodeError),
        /// The store refuses the batch, whatever the log holds.
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

    /// Whether nothing was written and the same command, run again, can succeed: a conflict, or a store
    /// that was busy.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Conflict(_) => true,
            Self::Store(error) => error.kind() == StoreErrorKind::Busy,
            _ => false,
        }
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
            AppendError::Conflict(conflict) => Self::Conflict(conflict),
            AppendError::Store(error) => Self::Store(error),
            refused => Self::Append(refused),
        }
    }
}

impl<D> From<Infrastructure> for Error<D> {
    fn from(Infrastructure(error): Infrastructure) -> Self {
        error.map_domain(|never| match never {})
    }
}

/// An [`Error`] that is not the domain's.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Infrastructure(Error<Infallible>);

impl Infrastructure {
    /// What went wrong.
    #[must_use]
    pub const fn as_error(&self) -> &Error<Infallible> {
        &self.0
    }

    /// As [`Error::is_conflict`].
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        self.0.is_conflict()
    }

    /// As [`Error::is_retryable`].
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.is_retryable()
    }
}

/// Separates what the domain says from everything else that can go wrong.
pub trait Split {
    /// What the domain says.
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
