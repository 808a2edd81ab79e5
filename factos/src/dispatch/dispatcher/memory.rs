use crate::{dispatch::fold::Folded, position::SequencePosition};

/// A copy of a state, if it can be made.
pub(super) type Snapshot<S> = fn(&S) -> Option<S>;

/// After this many events a new snapshot takes the place of the old one.
const EVENTS_PER_SNAPSHOT: usize = 256;

/// What is known of a boundary.
pub(super) enum Memory<S> {
    Nothing,
    /// A state, after which the log is to be read.
    Behind(Folded<S>),
    /// A state to decide on.
    Ready(Known<S>),
}

/// The state of a boundary.
pub(super) struct Known<S> {
    pub(super) state: S,
    pub(super) origin: Origin<S>,
}

/// Where a state comes from.
pub(super) struct Origin<S> {
    /// The position up to which the state is complete.
    pub(super) observed: Option<SequencePosition>,
    /// An earlier state, to go back to if a batch is refused.
    earlier: Option<Earlier<S>>,
}

struct Earlier<S> {
    state: S,
    observed: Option<SequencePosition>,
    /// How many events were appended since.
    events: usize,
}

impl<S> Known<S> {
    /// What was read.
    pub(super) fn of(read: Folded<S>, snapshot: Snapshot<S>) -> Self {
        let origin = Origin::of(&read.state, read.observed, snapshot);
        Self { state: read.state, origin }
    }

    /// How many states are kept.
    pub(super) fn states(&self) -> usize {
        1 + usize::from(self.origin.earlier.is_some())
    }
}

impl<S> Origin<S> {
    fn of(state: &S, observed: Option<SequencePosition>, snapshot: Snapshot<S>) -> Self {
        let earlier = snapshot(state).map(|state| Earlier { state, observed, events: 0 });
        Self { observed, earlier }
    }

    /// After so many more events of one's own, and no others, that lead to the state.
    pub(super) fn grown(
        mut self,
        state: &S,
        events: usize,
        last: SequencePosition,
        snapshot: Snapshot<S>,
    ) -> Self {
        self.observed = Some(last);
        match &mut self.earlier {
            Some(earlier) if earlier.events + events < EVENTS_PER_SNAPSHOT => {
                earlier.events += events;
                self
            }
            Some(_) => Self::of(state, Some(last), snapshot),
            None => self,
        }
    }

    /// What is known if the state turns out not to be that of the log.
    pub(super) fn rewound(self) -> Memory<S> {
        self.earlier.map_or(Memory::Nothing, |earlier| {
            Memory::Behind(Folded::at(earlier.state, earlier.observed))
        })
    }
}
