//! The store passes the suite that every store passes, on its own and behind a pointer.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use factos::conformance::{Boxed, Fixture, ProcessFixture, Shared};
use factos_sqlite::SqliteStore;
use tempfile::TempDir;

struct TempFile(TempDir);

impl TempFile {
    fn path(&self) -> PathBuf {
        self.0.path().join("log.db")
    }
}

impl Fixture for TempFile {
    type Store = SqliteStore;

    const LIMITS: Option<factos::Limits> = Some(SqliteStore::LIMITS);

    async fn fresh() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn connect(&self) -> SqliteStore {
        SqliteStore::open(self.path()).await.unwrap()
    }
}

impl ProcessFixture for TempFile {
    fn address(&self) -> String {
        self.path().to_str().unwrap().to_owned()
    }

    async fn reach(address: &str) -> SqliteStore {
        SqliteStore::open(address).await.unwrap()
    }
}

factos::conformance!(TempFile);
factos::conformance_processes!(TempFile);

mod behind_an_arc {
    use super::*;
    factos::conformance!(Shared<TempFile>);
}

mod in_a_box {
    use super::*;
    factos::conformance!(Boxed<TempFile>);
}
