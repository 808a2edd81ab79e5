//! The worked example of the suite's guide: a store over one file, and the whole test file of it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use factos::conformance::{Fixture, ProcessFixture};
use tempfile::TempDir;

use crate::store::FileStore;

#[path = "file_store/store.rs"]
mod store;

struct OneFile {
    folder: TempDir,
    flushes: Arc<AtomicU64>,
}

impl Fixture for OneFile {
    type Store = FileStore;

    const LIMITS: Option<factos::Limits> = Some(factos::Limits::FLOOR);

    async fn fresh() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), flushes: Arc::default() }
    }

    async fn connect(&self) -> FileStore {
        FileStore::open(self.path(), self.flushes.clone()).unwrap()
    }

    async fn flushes(&self) -> Option<u64> {
        Some(self.flushes.load(Ordering::Relaxed))
    }
}

impl ProcessFixture for OneFile {
    fn address(&self) -> String {
        self.path().to_str().unwrap().to_owned()
    }

    async fn reach(address: &str) -> FileStore {
        FileStore::open(Path::new(address), Arc::default()).unwrap()
    }
}

impl OneFile {
    fn path(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

factos::conformance!(OneFile);
factos::conformance_processes!(OneFile);

#[test]
fn the_example_is_short() {
    assert!(include_str!("file_store/store.rs").lines().count() < 240);
}
