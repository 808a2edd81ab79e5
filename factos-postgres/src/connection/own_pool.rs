use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{Connection, Executor, PgConnection, PgPool, postgres::PgPoolOptions, raw_sql};

use super::{address::options_of, timeout::ping};
use crate::{
    config::Config,
    error::{Error, Sent},
};

const CONNECTIONS: u32 = 32;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// A pool of the store's own, after one connection was made: the pool would retry until its timeout, and not
/// say why it cannot connect.
pub(crate) async fn own_pool(url: &str, config: &Config) -> Result<PgPool, Error> {
    let options = options_of(url)?;
    let failed = |error| Error::of(error, Sent::No, config.lock_timeout);
    let trial = PgConnection::connect_with(&options).await.map_err(failed)?;
    drop(trial.close().await);
    Ok(pool_options().connect_lazy_with(options))
}

/// Makes good what a role or a database has as a default and the log cannot be used with.
const DEFAULTS: &str = "SET default_transaction_isolation = 'read committed';
     SET default_transaction_read_only = off";

/// The pool's own test of idle connections has no timeout, and would meet one silent connection after the other.
/// This test has a timeout, and after a failure closes all connections that have been idle since before it.
fn pool_options() -> PgPoolOptions {
    let last_failure = Arc::new(Mutex::new(None));
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move { connection.execute(raw_sql(DEFAULTS)).await.map(drop) })
        })
        .before_acquire(move |connection, state| {
            let last_failure = Arc::clone(&last_failure);
            let idle_since = Instant::now().checked_sub(state.idle_for);
            Box::pin(async move {
                if idle_since < *lock(&last_failure) {
                    return Ok(false);
                }
                let answer = ping(connection).await;
                answer.inspect_err(|_| *lock(&last_failure) = Some(Instant::now())).map(|()| true)
            })
        })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
