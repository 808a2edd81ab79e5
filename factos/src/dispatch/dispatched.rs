use crate::{position::SequencePosition, recorded::Recorded};

/// The outcome of a dispatch: the committed records, the state, the position and the number of attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dispatched<E, S> {
    /// The committed records, in order; none if there was nothing to do. If replayed, those of the
    /// earlier command.
    pub records: Vec<Recorded<E>>,
    /// The state that the decision was based on, folded with those committed events that the context
    /// selects: what the context folds to if no other event was accepted.
    pub state: S,
    /// The position up to which a reader must have read to have seen the outcome: that of the last record or,
    /// if there is none, the one up to which the decision had read.
    pub position: Option<SequencePosition>,
    /// The number of attempts, from 1.
    pub attempts: u32,
    /// Whether these events were committed earlier, under the same idempotency key.
    pub replayed: bool,
}

impl<E, S> Dispatched<E, S> {
    /// The same outcome without the state, as a [`Dispatcher`](crate::Dispatcher) returns it.
    #[must_use]
    pub fn without_state(self) -> Dispatched<E, ()> {
        let Self { records, state: _, position, attempts, replayed } = self;
        Dispatched { records, state: (), position, attempts, replayed }
    }

    pub(super) fn new(
        records: Vec<Recorded<E>>,
        state: S,
        observed: Option<SequencePosition>,
    ) -> Self {
        Self {
            position: records.last().map_or(observed, |last| Some(last.position)),
            records,
            state,
            attempts: 1,
            replayed: false,
        }
    }
}
