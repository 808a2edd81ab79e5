//! The store passes the suite that every store passes, on its own and behind a pointer.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{path::PathBuf, sync::Mutex, time::Duration};

use factos::conformance::{Boxed, FAULTY, Fault, Fixture, ProcessFixture, Shared};
use factos_sqlite::SqliteStore;
use rusqlite::Connection;
use tempfile::TempDir;

/// A log, and a connection of somebody else who holds its lock, if anybody does.
struct TempFile(TempDir, Mutex<Option<Connection>>);

impl TempFile {
    fn path(&self) -> PathBuf {
        self.0.path().join("log.db")
    }

    fn run(&self, sql: &str) {
        drop(self.run_on_its_own(sql));
    }

    fn run_on_its_own(&self, sql: &str) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        connection.busy_timeout(Duration::from_secs(60)).unwrap();
        connection.execute_batch(sql).unwrap();
        connection
    }
}

impl Fixture for TempFile {
    type Store = SqliteStore;

    const LIMITS: Option<factos::Limits> = Some(SqliteStore::LIMITS);

    async fn fresh() -> Self {
        Self(tempfile::tempdir().unwrap(), Mutex::default())
    }

    async fn connect(&self) -> SqliteStore {
        SqliteStore::open(self.path()).await.unwrap()
    }

    async fn inject(&self, fault: Fault) -> bool {
        match fault {
            Fault::Read => self.run("ALTER TABLE event RENAME TO event_elsewhere"),
            Fault::Batch => self.run(&format!(
                "CREATE TRIGGER fault BEFORE INSERT ON event WHEN NEW.version = {FAULTY}
                 BEGIN SELECT RAISE(ABORT, 'a fault'); END"
            )),
            Fault::Lock => *self.1.lock().unwrap() = Some(self.run_on_its_own("BEGIN IMMEDIATE")),
            // The answer to a commit comes from the same process.
            _ => return false,
        }
        true
    }

    async fn heal(&self, fault: Fault) {
        match fault {
            Fault::Read => self.run("ALTER TABLE event_elsewhere RENAME TO event"),
            Fault::Batch => self.run("DROP TRIGGER fault"),
            _ => drop(self.1.lock().unwrap().take()),
        }
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

macro_rules! suite {
    ($fixture:ty) => {
        factos::conformance!($fixture, decline {
            durability::an_acknowledged_append_was_flushed: "run by tests/flushes.rs, which counts",
            durability::appends_at_once_were_flushed: "run by tests/flushes.rs, which counts",
        });
    };
}

suite!(TempFile);
factos::conformance_processes!(TempFile);

mod behind_an_arc {
    use super::*;
    suite!(Shared<TempFile>);
}

mod in_a_box {
    use super::*;
    suite!(Boxed<TempFile>);
}
