use std::{future::poll_fn, task::Poll};

use super::{End, Place, Turns};

/// The turns of one command on one place. Dropped, it holds none.
pub(crate) struct Turn {
    turns: Option<Turns>,
    place: Option<Place>,
    ticket: Option<u64>,
}

impl Turn {
    /// Of a command on a place, if the store has turns.
    pub(crate) const fn of(turns: Option<Turns>) -> Self {
        Self { turns, place: None, ticket: None }
    }

    /// Joins those who compete for the place, if there are any. Whether it was not among them before.
    pub(crate) fn join(&mut self, place: impl FnOnce() -> Place) -> bool {
        let Some(turns) = &self.turns else { return false };
        if self.ticket.is_some() || turns.boundaries() == 0 {
            return false;
        }
        self.ticket = turns.join(self.place.get_or_insert_with(place), false);
        self.ticket.is_some()
    }

    /// Waits for the turn, if it has joined those who compete for the place.
    pub(crate) async fn begin(&mut self) {
        let Some(turns) = &self.turns else { return };
        let (Some(place), Some(ticket)) = (&self.place, self.ticket) else { return };
        let mut is_waiting = false;
        poll_fn(|context| {
            let poll = turns.poll(place, ticket, is_waiting, context.waker());
            is_waiting = poll == Poll::Pending;
            poll
        })
        .await;
    }

    /// The attempt ended. After a conflict the place is one that others compete for.
    pub(crate) fn end(&mut self, end: End, place: impl FnOnce() -> Place) {
        let Some(turns) = &self.turns else { return };
        if self.ticket.is_none() && end == End::Lost {
            self.ticket = turns.join(self.place.get_or_insert_with(place), true);
        }
        if let (Some(place), Some(ticket)) = (&self.place, self.ticket) {
            turns.end(place, ticket, end);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let (Some(turns), Some(place), Some(ticket)) = (&self.turns, &self.place, self.ticket) {
            turns.leave(place, ticket);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;
    use crate::{event_type::EventType, query::QueryItem};

    const HOUR: Duration = Duration::from_secs(3600);

    fn place(n: usize) -> Place {
        let event_type = EventType::new(format!("E{n}")).unwrap();
        Place::Guard(QueryItem::of_type(event_type).into())
    }

    fn turns() -> Turns {
        Turns::lasting(HOUR, HOUR)
    }

    /// A command that has lost on a place.
    fn loser(turns: &Turns, n: usize) -> Turn {
        let mut turn = Turn::of(Some(turns.clone()));
        turn.end(End::Lost, || place(n));
        turn
    }

    fn begins(turn: &mut Turn, n: usize) -> bool {
        turn.join(|| place(n));
        turn.begin().now_or_never().is_some()
    }

    #[test]
    fn a_boundary_is_remembered_as_long_as_somebody_competes_for_it() {
        let turns = turns();
        for n in 0..60_000 {
            drop(loser(&turns, n));
            assert_eq!(turns.boundaries(), 0);
        }
        let losers: Vec<_> = (0..1_000).map(|n| loser(&turns, n)).collect();
        assert_eq!(turns.boundaries(), 1_000);
        drop(losers);
        assert_eq!(turns.boundaries(), 0);
        assert_eq!(turns.0.lock().lines.capacity(), 0);
    }

    #[test]
    fn a_boundary_waits_for_no_other_one() {
        let turns = turns();
        let (mut one, mut other) = (loser(&turns, 1), Turn::of(Some(turns.clone())));
        assert!(begins(&mut one, 1));
        assert!(begins(&mut other, 2));
        assert!(!begins(&mut Turn::of(Some(turns)), 1));
    }

    #[test]
    fn the_oldest_command_is_the_next_one() {
        let turns = turns();
        let (mut first, mut second) = (loser(&turns, 1), loser(&turns, 1));
        let mut third = Turn::of(Some(turns));
        assert!(third.join(|| place(1)) && !third.join(|| place(1)));
        assert!(begins(&mut first, 1));
        let mut after = Box::pin(third.begin());
        assert!(after.as_mut().now_or_never().is_none());
        let mut before = Box::pin(second.begin());
        assert!(before.as_mut().now_or_never().is_none());
        // It lost, and is still the oldest.
        first.end(End::Lost, || place(1));
        assert!(before.as_mut().now_or_never().is_some());
        assert!(!begins(&mut first, 1));
        drop(before);
        second.end(End::Appended, || place(1));
        assert!(after.as_mut().now_or_never().is_none(), "the oldest one waits again");
        drop(first);
        assert!(after.now_or_never().is_some());
    }

    #[test]
    fn turns_without_an_append_are_followed_by_twice_as_many() {
        let turns = turns();
        let mut all: Vec<_> = (0..8).map(|_| loser(&turns, 1)).collect();
        let begun = |all: &mut [Turn]| {
            all.iter_mut().filter_map(|turn| begins(turn, 1).then_some(())).count()
        };
        assert_eq!(begun(&mut all), 1);
        all.remove(0).end(End::Nothing, || place(1));
        assert_eq!(begun(&mut all), 2);
        all.remove(0).end(End::Nothing, || place(1));
        assert_eq!(begun(&mut all), 4);
        all.remove(0).end(End::Appended, || place(1));
        assert_eq!(begun(&mut all), 3, "no further one begins");
    }

    #[test]
    fn a_turn_and_a_wait_for_one_last_only_so_long() {
        let wake = std::task::Waker::noop();
        for (turn, wait) in [(Duration::ZERO, HOUR), (HOUR, Duration::ZERO)] {
            let turns = Turns::lasting(turn, wait);
            let (mut held, mut next) = (loser(&turns, 1), loser(&turns, 1));
            assert!(begins(&mut held, 1));
            let mut waiting = Box::pin(next.begin());
            let mut context = std::task::Context::from_waker(wake);
            // The thread that looks after the time ends the turn, or the wait.
            while waiting.as_mut().poll(&mut context).is_pending() {
                std::thread::yield_now();
            }
            assert_eq!(turns.boundaries(), 1);
        }
    }

    #[test]
    fn nobody_is_kept_by_one_that_does_not_come() {
        let turns = turns();
        let (mut held, mut gone, mut next) = (loser(&turns, 1), loser(&turns, 1), loser(&turns, 1));
        assert!(begins(&mut held, 1));
        assert!(!begins(&mut gone, 1));
        let mut waiting = Box::pin(next.begin());
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(held);
        assert!(waiting.as_mut().now_or_never().is_none(), "it is the turn of another one");
        drop(gone);
        assert!(waiting.now_or_never().is_some());
    }
}
