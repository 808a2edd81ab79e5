use std::error::Error;

use factos::{ErrorKind, SequencePosition, StoreError};

use super::{
    consumer::{ConsumerId, Succession},
    lease::PartitionId,
};

/// Why a port did not do what it was asked for. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PortError {
    /// The lease is another process's by now. What was written under it is rolled back.
    #[error("the lease of {0} is lost")]
    LeaseLost(PartitionId),
    /// The partition is not where the step begins, though its lease is held: something else has moved it.
    #[error("{partition} is at {}, and not at {}", at(*.found), at(*.expected))]
    Moved {
        /// Which partition.
        partition: PartitionId,
        /// Where it was to be.
        expected: Option<SequencePosition>,
        /// Where it is.
        found: Option<SequencePosition>,
    },
    /// The partition follows another log.
    #[error("{partition} follows log {kept}, and this is log {found}")]
    OtherLog {
        /// Which partition.
        partition: PartitionId,
        /// The log that it follows.
        kept: String,
        /// The log of the step.
        found: String,
    },
    /// What the consumer wrote in the transaction failed.
    #[error("the consumer failed")]
    Work(#[source] Box<dyn Error + Send + Sync>),
    /// There is no such version of a consumer.
    #[error("{0} was never registered")]
    Unknown(ConsumerId),
    /// The version is live, and so cannot be retired.
    #[error("{0} is live: promote another version first")]
    IsLive(ConsumerId),
    /// The version is retired, and what it had kept is gone.
    #[error("{0} is retired")]
    IsRetired(ConsumerId),
    /// A version of the same name is kept that is to be rebuilt, and this one takes over, or the other way round. They have
    /// nothing to hand over to one another.
    #[error("{consumer} is a {}, and {kept} is not: give it another name", succession.kind())]
    OtherKind {
        /// The version that was to be registered.
        consumer: ConsumerId,
        /// What it is to the versions of its name.
        succession: Succession,
        /// The version that is kept.
        kept: ConsumerId,
    },
    /// The tables were made by another version of this crate.
    #[error(
        "the tables of the consumers have format {found}, and this version knows format {known}"
    )]
    Format {
        /// That of the tables.
        found: i64,
        /// That of this version.
        known: i64,
    },
    /// A row holds what was never written.
    #[error("a row of {what} is damaged")]
    Damaged {
        /// Which.
        what: String,
    },
    /// The database failed.
    #[error("the database of the consumers failed")]
    Database(#[from] StoreError),
}

impl PortError {
    /// The kind of this error, by what a service does about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::LeaseLost(_) | Self::Moved { .. } => ErrorKind::Conflict,
            Self::Work(_) => ErrorKind::Domain,
            Self::Unknown(_) | Self::IsLive(_) | Self::IsRetired(_) | Self::OtherKind { .. } => {
                ErrorKind::Argument
            }
            Self::Format { .. } => ErrorKind::Mismatch,
            Self::OtherLog { .. } | Self::Damaged { .. } => ErrorKind::Broken,
            Self::Database(error) => error.kind().into(),
        }
    }
}

/// A position in a message.
fn at(position: Option<SequencePosition>) -> String {
    position.map_or_else(|| "the start".to_owned(), |position| position.to_string())
}
