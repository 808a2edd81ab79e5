use std::marker::PhantomData;

use crate::{reactor::Reactor, recorded::Recorded};

/// A reactor made of one closure.
#[must_use]
pub fn reactor_fn<E, X>(
    react: impl Fn(&Recorded<E>) -> Vec<X>,
) -> impl Reactor<Event = E, Effect = X> {
    ReactorFn { react, types: PhantomData::<fn(E) -> X> }
}

struct ReactorFn<R, T> {
    react: R,
    types: PhantomData<T>,
}

impl<E, X, R: Fn(&Recorded<E>) -> Vec<X>> Reactor for ReactorFn<R, fn(E) -> X> {
    type Event = E;
    type Effect = X;

    fn react(&self, event: &Recorded<E>) -> Vec<X> {
        (self.react)(event)
    }
}
