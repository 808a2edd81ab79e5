use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// How many calls of a case have ended.
#[derive(Clone, Default)]
pub(super) struct Progress(Arc<AtomicU64>);

impl Progress {
    pub(super) fn step(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn ended(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}
