use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use crate::query::Query;

mod line;
mod lines;
mod place;
pub(crate) mod turn;

pub(crate) use line::End;
use lines::{Lines, Membership};
pub(crate) use place::Place;

/// How long a turn lasts at most, and how long a caller waits for one.
const TURN: Duration = Duration::from_secs(1);
const WAIT: Duration = Duration::from_secs(5);

/// Turns to decide on the boundaries where appends conflict, for [`EventStore::turns`](crate::EventStore::turns).
///
/// If all callers read a boundary at once, all of their appends but one conflict. So after a conflict the
/// dispatches that append to its boundary go on one at a time, the oldest command first. Each reads and decides before
/// it asks for its turn, and one that has nothing to append needs none. In its turn it reads what came since, decides
/// again and appends. The turn ends when it is done: its append has ended, it has none to make any more, its future was
/// dropped, or its decider panicked. A turn that ends without an append is followed by twice as many at once, up to the
/// next append, for refusals do not stand in one another's way.
///
/// What commands compete for is a stream, a guard, or an item of guards: the boundaries of two commands may overlap,
/// as those of two students and one course do. A command whose guard has several items learns from what it reads after
/// a conflict on which of them it lost. It waits until there is a turn for it at each thing that it competes for, and
/// holds none until then. Who reads an item and appends nothing to it competes for it after two conflicts. The last
/// command that competes for something takes the memory of it along.
///
/// Turns order the dispatches of one store, the batches of a [`Dispatcher`](crate::Dispatcher) among them; appends
/// without a dispatch and other processes take none. Correctness does not depend on them: the condition of each append
/// decides. A turn lasts a second at most, and a command waits for five at most, then it goes on without one. So a
/// future that nobody polls blocks nobody for longer, nor does a decider that waits for another dispatch on its own
/// boundary.
///
/// A clone has the same turns. Nothing here needs a runtime: while somebody waits, a thread looks after the time.
#[derive(Clone)]
pub struct Turns(Arc<Shared>);

struct Shared {
    turn: Duration,
    wait: Duration,
    state: Mutex<State>,
    /// How many lines there are. Where there are none, nothing is locked.
    lines: AtomicUsize,
}

#[derive(Default)]
struct State {
    lines: Lines,
    is_watched: bool,
}

impl Default for Turns {
    fn default() -> Self {
        Self::new()
    }
}

impl Turns {
    /// Turns of which none is held.
    #[must_use]
    pub fn new() -> Self {
        Self::lasting(TURN, WAIT)
    }

    /// Turns that last so long at most, and are waited for so long at most; a second and five by default.
    #[must_use]
    pub fn lasting(turn: Duration, wait: Duration) -> Self {
        let (state, lines) = (Mutex::default(), AtomicUsize::new(0));
        Self(Arc::new(Shared { turn, wait, state, lines }))
    }

    /// How many streams, guards and items of guards are remembered, as somebody waits for a turn there, holds one, or is
    /// about to try again.
    #[must_use]
    pub fn boundaries(&self) -> usize {
        self.0.lines.load(Ordering::Acquire)
    }

    /// Whether dispatches compete for a boundary whose guard this query covers, as the context of each does. A store
    /// that has its own means against conflicts need not apply them to such a read.
    #[must_use]
    pub fn is_contended(&self, query: &Query) -> bool {
        self.boundaries() > 0
            && self.0.lock().lines.places().any(|place| place.is_covered_by(query))
    }

    /// Makes a command one of those that compete for the places: for those that are `contended`, even if nobody is
    /// there, and for the `others` if somebody is. Whether it joins any; its turns end then.
    fn join(&self, member: &mut Membership, contended: Vec<Place>, others: Vec<Place>) -> bool {
        let mut has_joined = false;
        self.change(|lines| {
            let (joins, called) = lines.join(member, contended, others);
            has_joined = joins;
            called
        });
        has_joined
    }

    /// Whether the turns of a command have come. One that `is_waiting` and no longer waits was called, or waited for
    /// too long.
    fn poll(&self, member: &Membership, is_waiting: bool, waker: &Waker) -> Poll<()> {
        let mut state = self.0.lock();
        let is_called = if is_waiting {
            !state.lines.renew(member, waker)
        } else {
            state.lines.ask(member, waker)
        };
        if is_called || !(state.is_watched || self.watch(&mut state)) {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn end(&self, member: &Membership, end: End) {
        self.change(|lines| lines.end(member, end));
    }

    fn leave(&self, member: &mut Membership) {
        self.change(|lines| lines.leave(member));
    }

    fn change(&self, change: impl FnOnce(&mut Lines) -> Vec<Waker>) {
        let mut state = self.0.lock();
        let called = change(&mut state.lines);
        self.0.count(&state);
        drop(state);
        called.into_iter().for_each(Waker::wake);
    }

    /// Starts the thread that looks after the time, as long as somebody waits.
    fn watch(&self, state: &mut State) -> bool {
        let (shared, interval) = (Arc::downgrade(&self.0), self.0.interval());
        let thread = thread::Builder::new().name("factos-turns".to_owned());
        state.is_watched = thread.spawn(move || watch(&shared, interval)).is_ok();
        state.is_watched
    }
}

fn watch(shared: &Weak<Shared>, interval: Duration) {
    loop {
        thread::sleep(interval);
        if !shared.upgrade().is_some_and(|shared| shared.look(Instant::now())) {
            return;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, state: &State) {
        self.lines.store(state.lines.len(), Ordering::Release);
    }

    fn interval(&self) -> Duration {
        let least = Duration::from_millis(1);
        (self.turn.min(self.wait) / 4).clamp(least, Duration::from_millis(250))
    }

    /// Ends the turns and the waits that are too long. Whether anybody waits.
    fn look(&self, now: Instant) -> bool {
        let mut state = self.lock();
        let called = state.lines.expire(now, self.turn, self.wait);
        let is_watched = state.lines.is_waited_for();
        state.is_watched = is_watched;
        drop(state);
        called.into_iter().for_each(Waker::wake);
        is_watched
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").field("boundaries", &self.boundaries()).finish_non_exhaustive()
    }
}
