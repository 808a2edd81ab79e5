//! Statements, which are sent as they are: nothing is prepared.

use std::sync::Arc;

use factos_consumer::port::PortError;
use sqlx::{AssertSqlSafe, PgConnection, postgres::PgRow, raw_sql};

use crate::error::{of_caller, sqlstate};

const NOT_AVAILABLE: &str = "55P03";

/// Runs statements, and tells how many rows they have changed.
pub(super) async fn execute(connection: &mut PgConnection, sql: String) -> Result<u64, PortError> {
    let done = raw_sql(AssertSqlSafe(sql)).execute(connection).await.map_err(failed)?;
    Ok(done.rows_affected())
}

pub(super) async fn fetch(
    connection: &mut PgConnection,
    sql: String,
) -> Result<Vec<PgRow>, PortError> {
    raw_sql(AssertSqlSafe(sql)).fetch_all(connection).await.map_err(failed)
}

pub(super) async fn fetch_optional(
    connection: &mut PgConnection,
    sql: String,
) -> Result<Option<PgRow>, PortError> {
    Ok(fetch(connection, sql).await?.pop())
}

pub(super) async fn fetch_one(
    connection: &mut PgConnection,
    sql: String,
) -> Result<PgRow, PortError> {
    let row = fetch(connection, sql).await?.pop();
    row.ok_or_else(|| failed(sqlx::Error::RowNotFound))
}

pub(super) fn failed(error: sqlx::Error) -> PortError {
    PortError::Database(of_caller(error))
}

/// Whether a lock was not to be had in time.
pub(super) fn is_locked(error: &PortError) -> bool {
    let PortError::Database(error) = error else { return false };
    let cause = error.downcast_ref::<Arc<sqlx::Error>>();
    cause.and_then(|cause| sqlstate(cause)).as_deref() == Some(NOT_AVAILABLE)
}
