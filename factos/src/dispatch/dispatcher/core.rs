use crate::{
    decider::Decider,
    dispatch::dispatcher::{boundaries::Boundaries, memory::Snapshot},
};

/// What all commands of a dispatcher share.
pub(in crate::dispatch) struct Core<S, D: Decider> {
    pub(super) store: S,
    pub(super) decider: D,
    pub(super) boundaries: Boundaries<D>,
    pub(super) snapshot: Snapshot<D::State>,
}

impl<S, D: Decider> Core<S, D> {
    pub(super) fn new(store: S, decider: D, snapshot: Snapshot<D::State>) -> Self {
        Self { store, decider, boundaries: Boundaries::default(), snapshot }
    }
}
