//! What keeps a hook from ending the transaction that it runs in.

use factos::EventId;
use sqlx::{AssertSqlSafe, PgConnection, Row, raw_sql};

use crate::{durability::Durability, sql::SESSION};

/// A cursor whose rows are fetched at the commit, where that fails: no COMMIT succeeds before the cursor is closed,
/// and no PREPARE TRANSACTION. It is closed with the transaction, so it also tells whether that is still the same.
/// Nobody can guess its name.
#[derive(Debug)]
pub(super) struct Guard {
    name: String,
}

impl Guard {
    pub(super) fn new() -> Self {
        Self { name: format!("factos_{}", EventId::new().to_string().replace('-', "")) }
    }

    /// The SQL that makes it, within a transaction.
    pub(super) fn raise(&self) -> String {
        format!(
            "DECLARE {} NO SCROLL CURSOR WITH HOLD FOR SELECT pg_catalog.concat(
               'a hook must not end the transaction of its append',
               pg_catalog.left(pg_catalog.random()::pg_catalog.text, 0))::pg_catalog.int4",
            self.name
        )
    }

    /// Takes it away, before the commit. An error if the transaction has ended or failed. What the session then
    /// looks like.
    pub(super) async fn lower(
        &self,
        connection: &mut PgConnection,
        durability: Durability,
    ) -> Result<String, sqlx::Error> {
        // A hook may have asked for a commit that is told before it is flushed.
        let flushed = match durability {
            Durability::Full => {
                "pg_catalog.set_config('synchronous_commit', CASE
                   WHEN pg_catalog.current_setting('synchronous_commit')
                     OPERATOR(pg_catalog.=) ANY (ARRAY['off', 'local']) THEN 'on'
                   ELSE pg_catalog.current_setting('synchronous_commit') END, true)"
            }
            _ => "NULL",
        };
        let sql = format!("CLOSE {}; SELECT {SESSION}, {flushed}", self.name);
        raw_sql(AssertSqlSafe(sql)).fetch_one(connection).await?.try_get(0)
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

/// What the session looks like.
pub(super) async fn session(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    raw_sql(AssertSqlSafe(format!("SELECT {SESSION}"))).fetch_one(connection).await?.try_get(0)
}

/// What the session looks like, and what the server says of a transaction that has ended.
pub(super) async fn session_after(
    connection: &mut PgConnection,
    transaction: i64,
) -> Result<(String, Option<String>), sqlx::Error> {
    let sql = format!("SELECT {SESSION}, pg_catalog.txid_status({transaction})");
    let row = raw_sql(AssertSqlSafe(sql)).fetch_one(connection).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}
