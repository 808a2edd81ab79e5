use std::marker::PhantomData;

use crate::view::View;

/// A view made of two closures: its initial state, and its fold.
#[must_use]
pub fn view_fn<E, S>(
    initial: impl Fn() -> S,
    evolve: impl Fn(S, &E) -> S,
) -> impl View<Event = E, State = S> {
    ViewFn { initial, evolve, types: PhantomData::<fn(E) -> S> }
}

struct ViewFn<I, V, T> {
    initial: I,
    evolve: V,
    types: PhantomData<T>,
}

impl<E, S, I, V> View for ViewFn<I, V, fn(E) -> S>
where
    I: Fn() -> S,
    V: Fn(S, &E) -> S,
{
    type Event = E;
    type State = S;

    fn initial(&self) -> S {
        (self.initial)()
    }

    fn evolve(&self, state: S, event: &E) -> S {
        (self.evolve)(state, event)
    }
}
