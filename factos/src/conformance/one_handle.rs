//! A fixture that has one handle open at a time.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{
    fixture::{Fault, Fixture},
    guarded::Guarded,
};
use crate::limits::Limits;

/// The same log, for a store that declines `several_handles`: what a case opens while a handle is open is that
/// handle, and the log is opened again only once every clone of it was dropped.
pub struct OneHandle<F: Fixture> {
    log: F,
    open: Mutex<Weak<OpenHandle<F::Store>>>,
    /// Held by the handle until its store is dropped.
    closed: Arc<Mutex<()>>,
}

/// The one handle that is open.
type OpenHandle<S> = Guarded<S, OwnedMutexGuard<()>>;

impl<F: Fixture> Fixture for OneHandle<F> {
    type Store = Arc<OpenHandle<F::Store>>;

    const MODEL_CASES: u32 = F::MODEL_CASES;
    const LIMITS: Option<Limits> = F::LIMITS;
    const SEED: Option<u64> = F::SEED;
    const SOON: Duration = F::SOON;
    const PATIENCE: Duration = F::PATIENCE;

    async fn fresh() -> Self {
        Self { log: F::fresh().await, open: Mutex::default(), closed: Arc::default() }
    }

    async fn inject(&self, fault: Fault) -> bool {
        self.log.inject(fault).await
    }

    async fn heal(&self, fault: Fault) {
        self.log.heal(fault).await;
    }

    async fn connect(&self) -> Self::Store {
        let mut open = self.open.lock().await;
        if let Some(handle) = open.upgrade() {
            return handle;
        }
        let is_open = self.closed.clone().lock_owned().await;
        let handle = Guarded::new(self.log.connect().await, is_open);
        let handle = Arc::new(handle);
        *open = Arc::downgrade(&handle);
        handle
    }

    async fn flushes(&self) -> Option<u64> {
        self.log.flushes().await
    }
}

impl<F: Fixture> fmt::Debug for OneHandle<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneHandle").finish_non_exhaustive()
    }
}
