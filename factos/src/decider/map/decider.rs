//! The deciders with another command, error or context, as deciders.

use super::{MapCommand, MapError, WithContext};
use crate::{decider::Decider, query_for::QueryFor};

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
