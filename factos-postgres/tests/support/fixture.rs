//! A log of its own for each case of the suite, free for another case after its last handle.

use std::{mem::ManuallyDrop, sync::Arc};

use factos::conformance::{FAULTY, Fault, Fixture, Guarded, ProcessFixture};
use factos_postgres::{Mode, PostgresStore};

use crate::{
    flushed::Flushed,
    recycled::{Kind, Recycled, open, open_anew},
    support::Schema,
};

/// A store that keeps its log from being used by another case, for a case may drop the fixture first.
pub(crate) type Handle = Guarded<PostgresStore, Option<Arc<Recycled>>>;

pub(crate) type Keyed = Log<true>;
pub(crate) type Portable = Log<false>;

pub(crate) struct Log<const KEYED: bool>(Arc<Recycled>, Flushed);

impl<const KEYED: bool> Log<KEYED> {
    pub(crate) const MODE: Mode = if KEYED { Mode::Keyed } else { Mode::Portable };

    pub(crate) async fn of(has_copy: bool) -> Self {
        let log = Recycled::fresh(Kind { mode: Self::MODE, has_copy }).await;
        Self(Arc::new(log), Flushed::default())
    }

    /// A handle of this store, on this log.
    pub(crate) fn handle(&self, store: PostgresStore) -> Handle {
        Guarded::new(store, Some(Arc::clone(&self.0)))
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.0
    }

    /// How another process knows the log. The process that made it drops it.
    pub(crate) fn reached(address: &str) -> ManuallyDrop<Schema> {
        ManuallyDrop::new(Schema { name: address.to_owned(), mode: Self::MODE })
    }
}

impl<const KEYED: bool> Fixture for Log<KEYED> {
    type Store = Handle;

    const LIMITS: Option<factos::Limits> = Some(factos_postgres::PostgresStore::LIMITS);

    async fn fresh() -> Self {
        Self::of(false).await
    }

    // On sessions that other handles have used; those of other processes are new.
    async fn connect(&self) -> Handle {
        self.handle(open(&self.0).await)
    }

    async fn inject(&self, fault: Fault) -> bool {
        let sql = match fault {
            Fault::Read => "ALTER TABLE log.events RENAME TO elsewhere",
            Fault::Batch => {
                "CREATE FUNCTION log.fault() RETURNS trigger LANGUAGE plpgsql AS
                   'BEGIN RAISE EXCEPTION ''a fault''; END';
                 CREATE TRIGGER fault BEFORE INSERT ON log.events FOR EACH ROW
                   WHEN (NEW.version = $FAULTY) EXECUTE FUNCTION log.fault()"
            }
            // The server ends the connection while it commits.
            Fault::Answer => {
                "CREATE FUNCTION log.fault() RETURNS trigger LANGUAGE plpgsql AS
                   'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
                 CREATE CONSTRAINT TRIGGER fault AFTER INSERT ON log.events
                   DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
                   WHEN (NEW.version = $FAULTY) EXECUTE FUNCTION log.fault()"
            }
            // Appends wait for a minute in these tests; tests/deadlines.rs has locks of all kinds.
            _ => return false,
        };
        self.0.change();
        self.0.run(&sql.replace("$FAULTY", &FAULTY.to_string())).await;
        true
    }

    async fn heal(&self, fault: Fault) {
        let sql = match fault {
            Fault::Read => "ALTER TABLE log.elsewhere RENAME TO events",
            _ => "DROP TRIGGER fault ON log.events; DROP FUNCTION log.fault()",
        };
        self.0.run(sql).await;
    }

    async fn flushes(&self) -> Option<u64> {
        Some(self.1.bytes().await)
    }
}

impl<const KEYED: bool> ProcessFixture for Log<KEYED> {
    fn address(&self) -> String {
        self.0.name.clone()
    }

    async fn reach(address: &str) -> Handle {
        Guarded::new(open_anew(&Self::reached(address)).await, None)
    }
}
