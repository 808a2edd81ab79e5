use std::{future::poll_fn, mem, task::Poll};

use super::{End, Membership, Place, Turns};

/// The turns of one command on its places. Dropped, it holds none.
pub(crate) struct Turn {
    turns: Option<Turns>,
    member: Membership,
    /// How often its append conflicted.
    losses: u32,
    /// Whether it has lost on places that are told by what is read next.
    looks: bool,
    lost_on: Vec<Place>,
}

impl Turn {
    /// Of a command, if the store has turns.
    pub(crate) fn of(turns: Option<Turns>) -> Self {
        Self { turns, member: Membership::default(), losses: 0, looks: false, lost_on: Vec::new() }
    }

    /// Whether it is to be told, by [`lost_on`](Self::lost_on), of the places of what is read.
    pub(crate) const fn looks(&self) -> bool {
        self.looks
    }

    /// An event was read that made the append conflict, and is one of these places.
    pub(crate) fn lost_on(&mut self, places: impl Iterator<Item = Place>) {
        for place in places {
            if !self.lost_on.contains(&place) {
                self.lost_on.push(place);
            }
        }
    }

    /// Joins those who compete for the places that an append would write to, and on which it has lost, or others compete.
    /// Whether it was not among them before: then it holds no turn.
    pub(crate) fn join(&mut self, written: impl FnOnce() -> Vec<Place>) -> bool {
        let Some(turns) = &self.turns else { return false };
        self.looks = false;
        let mut lost_on = mem::take(&mut self.lost_on);
        if lost_on.is_empty() && turns.boundaries() == 0 {
            return false;
        }
        let written = written();
        if self.losses == 1 {
            // Those who do not write to a place do not stand in one another's way there: after a write all of them have
            // lost, and can go on at once.
            lost_on.retain(|place| written.contains(place));
        }
        turns.join(&mut self.member, lost_on, written)
    }

    /// Waits for the turns on all places that it has joined.
    pub(crate) async fn begin(&mut self) {
        let Some(turns) = self.turns.as_ref().filter(|_| self.member.is_any()) else { return };
        let mut is_waiting = false;
        poll_fn(|context| {
            let poll = turns.poll(&self.member, is_waiting, context.waker());
            is_waiting = poll == Poll::Pending;
            poll
        })
        .await;
    }

    /// The attempt ended.
    pub(crate) fn end(&mut self, end: End) {
        let Some(turns) = &self.turns else { return };
        self.looks = false;
        self.lost_on.clear();
        if self.member.is_any() {
            turns.end(&self.member, end);
        }
    }

