use std::error::Error;

use factos::{ErrorKind, InvalidQuery, SequencePosition};

use crate::port::{ConsumerId, PartitionId, PortError, Succession};

/// Why a run of consumers has ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A consumer cannot go on.
    #[error("{partition} cannot go on{}", at(*.position, *.attempts))]
    Consumer {
        /// Which partition of it.
        partition: PartitionId,
        /// The event that it cannot handle, or where it is.
        position: Option<SequencePosition>,
        /// How often the event was tried; 0 if it is none that failed.
        attempts: u32,
        /// Why not.
        #[source]
        error: Box<dyn Error + Send + Sync>,
    },
    /// The query of a consumer is not valid.
    #[error("the query of {consumer} is not valid")]
    Query {
        /// Which consumer.
        consumer: ConsumerId,
        /// What is wrong.
        #[source]
        error: InvalidQuery,
    },
    /// Two consumers of the run have the same name and version.
    #[error("{0} is in the run twice")]
    Twice(ConsumerId),
    /// A version of the same name is kept that is a projection, and this one is a reaction, or the other way round. They have
    /// nothing to hand over to one another.
    #[error("{consumer} is a {}, and {kept} is not: give it another name", succession.kind())]
    OtherKind {
        /// Which consumer.
        consumer: ConsumerId,
        /// What it is to the versions before it.
        succession: Succession,
        /// The version that is kept.
        kept: ConsumerId,
    },
    /// What consumers keep cannot be read or written.
    #[error("the state of the consumers cannot be kept")]
    Port(#[source] PortError),
}

impl From<PortError> for RunError {
    fn from(error: PortError) -> Self {
        match error {
            PortError::OtherKind { consumer, succession, kept } => {
                Self::OtherKind { consumer, succession, kept }
            }
            error => Self::Port(error),
        }
    }
}

/// Whether what is kept, read again, may be gone on from.
pub(crate) const fn is_passing(kind: ErrorKind) -> bool {
    kind.is_retryable() || matches!(kind, ErrorKind::OutcomeUnknown)
}

fn at(position: Option<SequencePosition>, attempts: u32) -> String {
    match (position, attempts) {
        (Some(position), 0) => format!(" at position {position}"),
        (Some(position), 1) => format!(": the event at position {position} was tried once"),
        (Some(position), _) => {
            format!(": the event at position {position} was tried {attempts} times")
        }
        (None, _) => String::new(),
    }
}
