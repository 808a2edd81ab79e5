use std::{fmt, marker::PhantomData};

mod decider;

/// A decider that takes another command; see [`Decider::map_command`](crate::Decider::map_command).
pub struct MapCommand<D, C, F> {
    decider: D,
    f: F,
    command: PhantomData<fn(&C)>,
}

/// A decider that refuses with another error; see [`Decider::map_error`](crate::Decider::map_error).
pub struct MapError<D, F> {
    decider: D,
    f: F,
}

/// A decider that looks at another context; see [`Decider::with_context`](crate::Decider::with_context).
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
