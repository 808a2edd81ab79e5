use factos::EventId;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, Postgres, Transaction, query_scalar};

use crate::{
    config::Config,
    error::{Error, Sent},
};

/// Checks that a keyed log is safe on this server: its positions go on after its last event, and advisory locks
/// exclude. Where those are stubs, a keyed log would lose decisions.
///
/// The transaction is one that [`begin`](super::transaction::begin) began. It is rolled back.
pub(super) async fn check_locks(
    config: &Config,
    mut transaction: Transaction<'_, Postgres>,
    pool: &PgPool,
) -> Result<(), Error> {
    let failed = |error| Error::of(error, Sent::No, config.lock_timeout);
    if let Some((next, last)) = positions_behind(config, &mut transaction).await.map_err(failed)? {
        transaction.rollback().await.map_err(failed)?;
        return Err(Error::PositionsBehind { schema: config.schema.clone(), next, last });
    }
    // All others of the pool may be in use.
    let mut other = match PgConnection::connect_with(&pool.connect_options()).await {
        Ok(other) => other,
        Err(error) => {
            transaction.rollback().await.map_err(failed)?;
            return Err(failed(error));
        }
    };
    let outcome = try_locks(config, transaction, &mut other).await.map_err(failed)?;
    // It is not needed any more, so it does not matter if the server cannot be told.
    drop(other.close().await);
    outcome
}

/// Tries a lock with the log's own functions: the transaction holds it, the other connection wants it.
async fn try_locks(
    config: &Config,
    mut holder: Transaction<'_, Postgres>,
    other: &mut PgConnection,
) -> Result<Result<(), Error>, sqlx::Error> {
    let probe = Probe::new(config);
    let is_shown = "SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 FROM pg_catalog.pg_locks
         WHERE locktype OPERATOR(pg_catalog.=) 'advisory' AND granted
           AND pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()";
    probe.lock(&mut holder, true).await?;
    let excludes = !probe.lock(other, false).await?;
    let shows: bool = query_scalar(is_shown).fetch_one(&mut *holder).await?;
    holder.rollback().await?;
    let gives_back = probe.lock(other, false).await?;
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

/// A lock that nobody else tries.
struct Probe {
    sql: String,
    name: String,
}

impl Probe {
    fn new(config: &Config) -> Self {
        let sql = format!("SELECT \"{}\"._probe_lock($1, $2)", config.schema);
        Self { sql, name: format!("probe:{}", EventId::new()) }
    }

    /// Whether the connection holds the lock now, which it waits for if it may.
    async fn lock(
        &self,
        connection: &mut PgConnection,
        may_wait: bool,
    ) -> Result<bool, sqlx::Error> {
        let query = query_scalar(AssertSqlSafe(self.sql.as_str()));
        query.bind(&self.name).bind(may_wait).fetch_one(connection).await
    }
}
