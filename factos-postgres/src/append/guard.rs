//! What keeps a hook from ending the transaction that it runs in.

use factos::EventId;
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, PgConnection, Row, raw_sql};

use super::statement::Place;
use crate::{durability::Durability, sql::SESSION};

/// Lets the session write again.
const RESTORE: &str = "pg_catalog.set_config('default_transaction_read_only',
    pg_catalog.current_setting('factos.read_only'), false)";

/// Lets the session only read, but for transactions that say otherwise.
const READ_ONLY: &str = "pg_catalog.set_config('default_transaction_read_only', 'on', false)";

/// A cursor whose rows are fetched at the commit, where that fails: no COMMIT succeeds before the cursor is closed,
/// and no PREPARE TRANSACTION. It is closed with the transaction, so it also tells whether that is still the same.
/// Nobody can guess its name.
#[derive(Debug)]
pub(super) struct Guard {
    name: String,
}

/// How far [`Guard::pass_on`] has come.
#[derive(Debug, Default)]
pub(super) struct Passed {
    /// How many statements have ended.
    statements: u32,
}

impl Passed {
    /// Whether the guard was taken away, after which only the commit can fail.
    pub(super) const fn is_lowered(&self) -> bool {
        self.statements >= 2
    }

    pub(super) const fn is_committed(&self) -> bool {
        self.statements >= 3
    }
}

impl Guard {
    pub(super) fn new() -> Self {
        Self { name: format!("factos_{}", EventId::new().to_string().replace('-', "")) }
    }

    /// The SQL that makes it, within a transaction. There is no setting of this name, which is looked for at the
    /// commit: the error tells it.
    fn raise(&self) -> String {
        format!(
            "DECLARE {} NO SCROLL CURSOR WITH HOLD FOR SELECT
               pg_catalog.current_setting('a hook must not end the transaction of its append')",
            self.name
        )
    }

    /// The SQL that begins a transaction with it. After the transaction its session only reads: what a hook runs after
    /// it has ended the transaction writes nothing.
    pub(super) fn begin(&self) -> String {
        format!(
            "BEGIN; SELECT pg_catalog.set_config('factos.read_only',
                 pg_catalog.current_setting('default_transaction_read_only'), false), {READ_ONLY}; COMMIT; {}",
            self.begin_read_only()
        )
    }

    /// The same, in a session that only reads already.
    fn begin_read_only(&self) -> String {
        format!("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {}", self.raise())
    }

    /// Takes it away, before the commit. An error if the transaction has ended or failed. What the session then
    /// looks like.
    pub(super) async fn lower(
        &self,
        connection: &mut PgConnection,
        durability: Durability,
    ) -> Result<String, sqlx::Error> {
        let flushed = flushed(durability);
        let sql = format!("CLOSE {}; SELECT {SESSION}, {RESTORE}, {flushed}", self.name);
        raw_sql(AssertSqlSafe(sql)).fetch_one(connection).await?.try_get(0)
    }

    /// Takes it away, commits, and begins a transaction with the next guard: in one message, whose answer may end
    /// anywhere.
    pub(super) async fn pass_on(
        &self,
        connection: &mut PgConnection,
        durability: Durability,
        next: &Self,
        passed: &mut Passed,
    ) -> Result<(), sqlx::Error> {
        let (flushed, begin) = (flushed(durability), next.begin_read_only());
        let sql = format!("CLOSE {}; SELECT {READ_ONLY}, {flushed}; COMMIT; {begin}", self.name);
        let mut answers = raw_sql(AssertSqlSafe(sql)).fetch_many(connection);
        while let Some(answer) = answers.try_next().await? {
            passed.statements += u32::from(answer.is_left());
        }
        Ok(())
    }

    /// Opens a savepoint of the same name, with the guard in it.
    pub(super) async fn open_savepoint(
        &self,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        self.run(connection, format!("SAVEPOINT {}; {}", self.name, self.raise())).await
    }

    /// Releases the savepoint and the guard.
    pub(super) async fn release(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.run(connection, format!("CLOSE {0}; RELEASE {0}", self.name)).await
    }

    /// Undoes what was done since the savepoint.
    pub(super) async fn roll_back(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.run(connection, format!("ROLLBACK TO {0}; RELEASE {0}", self.name)).await
    }

    async fn run(&self, connection: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
        raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop)
    }
}

/// The SQL of a value that has the commit flushed before it is told, where a hook asked for something else.
const fn flushed(durability: Durability) -> &'static str {
    match durability {
        Durability::Full => {
            "pg_catalog.set_config('synchronous_commit', CASE
               WHEN pg_catalog.current_setting('synchronous_commit')
                 OPERATOR(pg_catalog.=) ANY (ARRAY['off', 'local']) THEN 'on'
               ELSE pg_catalog.current_setting('synchronous_commit') END, true)"
        }
        Durability::LoseLatestOnServerCrash => "NULL",
    }
}

/// What the session looks like, which writes again from now on.
pub(super) async fn restored_session(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    let sql = format!("SELECT {SESSION}, {RESTORE}");
    raw_sql(AssertSqlSafe(sql)).fetch_one(connection).await?.try_get(0)
}

/// What the server says of a transaction that has ended.
pub(super) async fn status(
    connection: &mut PgConnection,
    transaction: i64,
) -> Result<Option<String>, sqlx::Error> {
    let sql = format!("SELECT pg_catalog.txid_status({transaction})");
    raw_sql(AssertSqlSafe(sql)).fetch_one(connection).await?.try_get(0)
}

/// Has the server end a session that is still in this transaction, whatever it waits for.
pub(super) async fn end_session(
    connection: &mut PgConnection,
    place: &Place,
) -> Result<(), sqlx::Error> {
    // The system's view knows the lower half of the number.
    let number = place.transaction & 0xFFFF_FFFF;
    let sql = format!(
        "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
         WHERE pid OPERATOR(pg_catalog.=) {} AND backend_xid OPERATOR(pg_catalog.=) '{number}'::pg_catalog.xid",
        place.process
    );
    raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop)
}
