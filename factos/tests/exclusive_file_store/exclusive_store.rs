//! The store over one file, locked by the one handle that is open.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
    sync::{Arc, atomic::AtomicU64},
};

use factos::conformance::Guarded;

use crate::store::FileStore;

pub(crate) type ExclusiveStore = Guarded<FileStore, Lock>;

pub(crate) struct Lock(File);

/// Refused while a handle is open, in this process or another one.
pub(crate) fn open(path: &Path, flushes: Arc<AtomicU64>) -> io::Result<ExclusiveStore> {
    let lock = File::create(path.with_extension("lock"))?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::Error(error) => error,
        TryLockError::WouldBlock => io::ErrorKind::ResourceBusy.into(),
    })?;
    Ok(Guarded::new(FileStore::open(path, flushes)?, Lock(lock)))
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file would leave it locked while a process that is being started has a copy of it. What cannot
        // be unlocked is closed next.
        drop(self.0.unlock());
    }
}
