//! Whether the engine's advisory locks exclude: where they are stubs, a keyed log would lose decisions.

use factos::EventId;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, Row};

use crate::{
    config::Config,
    error::{Error, Sent},
};

/// Asks with the log's own functions, on two connections.
pub(crate) async fn locks_exclude(config: &Config, pool: &PgPool) -> Result<(), Error> {
    let failed = |error| Error::of(error, Sent::No, config.lock_timeout);
    let options = pool.connect_options();
    let mut one = PgConnection::connect_with(&options).await.map_err(failed)?;
    let mut two = PgConnection::connect_with(&options).await.map_err(failed)?;
    let outcome = probe(config, &mut one, &mut two).await.map_err(failed)?;
    // Both are done with, whether the server hears of it or not.
    drop((one.close().await, two.close().await));
    outcome
}

async fn probe(
    config: &Config,
    one: &mut PgConnection,
    two: &mut PgConnection,
) -> Result<Result<(), Error>, sqlx::Error> {
    if !one_bool(one, "SELECT NOT pg_is_in_recovery()").await? {
        return Ok(Err(Error::Standby { schema: config.schema.clone() }));
    }
    if let Some((next, last)) = positions_behind(config, one).await? {
        return Ok(Err(Error::PositionsBehind { schema: config.schema.clone(), next, last }));
    }
    let schema = &config.schema;
    let name = format!("probe:{}", EventId::new());
    let lock = format!("SELECT \"{schema}\"._probe_lock('{name}', true)");
    let is_free = format!("SELECT \"{schema}\"._probe_lock('{name}', false)");
    let is_shown = "SELECT count(*) > 0 FROM pg_locks
         WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()";
    let mut holder = one.begin().await?;
    one_bool(&mut holder, &lock).await?;
    let excludes = !one_bool(two, &is_free).await?;
    let shows = one_bool(&mut holder, is_shown).await?;
    holder.rollback().await?;
    let gives_back = one_bool(two, &is_free).await?;
    Ok(match (excludes, shows, gives_back) {
        (false, ..) => Err(Error::NoLocks { what: "exclude" }),
        (_, false, _) => Err(Error::NoLocks { what: "show in pg_locks" }),
        (.., false) => Err(Error::NoLocks { what: "end with their transaction" }),
        _ => Ok(()),
    })
}

/// What the sequence stands at and the last position, if that is higher. Event first: an append between
/// the two looks must not look like damage.
async fn positions_behind(
    config: &Config,
    connection: &mut PgConnection,
) -> Result<Option<(i64, i64)>, sqlx::Error> {
    let schema = &config.schema;
    let last = format!("SELECT coalesce(max(position), 0) FROM \"{schema}\".events");
    let last: i64 =
        sqlx::query(AssertSqlSafe(last)).fetch_one(&mut *connection).await?.try_get(0)?;
    let next = format!("SELECT pg_sequence_last_value('\"{schema}\".position_seq'::regclass) + 1");
    let next: i64 = sqlx::query(AssertSqlSafe(next)).fetch_one(connection).await?.try_get(0)?;
    Ok((next <= last).then_some((next, last)))
}

async fn one_bool(connection: &mut PgConnection, sql: &str) -> Result<bool, sqlx::Error> {
    sqlx::query(AssertSqlSafe(sql)).fetch_one(connection).await?.try_get(0)
}
