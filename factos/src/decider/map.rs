use std::{fmt, marker::PhantomData};

use crate::{decider::Decider, query_for::QueryFor};

/// A decider that takes another command; see [`Decider::map_command`].
pub struct MapCommand<D, C, F> {
    decider: D,
    f: F,
    command: PhantomData<fn(&C)>,
}

/// A decider that refuses with another error; see [`Decider::map_error`].
pub struct MapError<D, F> {
    decider: D,
    f: F,
}

/// A decider that looks at another context; see [`Decider::with_context`].
pub struct WithContext<D, F> {
    decider: D,
    f: F,
}

impl<D, C, F> MapCommand<D, C, F> {
    pub(super) const fn new(decider: D, f: F) -> Self {
        Self { decider, f, command: PhantomData }
    }
}

impl<D, F> MapError<D, F> {
    pub(super) const fn new(decider: D, f: F) -> Self {
        Self { decider, f }
    }
}

impl<D, F> WithContext<D, F> {
    pub(super) const fn new(decider: D, f: F) -> Self {
        Self { decider, f }
    }
}

impl<D: Decider, C, F: Fn(&C) -> D::Command> Decider for MapCommand<D, C, F> {
    type Command = C;
    type Event = D::Event;
    type State = D::State;
    type Error = D::Error;

    fn initial(&self) -> D::State {
        self.decider.initial()
    }

    fn evolve(&self, state: D::State, event: &D::Event) -> D::State {
        self.decider.evolve(state, event)
    }

    fn decide(&self, state: &D::State, command: &C) -> Result<Vec<D::Event>, D::Error> {
        self.decider.decide(state, &(self.f)(command))
    }

    fn context(&self, command: &C) -> QueryFor<D::Event> {
        self.decider.context(&(self.f)(command))
    }

    fn guard(&self, command: &C) -> QueryFor<D::Event> {
        self.decider.guard(&(self.f)(command))
    }
}

impl<D: Decider, E, F: Fn(D::Error) -> E> Decider for MapError<D, F> {
    type Command = D::Command;
    type Event = D::Event;
    type State = D::State;
    type Error = E;

    fn initial(&self) -> D::State {
        self.decider.initial()
    }

    fn evolve(&self, state: D::State, event: &D::Event) -> D::State {
        self.decider.evolve(state, event)
    }

    fn decide(&self, state: &D::State, command: &D::Command) -> Result<Vec<D::Event>, E> {
        self.decider.decide(state, command).map_err(&self.f)
    }

    fn context(&self, command: &D::Command) -> QueryFor<D::Event> {
        self.decider.context(command)
    }

    fn guard(&self, command: &D::Command) -> QueryFor<D::Event> {
        self.decider.guard(command)
    }
}

impl<D: Decider, F: Fn(&D::Command) -> QueryFor<D::Event>> Decider for WithContext<D, F> {
    type Command = D::Command;
    type Event = D::Event;
    type State = D::State;
    type Error = D::Error;

    fn initial(&self) -> D::State {
        self.decider.initial()
    }

    fn evolve(&self, state: D::State, event: &D::Event) -> D::State {
        self.decider.evolve(state, event)
    }

    fn decide(&self, state: &D::State, command: &D::Command) -> Result<Vec<D::Event>, D::Error> {
        self.decider.decide(state, command)
    }

    fn context(&self, command: &D::Command) -> QueryFor<D::Event> {
        (self.f)(command)
    }
}

impl<D: fmt::Debug, C, F> fmt::Debug for MapCommand<D, C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MapCommand").field(&self.decider).finish()
    }
}

impl<D: fmt::Debug, F> fmt::Debug for MapError<D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MapError").field(&self.decider).finish()
    }
}

impl<D: fmt::Debug, F> fmt::Debug for WithContext<D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WithContext").field(&self.decider).finish()
    }
}
