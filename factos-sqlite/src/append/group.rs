//! What the callers of one group commit are told.

use factos::{
    AppendError, StoreError, StoreErrorKind,
    backend::{Group, GroupLimits},
};

use crate::{append::batch::Batch, error::Error};

/// The most appends, and about the most bytes, that share one commit.
pub(crate) const GROUP: GroupLimits = GroupLimits { appends: 256, bytes: 16 << 20 };

/// Why a group was not committed. Except after a failed commit, nothing was written.
pub(crate) enum Failure {
    /// The write lock could not be taken, or the file not be opened: no batch of the group is the cause.
    Begin(Error),
    /// A statement failed.
    Statement(Error),
    /// A hook ended the transaction, or it or a trigger left rows that a deferred constraint refuses at the commit.
    Hook(Box<dyn std::error::Error + Send + Sync>),
    /// The commit failed, and is known to have written nothing.
    Undone(Error),
    /// The commit failed, and whether it wrote anything is not known.
    Unknown(Error),
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Begin(error)
            | Failure::Statement(error)
            | Failure::Undone(error)
            | Failure::Unknown(error) => error.into(),
            Failure::Hook(error) => Self::new(StoreErrorKind::Other, error),
        }
    }
}

/// Tells every caller of the group.
pub(crate) fn answer(group: Group<Batch>, outcome: Result<(), Failure>) {
    let append_error = |error: &Error| AppendError::from(StoreError::from(error.clone()));
    match outcome {
        Ok(()) => group.committed(),
        Err(Failure::Begin(error) | Failure::Statement(error) | Failure::Undone(error)) => {
            group.fail(|| append_error(&error));
        }
        Err(Failure::Hook(error)) => {
            // The group is this one append. Without a hook a trigger was the cause.
            if let Some(request) = group.into_requests().pop() {
                let error = match request.batch().hook() {
                    Some(_) => AppendError::Hook(error),
                    None => StoreError::new(StoreErrorKind::Other, error).into(),
                };
                request.answer(Err(error));
            }
        }
        Err(Failure::Unknown(error)) => {
            group.unknown(|| append_error(&error), || append_error(&Error::CheckedInFailedCommit));
        }
    }
}
