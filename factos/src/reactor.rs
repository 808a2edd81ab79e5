use crate::recorded::Recorded;

pub(crate) mod closure;
mod pointers;

/// A function from a committed record to effects: values that the application carries out.
///
/// Pure: no IO, no store, nothing async or `Send`; dyn-compatible. The same record must give the same
/// effects each time, and an effect that is delivered again after a crash must be recognisable, for
/// example by [`Recorded::id`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a reactor",
    note = "implement `factos::Reactor` for it, or make one of a closure with `factos::reactor_fn`"
)]
pub trait Reactor {
    /// The event that is reacted to.
    type Event;
    /// The effect: a value that says what the application should do.
    type Effect;

    /// The effects of one record, in the order in which they are to be carried out.
    fn react(&self, event: &Recorded<Self::Event>) -> Vec<Self::Effect>;

    /// One reactor of two: for each record the effects of this one, then those of the other.
    fn then<R>(self, other: R) -> Then<Self, R>
    where
        Self: Sized,
        R: Reactor<Event = Self::Event, Effect = Self::Effect>,
    {
        Then { first: self, second: other }
    }
}

/// The effects of these records: record by record in the order given, within one in the reactor's order.
#[must_use]
pub fn react_all<'a, R>(
    reactor: &R,
    records: impl IntoIterator<Item = &'a Recorded<R::Event>>,
) -> Vec<R::Effect>
where
    R: Reactor + ?Sized,
    R::Event: 'a,
{
    records.into_iter().flat_map(|record| reactor.react(record)).collect()
}

/// Two reactors, one after the other; see [`Reactor::then`].
#[derive(Debug, Clone, Copy)]
pub struct Then<A, B> {
    first: A,
    second: B,
}

impl<A, B> Reactor for Then<A, B>
where
    A: Reactor,
    B: Reactor<Event = A::Event, Effect = A::Effect>,
{
    type Event = A::Event;
    type Effect = A::Effect;

    fn react(&self, event: &Recorded<A::Event>) -> Vec<A::Effect> {
        let mut effects = self.first.react(event);
        effects.extend(self.second.react(event));
        effects
    }
}
