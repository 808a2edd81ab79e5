//! The suite on a durable store of one process: one handle is open at a time, and any other open is refused.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use factos::conformance::{Fixture, OneHandle, ProcessFixture, cases};
use tempfile::TempDir;

use crate::{
    exclusive_store::{ExclusiveStore, open},
    forgetful_log::ForgetfulLog,
};

#[path = "exclusive_file_store/exclusive_store.rs"]
mod exclusive_store;
#[path = "exclusive_file_store/forgetful_log.rs"]
mod forgetful_log;
#[path = "file_store/store.rs"]
mod store;

struct OneFile {
    folder: TempDir,
    flushes: Arc<AtomicU64>,
}

impl Fixture for OneFile {
    type Store = ExclusiveStore;

    const LIMITS: Option<factos::Limits> = Some(factos::Limits::FLOOR);

    async fn fresh() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), flushes: Arc::default() }
    }

    async fn connect(&self) -> ExclusiveStore {
        open(&self.path(), self.flushes.clone()).unwrap()
    }

    async fn flushes(&self) -> Option<u64> {
        Some(self.flushes.load(Ordering::Relaxed))
    }
}

impl ProcessFixture for OneFile {
    fn address(&self) -> String {
        self.path().to_str().unwrap().to_owned()
    }

    async fn reach(address: &str) -> ExclusiveStore {
        open(Path::new(address), Arc::default()).unwrap()
    }
}

impl OneFile {
    fn path(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

factos::conformance!(
    OneFile,
    decline { several_handles: "the file is locked by the handle that is open" }
);
factos::conformance_processes!(
    OneFile,
    decline { several_processes: "the file is locked by the process that has opened it" }
);

#[test]
fn a_second_open_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let reopened = || open(&folder.path().join("log"), Arc::default());
    let store = reopened().unwrap();
    assert!(reopened().is_err());
    drop(store);
    reopened().unwrap();
}

#[test]
fn every_case_that_reopens_is_failed_by_a_store_that_forgets() {
    let cases = cases::<OneHandle<ForgetfulLog>>();
    let of_reopening = cases.iter().filter(|case| case.needs() == Some("reopening"));
    let passed: Vec<_> = of_reopening.filter(|case| case.verdict().is_ok()).collect();
    assert!(passed.is_empty(), "passed although nothing is kept: {passed:?}");
}
