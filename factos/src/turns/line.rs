use std::{
    collections::BTreeMap,
    task::Waker,
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
    waiting: BTreeMap<u64, Waiter>,
}

struct Waiter {
    since: Instant,
    waker: Waker,
}

impl Default for Line {
    fn default() -> Self {
        Self { members: 0, width: 1, held: BTreeMap::new(), waiting: BTreeMap::new() }
    }
}

impl Line {
    pub(super) fn is_waited_for(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Asks for a turn. Whether it comes at once.
    pub(super) fn ask(&mut self, ticket: u64, waker: &Waker) -> bool {
        if self.held.contains_key(&ticket) || self.held.len() < self.width {
            self.held.entry(ticket).or_insert_with(Instant::now);
            return true;
        }
        let waiter = Waiter { since: Instant::now(), waker: waker.clone() };
        self.waiting.insert(ticket, waiter);
        false
    }

    /// Wakes a ticket through this waker from now on. Whether it still waits.
    pub(super) fn renew(&mut self, ticket: u64, waker: &Waker) -> bool {
        let Some(waiter) = self.waiting.get_mut(&ticket) else { return false };
        waiter.waker.clone_from(waker);
        true
    }

    /// Ends the turn of a ticket, or its wait for one, and calls the next.
    pub(super) fn end(&mut self, ticket: u64, end: End) -> Vec<Waker> {
        self.held.remove(&ticket);
        self.waiting.remove(&ticket);
        self.width = match end {
            End::Appended | End::Lost => 1,
            End::Nothing => (self.width * 2).min(WIDEST),
            End::Dropped => self.width,
        };
        self.call(Instant::now())
    }

    /// Ends the turns and the waits that are too long.
    pub(super) fn expire(&mut self, now: Instant, turn: Duration, wait: Duration) -> Vec<Waker> {
        self.held.retain(|_, since| now.saturating_duration_since(*since) < turn);
        let mut called = self.call(now);
        self.waiting.retain(|_, waiter| {
            let is_patient = now.saturating_duration_since(waiter.since) < wait;
            if !is_patient {
                called.push(waiter.waker.clone());
            }
            is_patient
        });
        called
    }

    /// Gives turns to those that have waited the longest.
    fn call(&mut self, now: Instant) -> Vec<Waker> {
        let mut called = Vec::new();
        while self.held.len() < self.width {
            let Some((ticket, waiter)) = self.waiting.pop_first() else { break };
            self.held.insert(ticket, now);
            called.push(waiter.waker);
        }
        called
    }
}
