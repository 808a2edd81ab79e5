//! The store passes the suite that every store passes, on its own and with a hook. The pointers that applications hold a
//! store by are those of the core: they pass the suite in the tests of the store in memory.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{path::PathBuf, sync::Mutex, time::Duration};

use factos::conformance::{FAULTY, Fault, Fixture, ProcessFixture};
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

mod with_a_hook {
    use super::*;

    /// A log whose handles copy what they append.
    struct Hooked(TempFile);

    const TABLE: &str =
        "CREATE TABLE IF NOT EXISTS copy (position INTEGER PRIMARY KEY, id BLOB NOT NULL)";

    async fn with_copy(store: SqliteStore) -> SqliteStore {
        store.write(|tx| tx.connection().execute_batch(TABLE)).await.unwrap();
        store.with_hook(|connection, records| {
            let mut insert = connection.prepare_cached("INSERT INTO copy VALUES (?1, ?2)")?;
            for record in records {
                let position = i64::try_from(record.position.get())?;
                insert.execute((position, record.id.to_bytes()))?;
            }
            Ok(())
        })
    }

    impl Fixture for Hooked {
        type Store = SqliteStore;

        const LIMITS: Option<factos::Limits> = Some(SqliteStore::LIMITS);

        // Reads are those of the store without a hook, which has all lists.
        const MODEL_CASES: u32 = 100;

        async fn fresh() -> Self {
            Self(TempFile::fresh().await)
        }

        async fn connect(&self) -> SqliteStore {
            with_copy(self.0.connect().await).await
        }

        async fn inject(&self, fault: Fault) -> bool {
            self.0.inject(fault).await
        }

        async fn heal(&self, fault: Fault) {
            self.0.heal(fault).await;
        }
    }

    impl ProcessFixture for Hooked {
        fn address(&self) -> String {
            self.0.address()
        }

        async fn reach(address: &str) -> SqliteStore {
            with_copy(TempFile::reach(address).await).await
        }
    }

    /// Whatever a case did, the copy is exact.
    impl Drop for Hooked {
        fn drop(&mut self) {
            let differ = "SELECT count(*) FROM event FULL JOIN copy USING (position, id)
                          WHERE event.position IS NULL OR copy.position IS NULL";
            if !self.0.path().exists() || std::thread::panicking() {
                return;
            }
            let connection = Connection::open(self.0.path()).unwrap();
            let differ = connection.query_row(differ, [], |row| row.get(0));
            assert_eq!(differ, Ok(0_i64));
        }
    }

    suite!(Hooked);
    factos::conformance_processes!(Hooked);
}
