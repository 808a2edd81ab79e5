use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, Transaction};

use crate::{config::Config, wire};

/// A transaction whose waits for locks end with the timeout of the configuration.
pub(super) async fn begin<'a>(
    config: &Config,
    connection: &'a mut PgConnection,
) -> Result<Transaction<'a, Postgres>, sqlx::Error> {
    let timeout = wire::milliseconds(config.lock_timeout);
    let sql = format!("BEGIN; SET LOCAL lock_timeout = '{timeout}'");
    connection.begin_with(AssertSqlSafe(sql)).await
}
