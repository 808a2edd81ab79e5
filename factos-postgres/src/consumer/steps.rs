use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use factos_consumer::port::{PartitionId, Token};

type Lease = (PartitionId, Token);

/// The steps that are under way. Each keeps the row of its partition locked, so that a beat cannot renew the lease: the
/// step does that in its place, before it commits.
#[derive(Debug, Clone, Default)]
pub(super) struct Steps(Arc<Mutex<HashMap<Lease, Option<Duration>>>>);

/// A step that is under way, until it is dropped.
#[derive(Debug)]
pub(super) struct UnderWay<'a> {
    steps: &'a Steps,
    lease: Lease,
}

impl Steps {
    pub(super) fn begin(&self, partition: &PartitionId, token: Token) -> UnderWay<'_> {
        let lease = (partition.clone(), token);
        self.with(|steps| steps.insert(lease.clone(), None));
        UnderWay { steps: self, lease }
    }

    /// Asks the step of a lease to renew it for so long, if there is one.
    pub(super) fn renew(&self, partition: &PartitionId, token: Token, lease: Duration) -> bool {
        let step = (partition.clone(), token);
        self.with(|steps| steps.get_mut(&step).map(|asked| *asked = Some(lease)).is_some())
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<Lease, Option<Duration>>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl UnderWay<'_> {
    /// For how long the lease is to be renewed, if it was asked for.
    pub(super) fn asked(&self) -> Option<Duration> {
        self.steps.with(|steps| steps.get(&self.lease).copied().flatten())
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.steps.with(|steps| steps.remove(&self.lease));
    }
}
