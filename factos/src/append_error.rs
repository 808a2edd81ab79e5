//! The errors of an append.

use std::{error::Error, fmt};

use crate::{
    error_kind::ErrorKind, event_id::EventId, position::SequencePosition, query::Query,
    revision::Revision, store_error::StoreError, stream_name::StreamName,
};

/// The error of an append: the reason why the batch was not appended.
///
/// Nothing of it was written, except where
/// [`StoreErrorKind::OutcomeUnknown`](crate::StoreErrorKind::OutcomeUnknown) says that this is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The condition does not hold: read again, decide again.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The batch holds no event.
    #[error("the batch holds no event")]
    EmptyBatch,
    /// An event with this id is twice in the batch, or else in the log already: the first such id in the
    /// order of the batch.
    #[error("an event with the id {0} was appended before")]
    DuplicateEventId(EventId),
    /// The batch is larger than the store accepts.
    #[error(transparent)]
    Invalid(#[from] InvalidEvent),
    /// The batch was accepted, and a hook of the application's, which runs in the transaction of the append, failed
    /// or panicked. This is its error. The whole append was undone, with what the hook wrote to the same database.
    #[error("the hook of the append failed")]
    Hook(#[source] Box<dyn Error + Send + Sync>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AppendError {
    /// The kind of this error, by what a service does about it.
    ///
    /// A duplicate id is the caller's argument: the event is in the log. A hook that fails is
    /// [`Broken`](ErrorKind::Broken), whatever its error: that can be asked for by a downcast.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Conflict(_) => ErrorKind::Conflict,
            Self::Store(error) => error.kind().into(),
            Self::EmptyBatch | Self::DuplicateEventId(_) | Self::Invalid(_) => ErrorKind::Argument,
            Self::Hook(_) => ErrorKind::Broken,
        }
    }

    /// Whether nothing was written, and reading, deciding and appending again can succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind().is_retryable()
    }

    /// Whether the condition did not hold.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }
}

/// The error of an append whose condition did not hold: the condition, and what broke it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// A further matching event was accepted.
    #[error("an event matching {query} was accepted {}, at {position}", After(*after))]
    EventsMatch {
        /// The query of the condition.
        query: Query,
        /// The position of the condition.
        after: Option<SequencePosition>,
        /// The position of one such event, not always of the first.
        position: SequencePosition,
    },
    /// The stream has another revision.
    #[error("stream {stream} has {actual}, expected {expected}")]
    Revision {
        /// The stream of the condition.
        stream: StreamName,
        /// The revision of the condition.
        expected: Revision,
        /// The revision that the stream has.
        actual: Revision,
    },
}

struct After(Option<SequencePosition>);

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(position) => write!(f, "after {position}"),
            None => f.write_str("before"),
        }
    }
}

/// The error of a batch that exceeds a limit of the store; see [`Limits`](crate::Limits).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidEvent {
    /// A payload is too long.
    #[error(
        "event {index} of the batch has a payload of {bytes} bytes, at most {limit} are accepted"
    )]
    PayloadTooLarge {
        /// The index of the event in the batch, from 0.
        index: usize,
        /// How long the payload is.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
    /// An event has too many tags.
    #[error("event {index} of the batch has {tags} tags, at most {limit} are accepted")]
    TooManyTags {
        /// The index of the event in the batch, from 0.
        index: usize,
        /// How many tags it has.
        tags: usize,
        /// How many it may have.
        limit: usize,
    },
    /// The batch holds too many events.
    #[error("the batch holds {events} events, at most {limit} are accepted")]
    TooManyEvents {
        /// How many there are.
        events: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The batch as a whole is too large.
    #[error("the batch has {bytes} bytes, at most {limit} are accepted")]
    BatchTooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        limit: usize,
    },
    /// The condition's query has too many items.
    #[error("the query has {items} items, at most {limit} are accepted")]
    TooManyItems {
        /// How many there are.
        items: usize,
        /// How many there may be.
        limit: usize,
    },
}
