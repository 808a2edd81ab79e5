use std::fmt;

use crate::{event_id::EventId, position::SequencePosition};

/// A position in a log, with what tells later whether that log still is the same up to there: what a checkpoint keeps.
///
/// A position alone does not do. The database may be pointed at another log, or the log be restored from a backup and
/// have grown past the position again, with other events. So an anchor has the identity of the log, and the id of the
/// last event at or below the position.
///
/// Made by [`Batch::anchor`](crate::Batch::anchor) and [`EventStoreExt::anchor`](crate::EventStoreExt::anchor);
/// [`EventStoreExt::resume`](crate::EventStoreExt::resume) compares it with the log, and tells where to go on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Anchor {
    log_id: String,
    position: SequencePosition,
    event_id: EventId,
}

impl Anchor {
    /// The anchor that was kept as these three values.
    pub fn new(log_id: impl Into<String>, position: SequencePosition, event_id: EventId) -> Self {
        Self { log_id: log_id.into(), position, event_id }
    }

    /// The identity of the log.
    #[must_use]
    pub fn log_id(&self) -> &str {
        &self.log_id
    }

    /// The position. To go on after it, ask [`resume`](crate::EventStoreExt::resume) first.
    #[must_use]
    pub const fn position(&self) -> SequencePosition {
        self.position
    }

    /// The id of the last event of the log at or below the position.
    #[must_use]
    pub const fn event_id(&self) -> EventId {
        self.event_id
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "position {} of log {}", self.position, self.log_id)
    }
}
