//! A reference, a box, an `Arc` and an `Rc` of a view are views.

use std::{rc::Rc, sync::Arc};

use crate::view::View;

macro_rules! pointers {
    ($($pointer:ty),*) => {$(
        impl<V: View + ?Sized> View for $pointer {
            type Event = V::Event;
            type State = V::State;

            fn initial(&self) -> V::State {
                (**self).initial()
            }

            fn evolve(&self, state: V::State, event: &V::Event) -> V::State {
                (**self).evolve(state, event)
            }
        }
    )*};
}

pointers!(&V, Box<V>, Arc<V>, Rc<V>);
