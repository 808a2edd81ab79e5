use crate::{dispatch::dispatched::Dispatched, position::SequencePosition, recorded::Recorded};

/// What an earlier command left under the same idempotency key.
pub(super) struct Earlier<E> {
    pub(super) records: Vec<Recorded<E>>,
    /// The position of the last one, which may hold no event. `None` if there was no such command.
    pub(super) last: Option<SequencePosition>,
}

impl<E> Earlier<E> {
    /// The outcome of a command that takes effect once, and has.
    pub(super) fn replay<S>(self, state: S) -> Dispatched<E, S> {
        Dispatched {
            replayed: true,
            position: self.last,
            ..Dispatched::new(self.records, state, None)
        }
    }
}
