use crate::{position::SequencePosition, recorded::Recorded};

/// The options of a read: its bounds, its limit and its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
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

/// For stores: the part of a read that is still to be returned, page by page from one snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReadCursor {
    low: u64,
    high: u64,
    /// How many events are left; `None` for a read without a limit.
    left: Option<u64>,
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
            left: options.limit,
            backwards: options.backwards,
        }
    }

    /// Whether the read is complete.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.low >= self.high || matches!(self.left, Some(0))
    }

    /// The lower bound, exclusive: every event that is still to be returned is above this position.
    #[must_use]
    pub const fn low(&self) -> u64 {
        self.low
    }

    /// The upper bound, inclusive: every event that is still to be returned is at or below this position.
    #[must_use]
    pub const fn high(&self) -> u64 {
        self.high
    }

    /// Whether the highest position is returned first.
    #[must_use]
    pub const fn is_backwards(&self) -> bool {
        self.backwards
    }

    /// Splits off the next `positions` positions as a read of its own, which may run in parallel with this
    /// one. If the read has a limit, it splits off all that is left, as a limit cannot be divided.
    #[must_use]
    pub const fn take_window(&mut self, positions: u64) -> Self {
        let mut window =
            Self { low: self.low, high: self.high, left: self.left, backwards: self.backwards };
        if self.left.is_some() || self.is_done() || self.high - self.low <= positions {
            self.finish();
        } else if self.backwards {
            window.low = self.high - positions;
            self.high = window.low;
        } else {
            window.high = self.low + positions;
            self.low = window.high;
        }
        window
    }

    /// How many events the next page holds, if a page holds `most` events at most.
    #[must_use]
    pub fn page_size(&self, most: usize) -> usize {
        let left = self.left.and_then(|left| usize::try_from(left).ok());
        left.map_or(most, |left| left.min(most))
    }

    /// Moves on after a page of this many events that ended with the position `last`.
    pub const fn advance(&mut self, events: usize, last: SequencePosition) {
        if let Some(left) = self.left {
            self.left = Some(left.saturating_sub(events as u64));
        }
        if self.backwards {
            self.high = last.get() - 1;
        } else {
            self.low = last.get();
        }
    }

    /// Goes on past this page, or ends with it if nothing may come after.
    pub fn turn_page<E>(&mut self, page: &[Recorded<E>], has_more: bool) {
        match page.last() {
            Some(last) if has_more => self.advance(page.len(), last.position),
            _ => self.finish(),
        }
    }

    /// Completes the read, after a page that was not full.
    pub const fn finish(&mut self) {
        self.left = Some(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(options: ReadOptions) -> Vec<(u64, u64)> {
        let mut cursor = ReadCursor::new(options, 10);
        let mut windows = Vec::new();
        while !cursor.is_done() {
            let window = cursor.take_window(4);
            windows.push((window.low, window.high));
        }
        windows
    }

    #[test]
    fn windows_cover_a_read_without_overlap() {
        let all = ReadOptions::all();
        assert_eq!(windows(all), [(0, 4), (4, 8), (8, 10)]);
        assert_eq!(windows(all.backwards()), [(6, 10), (2, 6), (0, 2)]);
        let part = all.after(SequencePosition::new(2)).before(SequencePosition::new(7));
        assert_eq!(windows(part), [(2, 6)]);
        assert_eq!(windows(all.after(SequencePosition::new(12))), []);
    }

    #[test]
    fn what_is_left_of_a_read_is_shared_out_too() {
        let mut cursor = ReadCursor::new(ReadOptions::all(), 10);
        cursor.advance(3, SequencePosition::FIRST.saturating_add(2));
        let window = cursor.take_window(4);
        assert_eq!((window.low, window.high), (3, 7));
        assert!(!cursor.is_done());
    }

    #[test]
    fn a_limited_read_is_one_window() {
        assert_eq!(windows(ReadOptions::all().limit(9)), [(0, 10)]);
    }
}
