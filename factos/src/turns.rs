use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use crate::{query::Query, stream_name::StreamName};

mod line;
pub(crate) mod turn;

pub(crate) use line::End;
use line::Line;

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
/// next append, for refusals do not stand in one another's way. The last command that conflicted or waited takes the
/// memory of the boundary with it. A boundary is a guard or a stream, and no boundary waits for another one.
///
/// Turns order the plain dispatches of one store; a [`Dispatcher`](crate::Dispatcher), appends without a dispatch and
/// other processes take none. Correctness does not depend on them: the condition of each append decides. A turn lasts a
/// second at most, and a command waits for five at most, then it goes on without one. So a future that nobody polls
/// blocks nobody for longer, nor does a decider that waits for another dispatch on its own boundary.
///
/// A clone has the same turns. Nothing here needs a runtime: while somebody waits, a thread looks after the time.
#[derive(Clone)]
pub struct Turns(Arc<Shared>);

/// What commands compete for: a guard, or a stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Guard(Query),
    Stream(StreamName),
}

struct Shared {
    turn: Duration,
    wait: Duration,
    state: Mutex<State>,
    /// How many lines there are. Where there are none, nothing is locked.
    lines: AtomicUsize,
}

#[derive(Default)]
struct State {
    lines: HashMap<Place, Line>,
    next_ticket: u64,
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

    /// How many boundaries are remembered, as somebody waits for a turn on them, holds one, or is about to try
    /// again.
    #[must_use]
    pub fn boundaries(&self) -> usize {
        self.0.lines.load(Ordering::Acquire)
    }

    /// Whether dispatches compete for a boundary whose guard this query covers, as the context of each does. A store
    /// that has its own means against conflicts need not apply them to such a read.
    #[must_use]
    pub fn is_contended(&self, query: &Query) -> bool {
        let is_covered = |place: &Place| match place {
            Place::Guard(guard) => query.covers(guard),
            Place::Stream(_) => false,
        };
        self.boundaries() > 0 && self.0.lock().lines.keys().any(is_covered)
    }

    /// Joins the commands of a place, and gets a ticket: the lower, the earlier its turn. None if nobody is
    /// there, unless the command is the first.
    fn join(&self, place: &Place, is_first: bool) -> Option<u64> {
        let mut state = self.0.lock();
        if !is_first && !state.lines.contains_key(place) {
            return None;
        }
        state.next_ticket += 1;
        let ticket = state.next_ticket;
        state.lines.entry(place.clone()).or_default().members += 1;
        self.0.count(&state);
        Some(ticket)
    }

    /// Whether the turn of a ticket has come. One that `is_waiting` and no longer waits was called, or waited for
    /// too long.
    fn poll(&self, place: &Place, ticket: u64, is_waiting: bool, waker: &Waker) -> Poll<()> {
        let mut state = self.0.lock();
        let Some(line) = state.lines.get_mut(place) else { return Poll::Ready(()) };
        let is_called =
            if is_waiting { !line.renew(ticket, waker) } else { line.ask(ticket, waker) };
        if is_called || !(state.is_watched || self.watch(&mut state)) {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn end(&self, place: &Place, ticket: u64, end: End) {
        self.change(place, |line| line.end(ticket, end));
    }

    fn leave(&self, place: &Place, ticket: u64) {
        self.change(place, |line| {
            line.members -= 1;
            line.end(ticket, End::Dropped)
        });
    }

    fn change(&self, place: &Place, change: impl FnOnce(&mut Line) -> Vec<Waker>) {
        let mut state = self.0.lock();
        let Some(line) = state.lines.get_mut(place) else { return };
        let called = change(line);
        if line.members == 0 {
            state.lines.remove(place);
            state.shrink();
            self.0.count(&state);
        }
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
        let mut called = Vec::new();
        for line in state.lines.values_mut() {
            called.append(&mut line.expire(now, self.turn, self.wait));
        }
        let is_watched = state.lines.values().any(Line::is_waited_for);
        state.is_watched = is_watched;
        drop(state);
        called.into_iter().for_each(Waker::wake);
        is_watched
    }
}

impl State {
    /// Gives back the memory of a rush on many boundaries.
    fn shrink(&mut self) {
        if self.lines.is_empty() {
            self.lines = HashMap::new();
        }
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").field("boundaries", &self.boundaries()).finish_non_exhaustive()
    }
}
