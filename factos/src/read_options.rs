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
        Self { after: None, before: None, limit: None, backwards: false }
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

/// For stores: what of a read is still to come, as it goes from page to page over one snapshot.
#[derive(Debug, Clone)]
pub struct ReadCursor {
    low: u64,
    high: u64,
    left: u64,
    backwards: bool,
}

impl ReadCursor {
    /// A read of a snapshot that ends at the position `head`, 0 for an empty log.
    #[must_use]
    pub fn new(options: ReadOptions, head: u64) -> Self {
        let before = options.before.map_or(u64::MAX, |before| before.get() - 1);
        Self {
            low: options.after.map_or(0, SequencePosition::get),
            high: head.min(before),
            left: options.limit.unwrap_or(u64::MAX),
            backwards: options.backwards,
        }
    }

    /// Whether nothing is to come.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.low >= self.high || self.left == 0
    }

    /// The lowest position to come is above this one.
    #[must_use]
    pub const fn low(&self) -> u64 {
        self.low
    }

    /// The highest position that may come.
    #[must_use]
    pub const fn high(&self) -> u64 {
        self.high
    }

    /// Whether the highest position comes first.
    #[must_use]
    pub const fn is_backwards(&self) -> bool {
        self.backwards
    }

    /// How many events the next page holds, if a page holds at most this many.
    #[must_use]
    pub fn page_size(&self, most: usize) -> usize {
        usize::try_from(self.left).map_or(most, |left| left.min(most))
    }

    /// Goes on past a page of this many events that ended with the position `last`.
    pub const fn advance(&mut self, events: usize, last: SequencePosition) {
        self.left = self.left.saturating_sub(events as u64);
        if self.backwards {
            self.high = last.get() - 1;
        } else {
            self.low = last.get();
        }
    }

    /// Nothing is to come after a page that was not full.
    pub const fn finish(&mut self) {
        self.left = 0;
    }
}
