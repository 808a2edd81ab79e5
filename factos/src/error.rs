//! Outcomes of the raw layer that a caller can act on.

use std::{error::Error, fmt};

use crate::{
    event_id::EventId,
    position::SequencePosition,
    query::Query,
    stream::{Revision, StreamName},
};

/// Why a batch was not appended. Nothing of it was written, except where
/// [`StoreErrorKind::OutcomeUnknown`] says that this is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The condition does not hold: read again, decide again.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The batch holds no event.
    #[error("the batch holds no event")]
    EmptyBatch,
    /// An event of this id is in the log, or stands twice in the batch.
    #[error("an event with the id {0} was appended before")]
    DuplicateEventId(EventId),
    /// The batch is larger than the store accepts.
    #[error(transparent)]
    Invalid(#[from] InvalidEvent),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AppendError {
    /// Whether reading and deciding again can succeed.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }
}

/// The condition that did not hold.
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
        /// Where one such event stands; not always the first.
        position: SequencePosition,
    },
    /// The stream is elsewhere.
    #[error("stream {stream} has {actual}, expected {expected}")]
    Revision {
        /// The stream of the condition.
        stream: StreamName,
        /// The revision of the condition.
        expected: Revision,
        /// How far the stream is.
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

/// A batch that passes a limit of the store; see [`Limits`](crate::Limits).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidEvent {
    /// A payload is too long.
    #[error(
        "event {index} of the batch has a payload of {bytes} bytes, at most {limit} are accepted"
    )]
    PayloadTooLarge {
        /// Which event, from 0.
        index: usize,
        /// How long the payload is.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
    /// An event has too many tags.
    #[error("event {index} of the batch has {tags} tags, at most {limit} are accepted")]
    TooManyTags {
        /// Which event, from 0.
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

/// A failure of the store itself: what a caller can do about it is its [`kind`](Self::kind), what
/// happened is told by the backend's own error, which [`downcast_ref`](Self::downcast_ref) finds.
#[derive(Debug)]
pub struct StoreError(Box<Failure>);

#[derive(Debug)]
struct Failure {
    kind: StoreErrorKind,
    error: Box<dyn Error + Send + Sync>,
}

/// What a caller can do about a [`StoreError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// A lock or a connection was not to be had in time. Nothing was written; safe to try again.
    Busy,
    /// The batch may or may not be in the log. Appending it again with the same ids tells:
    /// [`AppendError::DuplicateEventId`] means that it is.
    OutcomeUnknown,
    /// There is no room left. Nothing was written.
    Full,
    /// What is stored is damaged. Stop and look.
    Corrupt,
    /// This is not a log, or not one that this version can use.
    Incompatible,
    /// Anything else; an append wrote nothing.
    Other,
}

impl StoreError {
    /// A failure of this kind; the error, or text, says what happened.
    #[must_use]
    pub fn new(kind: StoreErrorKind, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Box::new(Failure { kind, error: error.into() }))
    }

    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.0.kind
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

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.error, f)
    }
}

/// Stands for the backend's own error, so its source is that error's.
impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.error.source()
    }
}
