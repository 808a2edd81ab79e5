use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// How many turns are held at once at most.
const WIDEST: usize = 1 << 16;

/// How a turn ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Appended,
    /// The append conflicted.
    Lost,
    /// There was nothing to append.
    Nothing,
    /// Otherwise: by an error, or by a drop.
    Dropped,
}

/// The commands of one place, by their tickets.
pub(super) struct Line {
    /// How many there are, with those that are about to try again.
    pub(super) members: usize,
    /// How many turns may be held at once.
    width: usize,
    /// Since when each turn is held.
    held: BTreeMap<u64, Instant>,
    waiting: BTreeSet<u64>,
}

impl Default for Line {
    fn default() -> Self {
        Self { members: 0, width: 1, held: BTreeMap::new(), waiting: BTreeSet::new() }
    }
}

impl Line {
    /// Whether there is a turn for the ticket, after all that wait here with a lower one.
    pub(super) fn has_turn_for(&self, ticket: u64) -> bool {
        let room = self.room();
        self.held.contains_key(&ticket) || self.waiting.range(..ticket).take(room).count() < room
    }

    /// Those that wait here and for which there is a turn.
    pub(super) fn next(&self) -> impl Iterator<Item = u64> {
        self.waiting.iter().copied().take(self.room())
    }

    pub(super) fn wait(&mut self, ticket: u64) {
        self.waiting.insert(ticket);
    }

    pub(super) fn hold(&mut self, ticket: u64, now: Instant) {
        self.waiting.remove(&ticket);
        self.held.entry(ticket).or_insert(now);
    }

    /// Ends the turn of a ticket, or its wait for one.
    pub(super) fn release(&mut self, ticket: u64) {
        self.held.remove(&ticket);
        self.waiting.remove(&ticket);
    }

    /// Says what the end of a turn means for the number of those that follow it.
    pub(super) fn follow(&mut self, end: End) {
        self.width = match end {
            End::Appended | End::Lost => 1,
            End::Nothing => (self.width * 2).min(WIDEST),
            End::Dropped => self.width,
        };
    }

    /// Ends the turns that are too long. Whether there were any.
    pub(super) fn expire(&mut self, now: Instant, turn: Duration) -> bool {
        let before = self.held.len();
        self.held.retain(|_, since| now.saturating_duration_since(*since) < turn);
        self.held.len() < before
    }

    fn room(&self) -> usize {
        self.width.saturating_sub(self.held.len())
    }
}