    /// The attempt ended, as its append conflicted: its place is one that others compete for. Where that has parts, what
    /// is read next tells on which of them it was lost.
    pub(crate) fn lose(&mut self, place: impl FnOnce() -> Place) {
        self.end(End::Lost);
        let Some(turns) = &self.turns else { return };
        let place = place();
        self.losses += 1;
        self.looks = place.has_parts();
        turns.join(&mut self.member, vec![place], Vec::new());
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.turns.as_ref().filter(|_| self.member.is_any()) {
            turns.leave(&mut self.member);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, time::Duration};

    use futures_util::FutureExt;

    use super::*;
    use crate::{
        event_type::EventType,
        query::{Query, QueryItem},
    };

    const HOUR: Duration = Duration::from_secs(3600);

    fn place(n: usize) -> Place {
        let event_type = EventType::new(format!("E{n}")).unwrap();
        Place::Item(QueryItem::of_type(event_type))
    }

    fn turns() -> Turns {
        Turns::lasting(HOUR, HOUR)
    }

    /// A command that has lost on a place.
    fn loser(turns: &Turns, n: usize) -> Turn {
        let mut turn = Turn::of(Some(turns.clone()));
        turn.lose(|| place(n));
        turn
    }

    /// A guard that nobody else has.
    fn whole(turns: &Turns) -> Place {
        let n = turns.boundaries();
        let items = [0, 1].map(|m| match place(1_000 + 2 * n + m) {
            Place::Item(item) => item,
            other => panic!("{other:?}"),
        });
        Place::of(&Query::any_of(items).unwrap())
    }

    /// A command that has lost on several places.
    fn loser_on(turns: &Turns, places: &[usize]) -> Turn {
        let mut turn = Turn::of(Some(turns.clone()));
        turn.lose(|| whole(turns));
        assert!(turn.looks());
        turn.lost_on(places.iter().copied().map(place));
        assert!(turn.join(|| places.iter().copied().map(place).collect()) && !turn.looks());
        turn
    }

    fn begins(turn: &mut Turn, n: usize) -> bool {
        turn.join(|| vec![place(n)]);
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
        assert!(third.join(|| vec![place(1)]) && !third.join(|| vec![place(1)]));
        assert!(begins(&mut first, 1));
        let mut after = Box::pin(third.begin());
        assert!(after.as_mut().now_or_never().is_none());
        let mut before = Box::pin(second.begin());
        assert!(before.as_mut().now_or_never().is_none());
        // It lost, and is still the oldest.
        first.lose(|| place(1));
        assert!(before.as_mut().now_or_never().is_some());
        assert!(!begins(&mut first, 1));
        drop(before);
        second.end(End::Appended);
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
        all.remove(0).end(End::Nothing);
        assert_eq!(begun(&mut all), 2);
        all.remove(0).end(End::Nothing);
        assert_eq!(begun(&mut all), 4);
        all.remove(0).end(End::Appended);
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

    #[test]
    fn who_waits_for_several_places_holds_none() {
        let turns = turns();
        let (mut one, mut other) = (loser(&turns, 1), loser(&turns, 2));
        let (mut both, mut late) = (loser_on(&turns, &[1, 2]), loser(&turns, 2));
        assert!(begins(&mut one, 1));
        let mut of_both = Box::pin(both.begin());
        assert!(of_both.as_mut().now_or_never().is_none());
        assert!(begins(&mut other, 2), "it came before");
        other.end(End::Appended);
        let mut of_late = Box::pin(late.begin());
        assert!(of_late.as_mut().now_or_never().is_none(), "it came after");
        one.end(End::Appended);
        assert!(of_both.as_mut().now_or_never().is_some());
        assert!(of_late.as_mut().now_or_never().is_none());
        drop(of_both);
        both.end(End::Appended);
        assert!(of_late.now_or_never().is_some());
    }

    #[test]
    fn who_joins_a_further_place_gives_its_turn_back() {
        let turns = turns();
        let (mut first, mut second) = (loser(&turns, 1), loser(&turns, 1));
        let mut other = loser(&turns, 2);
        assert!(begins(&mut first, 1) && begins(&mut other, 2));
        let mut next = Box::pin(second.begin());
        assert!(next.as_mut().now_or_never().is_none());
        assert!(first.join(|| vec![place(1), place(2), place(3)]));
        assert!(first.begin().now_or_never().is_none());
        assert!(next.as_mut().now_or_never().is_some());
        drop(next);
        drop((second, other));
        assert!(first.begin().now_or_never().is_some());
        assert_eq!(turns.boundaries(), 2, "nobody else was at the third");
    }

    /// As random commands come, wait and go: no place is held twice, and somebody can always go on.
    #[test]
    fn turns_on_several_places_exclude_one_another_and_end() {
        for seed in 0..300 {
            let mut random = fastrand::Rng::with_seed(seed);
            let turns = turns();
            let mut waiting: Vec<_> =
                (0..12).map(|_| Some(loser_on(&turns, &some_places(&mut random)))).collect();
            let mut holding: Vec<Turn> = Vec::new();
            while !(waiting.is_empty() && holding.is_empty()) {
                // A wait that ends without a turn would be a place that is held twice.
                let mut begun = Vec::new();
                for turn in &mut waiting {
                    if turn.as_mut().is_some_and(|turn| turn.begin().now_or_never().is_some()) {
                        begun.extend(turn.take());
                    }
                }
                waiting.retain(Option::is_some);
                holding.append(&mut begun);
                let held: Vec<_> = holding.iter().flat_map(|turn| turn.member.places()).collect();
                let distinct: HashSet<_> = held.iter().collect();
                assert_eq!(held.len(), distinct.len(), "seed {seed}: {held:?}");
                assert!(!holding.is_empty(), "seed {seed}: nobody goes on");
                let mut done = holding.swap_remove(random.usize(..holding.len()));
                match random.usize(..3) {
                    0 => done.end(End::Appended),
                    1 => done.lose(|| place(0)),
                    _ => drop(done),
                }
            }
            assert_eq!(turns.boundaries(), 0);
        }
    }

    fn some_places(random: &mut fastrand::Rng) -> Vec<usize> {
        let mut places: Vec<_> = (0..random.usize(1..=3)).map(|_| random.usize(..5)).collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}
