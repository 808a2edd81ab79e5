use crate::{reactor::Reactor, recorded::Recorded};

/// Two reactors, one after the other; see [`Reactor::then`].
#[derive(Debug, Clone, Copy)]
pub struct Then<A, B> {
    first: A,
    second: B,
}

impl<A, B> Then<A, B> {
    pub(super) const fn new(first: A, second: B) -> Self {
        Self { first, second }
    }
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
