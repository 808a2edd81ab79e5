use std::{
    collections::{BTreeMap, HashMap},
    mem,
    task::Waker,
    time::{Duration, Instant},
};

use super::{
    line::{End, Line},
    place::Place,
};

/// The places that commands compete for, and the commands that wait for their turns there.
#[derive(Default)]
pub(super) struct Lines {
    lines: HashMap<Place, Line>,
    waiting: BTreeMap<u64, Waiter>,
    last_ticket: u64,
}

/// What a command has joined. The lower its ticket, the earlier its turn.
#[derive(Default)]
pub(super) struct Membership {
    ticket: Option<u64>,
    places: Vec<Place>,
}

/// A command that waits until there is a turn for it at each of its places: until then it holds none, so nobody waits
/// for a turn that is not used.
struct Waiter {
    since: Instant,
    places: Vec<Place>,
    waker: Waker,
}

impl Membership {
    /// Whether the command has joined any place.
    pub(super) const fn is_any(&self) -> bool {
        self.ticket.is_some()
    }

    #[cfg(test)]
    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        self.places.iter()
    }
}

impl Lines {
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        self.lines.keys()
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.lines.capacity()
    }

    /// Whether anybody waits.
    pub(super) fn is_waited_for(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Makes a command one of those that compete for the places: for those that are `contended`, even if nobody is there,
    /// and for the `others` if somebody is. If it joins any, its turns end. Whether it does, and whom to wake.
    pub(super) fn join(
        &mut self,
        member: &mut Membership,
        contended: Vec<Place>,
        others: Vec<Place>,
    ) -> (bool, Vec<Waker>) {
        let others: Vec<_> =
            others.into_iter().filter(|place| self.lines.contains_key(place)).collect();
        let before = member.places.len();
        for place in contended.into_iter().chain(others) {
            if !member.places.contains(&place) {
                self.lines.entry(place.clone()).or_default().members += 1;
                member.places.push(place);
            }
        }
        if member.places.len() == before {
            return (false, Vec::new());
        }
        let Some(ticket) = member.ticket else {
            self.last_ticket += 1;
            member.ticket = Some(self.last_ticket);
            return (true, Vec::new());
        };
        (true, self.release(ticket, &member.places, |_| {}))
    }

    /// Asks for the turns of a command. Whether they come at once.
    pub(super) fn ask(&mut self, member: &Membership, waker: &Waker) -> bool {
        let Some(ticket) = member.ticket else { return true };
        let now = Instant::now();
        if self.has_turns_for(ticket, &member.places) {
            self.hold(ticket, &member.places, now);
            return true;
        }
        for place in &member.places {
            self.line(place, |line| line.wait(ticket));
        }
        let waiter = Waiter { since: now, places: member.places.clone(), waker: waker.clone() };
        self.waiting.insert(ticket, waiter);
        false
    }

    /// Wakes a command through this waker from now on. Whether it still waits.
    pub(super) fn renew(&mut self, member: &Membership, waker: &Waker) -> bool {
        let waiter = member.ticket.and_then(|ticket| self.waiting.get_mut(&ticket));
        let Some(waiter) = waiter else { return false };
        waiter.waker.clone_from(waker);
        true
    }

    /// Ends the turns of a command, or its wait for them. Whom to wake.
    pub(super) fn end(&mut self, member: &Membership, end: End) -> Vec<Waker> {
        let Some(ticket) = member.ticket else { return Vec::new() };
        self.release(ticket, &member.places, |line| line.follow(end))
    }

    /// Ends the turns of a command that competes no more. Whom to wake.
    pub(super) fn leave(&mut self, member: &mut Membership) -> Vec<Waker> {
        let Membership { ticket: Some(ticket), places } = mem::take(member) else {
            return Vec::new();
        };
        let called = self.release(ticket, &places, |line| line.members -= 1);
        for place in &places {
            if self.lines.get(place).is_some_and(|line| line.members == 0) {
                self.lines.remove(place);
            }
        }
        if self.lines.is_empty() {
            // Gives back the memory of a rush on many places.
            self.lines = HashMap::new();
        }
        called
    }

    /// Ends the turns and the waits that are too long. Whom to wake.
    pub(super) fn expire(&mut self, now: Instant, turn: Duration, wait: Duration) -> Vec<Waker> {
        let mut free = Vec::new();
        for (place, line) in &mut self.lines {
            if line.expire(now, turn) {
                free.push(place.clone());
            }
        }
        let is_late = |waiter: &Waiter| now.saturating_duration_since(waiter.since) >= wait;
        let late = self.waiting.iter().filter(|(_, waiter)| is_late(waiter));
        let late: Vec<_> = late.map(|(ticket, _)| *ticket).collect();
        // Whoever gets a turn now need not go without one.
        let mut called = self.call(&free, now);
        for ticket in late {
            let Some(waiter) = self.waiting.remove(&ticket) else { continue };
            called.push(waiter.waker);
            called.append(&mut self.release(ticket, &waiter.places, |_| {}));
        }
        called
    }

    fn has_turns_for(&self, ticket: u64, places: &[Place]) -> bool {
        let mut lines = places.iter().filter_map(|place| self.lines.get(place));
        lines.all(|line| line.has_turn_for(ticket))
    }

    fn hold(&mut self, ticket: u64, places: &[Place], now: Instant) {
        for place in places {
            self.line(place, |line| line.hold(ticket, now));
        }
    }

    /// Ends the turns of a ticket or its wait, changes each line, and calls those that are next.
    fn release(&mut self, ticket: u64, places: &[Place], change: impl Fn(&mut Line)) -> Vec<Waker> {
        self.waiting.remove(&ticket);
        for place in places {
            self.line(place, |line| {
                line.release(ticket);
                change(line);
            });
        }
        self.call(places, Instant::now())
    }

    /// Gives turns of these places to those that have waited the longest and for which there is one at each of their
    /// places.
    fn call(&mut self, places: &[Place], now: Instant) -> Vec<Waker> {
        let mut called = Vec::new();
        for place in places {
            let next: Vec<_> =
                self.lines.get(place).map(|line| line.next().collect()).unwrap_or_default();
            for ticket in next {
                let waits_for = self.waiting.get(&ticket).map(|waiter| &waiter.places);
                if !waits_for.is_some_and(|places| self.has_turns_for(ticket, places)) {
                    continue;
                }
                if let Some(Waiter { places, waker, .. }) = self.waiting.remove(&ticket) {
                    self.hold(ticket, &places, now);
                    called.push(waker);
                }
            }
        }
        called
    }

    fn line(&mut self, place: &Place, change: impl FnOnce(&mut Line)) {
        if let Some(line) = self.lines.get_mut(place) {
            change(line);
        }
    }
}
