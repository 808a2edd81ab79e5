use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{
    Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::timeout::ping;

const CONNECTIONS: u32 = 32;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// A pool of the store's own, after one connection was made: the pool would retry until its timeout, and not
/// say why it cannot connect.
pub(crate) async fn own_pool(url: &str) -> Result<PgPool, sqlx::Error> {
    let options: PgConnectOptions = url.parse()?;
    let trial = PgConnection::connect_with(&options).await?;
    drop(trial.close().await);
    Ok(pool_options().connect_lazy_with(options))
}

/// The pool's own test of idle connections has no timeout, and would meet one silent connection after the other.
/// This test has a timeout, and after a failure closes all connections that have been idle since before it.
fn pool_options() -> PgPoolOptions {
    let last_failure = Arc::new(Mutex::new(None));
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
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
