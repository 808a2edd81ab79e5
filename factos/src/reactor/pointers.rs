//! A reference, a box, an `Arc` and an `Rc` of a reactor are reactors.

use std::{rc::Rc, sync::Arc};

use crate::{reactor::Reactor, recorded::Recorded};

macro_rules! pointers {
    ($($pointer:ty),*) => {$(
        impl<R: Reactor + ?Sized> Reactor for $pointer {
            type Event = R::Event;
            type Effect = R::Effect;

            fn react(&self, event: &Recorded<R::Event>) -> Vec<R::Effect> {
                (**self).react(event)
            }
        }
    )*};
}

pointers!(&R, Box<R>, Arc<R>, Rc<R>);
