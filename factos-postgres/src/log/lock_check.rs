use factos::EventId;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, query_scalar};

use super::transaction::begin;
use crate::{
    config::Config,
    error::{Error, Sent},
};

/// Checks that a keyed log is safe on this server: its positions go on after its last event, and advisory locks
/// exclude. Where those are stubs, a keyed log would lose decisions.
pub(super) async fn check_locks(config: &Config, pool: &PgPool) -> Result<(), Error> {
    let failed = |error| Error::of(error, Sent::No, config.lock_timeout);
    let options = pool.connect_options();
    let mut one = PgConnection::connect_with(&options).await.map_err(failed)?;
    let mut two = PgConnection::connect_with(&options).await.map_err(failed)?;
    let outcome = try_locks(config, &mut one, &mut two).await.map_err(failed)?;
    // Neither is needed any more, so it does not matter if the server cannot be told.
    drop((one.close().await, two.close().await));
    outcome
}

/// Tries a lock with the log's own functions: one connection holds it, the other wants it.
async fn try_locks(
    config: &Config,
    one: &mut PgConnection,
    two: &mut PgConnection,
) -> Result<Result<(), Error>, sqlx::Error> {
    // Another transaction may lock the table of the events.
    let mut holder = begin(config, one).await?;
    if let Some((next, last)) = positions_behind(config, &mut holder).await? {
        return Ok(Err(Error::PositionsBehind { schema: config.schema.clone(), next, last }));
    }
    let schema = &config.schema;
    let name = format!("probe:{}", EventId::new());
    let lock = format!("SELECT \"{schema}\"._probe_lock('{name}', true)");
    let is_free = format!("SELECT \"{schema}\"._probe_lock('{name}', false)");
    let is_shown = "SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 FROM pg_catalog.pg_locks
         WHERE locktype OPERATOR(pg_catalog.=) 'advisory' AND granted
           AND pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()";
    holds(&mut holder, &lock).await?;
    let excludes = !holds(two, &is_free).await?;
    let shows = holds(&mut holder, is_shown).await?;
    holder.rollback().await?;
    let gives_back = holds(two, &is_free).await?;
    Ok(match (excludes, shows, gives_back) {
        (false, ..) => Err(Error::NoLocks { what: "exclude" }),
        (_, false, _) => Err(Error::NoLocks { what: "show in pg_locks" }),
        (.., false) => Err(Error::NoLocks { what: "end with their transaction" }),
        _ => Ok(()),
    })
}

/// The next position of the sequence and the last position, unless the next one is greater. The last position
/// is read first: an append between the two statements must not look like damage. The next one of a sequence that was
/// restarted is 0, which is no position.
async fn positions_behind(
    config: &Config,
    connection: &mut PgConnection,
) -> Result<Option<(i64, i64)>, sqlx::Error> {
    let schema = &config.schema;
    let last = format!("SELECT coalesce(pg_catalog.max(position), 0) FROM \"{schema}\".events");
    let last: i64 = query_scalar(AssertSqlSafe(last)).fetch_one(&mut *connection).await?;
    let next = format!(
        "SELECT coalesce(pg_catalog.pg_sequence_last_value('\"{schema}\".position_seq'::pg_catalog.regclass)
           OPERATOR(pg_catalog.+) 1, 0)"
    );
    let next: i64 = query_scalar(AssertSqlSafe(next)).fetch_one(connection).await?;
    Ok((next <= last).then_some((next, last)))
}

async fn holds(connection: &mut PgConnection, sql: &str) -> Result<bool, sqlx::Error> {
    query_scalar(AssertSqlSafe(sql)).fetch_one(connection).await
}
