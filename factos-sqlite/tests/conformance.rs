//! The store passes the suite that every store passes, on its own and behind a pointer.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use factos::conformance::{Boxed, Fixture, Shared};
use factos_sqlite::SqliteStore;
use tempfile::TempDir;

struct TempFile(TempDir);

impl Fixture for TempFile {
    type Store = SqliteStore;

    async fn fresh() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn connect(&self) -> SqliteStore {
        SqliteStore::open(self.0.path().join("log.db")).await.unwrap()
    }
}

factos::conformance!(TempFile);

mod behind_an_arc {
    use super::*;
    factos::conformance!(Shared<TempFile>);
}

mod in_a_box {
    use super::*;
    factos::conformance!(Boxed<TempFile>);
}
