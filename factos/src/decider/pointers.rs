//! A reference, a box, an `Arc` and an `Rc` of a decider are deciders, with its context and its guard.

use std::{rc::Rc, sync::Arc};

use crate::{decider::Decider, query_for::QueryFor};

macro_rules! pointers {
    ($($pointer:ty),*) => {$(
        impl<D: Decider + ?Sized> Decider for $pointer {
            type Command = D::Command;
            type Event = D::Event;
            type State = D::State;
            type Error = D::Error;

            fn initial(&self) -> D::State {
                (**self).initial()
            }

            fn evolve(&self, state: D::State, event: &D::Event) -> D::State {
                (**self).evolve(state, event)
            }

            fn decide(
                &self,
                state: &D::State,
                command: &D::Command,
            ) -> Result<Vec<D::Event>, D::Error> {
                (**self).decide(state, command)
            }

            fn context(&self, command: &D::Command) -> QueryFor<D::Event> {
                (**self).context(command)
            }

            fn guard(&self, command: &D::Command) -> QueryFor<D::Event> {
                (**self).guard(command)
            }
        }
    )*};
}

pointers!(&D, Box<D>, Arc<D>, Rc<D>);
