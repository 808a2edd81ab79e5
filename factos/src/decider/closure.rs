use std::marker::PhantomData;

use crate::{decider::Decider, event::Event};

/// A decider made of three closures: its initial state, its fold, and its decision.
///
/// Its context is every type of the event; narrow it by [`with_context`](Decider::with_context).
///
/// ```
/// # use factos::{Decider, Event};
/// # fn example<Paid: Event + From<u64>>() -> impl Decider {
/// factos::decider_fn(
///     || 0,
///     |count, _: &Paid| count + 1,
///     |count, amount: &u64| match count {
///         0 => Ok(vec![Paid::from(*amount)]),
///         _ => Err("paid before"),
///     },
/// )
/// # }
/// ```
#[must_use]
pub fn decider_fn<C, E: Event, S, X>(
    initial: impl Fn() -> S,
    evolve: impl Fn(S, &E) -> S,
    decide: impl Fn(&S, &C) -> Result<Vec<E>, X>,
) -> impl Decider<Command = C, Event = E, State = S, Error = X> {
    DeciderFn { initial, evolve, decide, types: PhantomData::<fn(C, E, S) -> X> }
}

struct DeciderFn<I, V, D, T> {
    initial: I,
    evolve: V,
    decide: D,
    types: PhantomData<T>,
}

impl<C, E, S, X, I, V, D> Decider for DeciderFn<I, V, D, fn(C, E, S) -> X>
where
    E: Event,
    I: Fn() -> S,
    V: Fn(S, &E) -> S,
    D: Fn(&S, &C) -> Result<Vec<E>, X>,
{
    type Command = C;
    type Event = E;
    type State = S;
    type Error = X;

    fn initial(&self) -> S {
        (self.initial)()
    }

    fn evolve(&self, state: S, event: &E) -> S {
        (self.evolve)(state, event)
    }

    fn decide(&self, state: &S, command: &C) -> Result<Vec<E>, X> {
        (self.decide)(state, command)
    }
}
