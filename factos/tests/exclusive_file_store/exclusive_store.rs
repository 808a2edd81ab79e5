//! The store over one file, locked by the one handle that is open.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
    sync::{Arc, atomic::AtomicU64},
};

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, EventStore, Events, NewEvent, Page, Query, ReadOptions,
    SequencePosition, StoreError, StreamName,
};

use crate::store::FileStore;

pub(crate) struct ExclusiveStore {
    // Dropped before the lock.
    store: FileStore,
    _lock: Lock,
}

struct Lock(File);

impl ExclusiveStore {
    /// Refused while a handle is open, in this process or another one.
    pub(crate) fn open(path: &Path, flushes: Arc<AtomicU64>) -> io::Result<Self> {
        let lock = File::create(path.with_extension("lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => error,
            TryLockError::WouldBlock => io::ErrorKind::ResourceBusy.into(),
        })?;
        Ok(Self { store: FileStore::open(path, flushes)?, _lock: Lock(lock) })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file would leave it locked while a process that is being started has a copy of it. What cannot
        // be unlocked is closed next.
        drop(self.0.unlock());
    }
}

#[async_trait]
impl EventStore for ExclusiveStore {
    fn log_id(&self) -> &str {
        self.store.log_id()
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        self.store.read(query, options).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        self.store.read_stream(stream, options).await
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Page, AppendError> {
        self.store.append(events, condition).await
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        self.store.head().await
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        self.store.wait_past(after).await
    }
}
