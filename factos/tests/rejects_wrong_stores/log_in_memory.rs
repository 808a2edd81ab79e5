//! The log of a store under test, which all handles share, as they would share a log on disk.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64},
};

use factos::{Bytes, EventId, Recorded};
use tokio::sync::{Notify, RwLock, watch};

pub(crate) struct LogInMemory {
    pub(crate) id: String,
    records: Mutex<Vec<Recorded<Bytes>>>,
    /// The last position that was given out ahead of its append.
    pub(crate) reserved: Mutex<u64>,
    /// The log with the accepted batches that are not visible yet.
    pub(crate) accepted: Mutex<Vec<Recorded<Bytes>>>,
    /// The head that waiters are woken for.
    pub(crate) published: watch::Sender<u64>,
    pub(crate) appended: Notify,
    /// Held shared by reads, and exclusively by appends that wait for reads to end.
    pub(crate) gate: Arc<RwLock<()>>,
    /// How many flushes have begun.
    pub(crate) flushes: AtomicU64,
    /// Whether a flush is under way.
    pub(crate) is_flushing: AtomicBool,
}

impl Default for LogInMemory {
    fn default() -> Self {
        Self {
            id: EventId::new().to_string(),
            records: Mutex::default(),
            reserved: Mutex::default(),
            accepted: Mutex::default(),
            published: watch::Sender::default(),
            appended: Notify::default(),
            gate: Arc::default(),
            flushes: AtomicU64::default(),
            is_flushing: AtomicBool::default(),
        }
    }
}

impl LogInMemory {
    pub(crate) fn records(&self) -> MutexGuard<'_, Vec<Recorded<Bytes>>> {
        lock(&self.records)
    }

    pub(crate) fn head(&self) -> u64 {
        head(&self.records())
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last position, or 0.
pub(crate) fn head(log: &[Recorded<Bytes>]) -> u64 {
    log.last().map_or(0, |record| record.position.get())
}
