use crate::position::SequencePosition;

/// Which part of the matching events a read returns, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ReadOptions {
    /// Only events after this position, exclusive.
    pub after: Option<SequencePosition>,
    /// Only events before this position, exclusive.
    pub before: Option<SequencePosition>,
    /// At most this many events, counted after filtering, in reading order.
    pub limit: Option<u64>,
    /// From the last event to the first.
    pub backwards: bool,
}

impl ReadOptions {
    /// Every matching event, from the first to the last.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            after: None,
            before: None,
            limit: None,
            backwards: false,
        }
    }

    /// Only events after this position, exclusive.
    #[must_use]
    pub fn after(mut self, position: impl Into<Option<SequencePosition>>) -> Self {
        self.after = position.into();
        self
    }

    /// Only events before this position, exclusive.
    #[must_use]
    pub fn before(mut self, position: impl Into<Option<SequencePosition>>) -> Self {
        self.before = position.into();
        self
    }

    /// At most this many events.
    #[must_use]
    pub const fn limit(mut self, events: u64) -> Self {
        self.limit = Some(events);
        self
    }

    /// From the last event to the first.
    #[must_use]
    pub const fn backwards(mut self) -> Self {
        self.backwards = true;
        self
    }
}
