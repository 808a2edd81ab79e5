use crate::{
    error_kind::ErrorKind, event_id::EventId, position::SequencePosition, store_error::StoreError,
};

/// Why a checkpoint cannot be gone on from, or cannot be moved. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Another worker has moved the checkpoint. What this one did for the same events is to be rolled back.
    #[error("the checkpoint {name} is at {}, and not at {}: another worker has moved it", at(*found), at(*expected))]
    Moved {
        /// The name of the checkpoint.
        name: String,
        /// Where it was to be.
        expected: Option<SequencePosition>,
        /// Where it is; `None` if there is no such row.
        found: Option<SequencePosition>,
    },
    /// The checkpoint was to be moved to a lower position.
    #[error("the checkpoint {name} cannot go back from {expected} to {to}")]
    Backwards {
        /// The name of the checkpoint.
        name: String,
        /// Where it is.
        expected: SequencePosition,
        /// Where it was to be.
        to: SequencePosition,
    },
    /// The checkpoint belongs to another log.
    #[error("the checkpoint belongs to log {kept}, and this is log {found}")]
    OtherLog {
        /// The log of the checkpoint.
        kept: String,
        /// The log that was opened.
        found: String,
    },
    /// The log ends before the checkpoint: it was restored to an earlier time, or has lost events.
    #[error("the checkpoint is at {position}, but the log ends at {}: it was restored, or has lost events", at(*head))]
    AboveHead {
        /// The position of the checkpoint.
        position: SequencePosition,
        /// The last position of the log; `None` if it is empty.
        head: Option<SequencePosition>,
    },
    /// The log is another one up to the checkpoint: it was restored to an earlier time, and has grown since.
    #[error(
        "the last event up to position {position} is {}, and was {kept}: the log was restored and has grown since",
        found.map_or_else(|| "none".to_owned(), |id| id.to_string())
    )]
    Rewritten {
        /// The position of the checkpoint.
        position: SequencePosition,
        /// The id of the last event at or below it, when it was kept.
        kept: EventId,
        /// The id of that event now.
        found: Option<EventId>,
    },
    /// The table of the checkpoints was made by another version of this crate.
    #[error("the table of checkpoints has format {found}, and this version knows format {known}")]
    Format {
        /// That of the table.
        found: i64,
        /// That of this version.
        known: i64,
    },
    /// The row of the checkpoint holds what was never written.
    #[error("the row of the checkpoint {name} is damaged: {what}")]
    Damaged {
        /// The name of the checkpoint.
        name: String,
        /// What is wrong in it.
        what: &'static str,
    },
    /// The database of the checkpoint failed.
    #[error("the database of the checkpoint failed")]
    Database(#[source] StoreError),
    /// The log failed.
    #[error("the log of the checkpoint cannot be read")]
    Store(#[from] StoreError),
}

impl CheckpointError {
    /// The kind of this error, by what a service does about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Moved { .. } => ErrorKind::Conflict,
            Self::Backwards { .. } => ErrorKind::Argument,
            Self::Database(error) | Self::Store(error) => error.kind().into(),
            Self::Format { .. } => ErrorKind::Mismatch,
            Self::OtherLog { .. }
            | Self::AboveHead { .. }
            | Self::Rewritten { .. }
            | Self::Damaged { .. } => ErrorKind::Broken,
        }
    }
}

/// A position in a message.
fn at(position: Option<SequencePosition>) -> String {
    position.map_or_else(|| "the start".to_owned(), |position| position.to_string())
}
