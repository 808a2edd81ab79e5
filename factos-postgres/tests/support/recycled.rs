//! Logs that are emptied and used again, for most of the time of a short case goes into making and dropping one.

use std::{
    ops::Deref,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use factos_postgres::{
    Mode, PostgresStore,
    sqlx::{AssertSqlSafe, Executor, PgPool, postgres::PgConnectOptions, query_as, raw_sql},
};

use crate::{
    caretaker,
    kept_sessions::{free_processes, kept},
    support::{Schema, options_of_log, pool_with},
};

/// Empty logs that nobody uses. They stay in the database when the program ends.
static FREE: Mutex<Vec<(Kind, Schema)>> = Mutex::new(Vec::new());

/// How often, and how long, it is looked whether the connections to a log have ended.
const LOOKS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(5);

/// A log with more events is not worth it.
pub(crate) const MOST_EVENTS: i64 = 200;

/// The table of a log that a hook writes to.
const COPY: &str = "CREATE TABLE log.copy (position bigint PRIMARY KEY, id text NOT NULL)";

/// The triggers refuse every change, but not that of a transaction that says that it empties the log. If they were disabled
/// for it, the kept sessions would have to plan their statements again.
const LETS_EMPTY: &str = "
    CREATE OR REPLACE FUNCTION log._refuse_change() RETURNS trigger
    LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
      IF current_setting('factos_tests.empties', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION 'factos: % of % is refused, the log is append-only', TG_OP, TG_TABLE_NAME
          USING ERRCODE = '55000';
      END IF;
      RETURN NULL;
    END $$";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) mode: Mode,
    /// Whether there is a table besides, `copy`.
    pub(crate) has_copy: bool,
}

/// A schema with a log of one user. If nothing was changed of it but its events, it is emptied at the end; else it is
/// dropped.
pub(crate) struct Recycled {
    kind: Kind,
    /// There until the end.
    schema: Option<Schema>,
    is_changed: AtomicBool,
}

impl Recycled {
    /// An empty log, which may have been used before.
    pub(crate) async fn fresh(kind: Kind) -> Self {
        match take(kind) {
            Some(schema) => Self::of(kind, schema),
            None => Self::new(kind).await,
        }
    }

    /// A log that was never used.
    pub(crate) async fn new(kind: Kind) -> Self {
        let schema = Schema::named(kind.mode);
        let copy = if kind.has_copy { COPY } else { "" };
        let (config, sql) = (schema.config(), schema.in_schema(&format!("{LETS_EMPTY}; {copy}")));
        caretaker::run(|pool| async move {
            config.migrate(pool).await.unwrap();
            pool.execute(raw_sql(AssertSqlSafe(sql))).await.unwrap();
        })
        .await;
        Self::of(kind, schema)
    }

    const fn of(kind: Kind, schema: Schema) -> Self {
        Self { kind, schema: Some(schema), is_changed: AtomicBool::new(false) }
    }

    /// It is to be dropped at the end.
    pub(crate) fn change(&self) {
        self.is_changed.store(true, Ordering::SeqCst);
    }

    /// Makes the log as a new one, which has another identity. `false` if there are many events in it, or if somebody stays
    /// connected, whose append may be on its way.
    pub(crate) async fn empty(&self) -> bool {
        let (look, sql) = (self.look(), self.emptying());
        caretaker::run(|pool| async move { empty(pool, look, sql).await }).await
    }

    /// Whether nobody is connected, and whether there are few events.
    fn look(&self) -> String {
        self.in_schema(&format!(
            "SELECT NOT EXISTS (
                 SELECT FROM pg_stat_activity WHERE application_name = '{}' AND pid <> ALL ($1)),
               (SELECT count(*) FROM log.events) <= {MOST_EVENTS}",
            self.name
        ))
    }

    /// What is sent in one message is one transaction.
    fn emptying(&self) -> String {
        let positions = if self.kind.mode == Mode::Keyed {
            "SELECT setval('log.position_seq', 0);"
        } else {
            "UPDATE log.head SET position = 0;"
        };
        let copy = if self.kind.has_copy { "DELETE FROM log.copy;" } else { "" };
        self.in_schema(&format!(
            "SET LOCAL factos_tests.empties = on;
             DELETE FROM log.events; DELETE FROM log.tags; {copy} {positions}
             UPDATE log.meta SET log_id = DEFAULT, created_at = DEFAULT",
        ))
    }
}

impl Deref for Recycled {
    type Target = Schema;

    fn deref(&self) -> &Schema {
        self.schema.as_ref().unwrap()
    }
}

impl Drop for Recycled {
    fn drop(&mut self) {
        if self.is_changed.load(Ordering::SeqCst) || thread::panicking() {
            return;
        }
        let (look, sql) = (self.look(), self.emptying());
        if caretaker::wait_for(|pool| async move { empty(pool, look, sql).await }) {
            let schema = self.schema.take().unwrap();
            free().push((self.kind, schema));
        }
    }
}

/// A handle whose connections say which log they are of.
pub(crate) async fn open(schema: &Schema) -> PostgresStore {
    open_with(schema, kept(options_of_log(schema)).await).await
}

/// The same on sessions of its own.
pub(crate) async fn open_anew(schema: &Schema) -> PostgresStore {
    open_with(schema, options_of_log(schema)).await
}

async fn open_with(schema: &Schema, options: PgConnectOptions) -> PostgresStore {
    schema.config().open(pool_with(8, options).await).await.unwrap()
}

async fn empty(pool: &PgPool, look: String, sql: String) -> bool {
    for _ in 0..LOOKS {
        let found = query_as(AssertSqlSafe(look.clone())).bind(free_processes());
        match found.persistent(false).fetch_one(pool).await {
            Ok((true, true)) => return pool.execute(raw_sql(AssertSqlSafe(sql))).await.is_ok(),
            Ok((false, _)) => tokio::time::sleep(PAUSE).await,
            _ => return false,
        }
    }
    false
}

fn take(kind: Kind) -> Option<Schema> {
    let mut free = free();
    let found = free.iter().position(|(other, _)| *other == kind)?;
    Some(free.swap_remove(found).1)
}

fn free() -> MutexGuard<'static, Vec<(Kind, Schema)>> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}
