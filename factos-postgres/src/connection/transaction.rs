//! A transaction that the driver counts, without a value that borrows the connection. One that is left open is not undone
//! by itself: its connection must be closed.

use sqlx::{AssertSqlSafe, PgConnection, SqlSafeStr, postgres::PgTransactionManager as Manager};
use sqlx_core::transaction::TransactionManager;

/// Begins one with this SQL.
pub(crate) async fn begin(connection: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    Manager::begin(connection, Some(AssertSqlSafe(sql).into_sql_str())).await
}

/// Commits it, or releases the savepoint that was opened last.
pub(crate) async fn commit(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    Manager::commit(connection).await
}

/// Undoes it, or what was done since the savepoint that was opened last.
pub(crate) async fn roll_back(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    Manager::rollback(connection).await
}

/// Whether one is open, without a savepoint of the driver's.
pub(crate) fn has_no_savepoint(connection: &PgConnection) -> bool {
    Manager::get_transaction_depth(connection) == 1
}
