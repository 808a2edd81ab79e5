use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, Transaction};

use crate::{config::Config, wire};

/// A transaction whose waits for locks end with the timeout of the configuration, whatever the defaults of the
/// session.
pub(super) async fn begin<'a>(
    config: &Config,
    connection: &'a mut PgConnection,
) -> Result<Transaction<'a, Postgres>, sqlx::Error> {
    begin_as(config, connection, "ISOLATION LEVEL READ COMMITTED").await
}

/// The same, which writes.
pub(super) async fn begin_to_write<'a>(
    config: &Config,
    connection: &'a mut PgConnection,
) -> Result<Transaction<'a, Postgres>, sqlx::Error> {
    begin_as(config, connection, "ISOLATION LEVEL READ COMMITTED READ WRITE").await
}

async fn begin_as<'a>(
    config: &Config,
    connection: &'a mut PgConnection,
    kind: &str,
) -> Result<Transaction<'a, Postgres>, sqlx::Error> {
    let timeout = wire::milliseconds(config.lock_timeout);
    let sql = format!("BEGIN {kind}; SET LOCAL lock_timeout = '{timeout}'");
    connection.begin_with(AssertSqlSafe(sql)).await
}
