//! Connections of the caller's pool, some of them kept from call to call.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection, PgPool, Postgres, pool::PoolConnection};
use tokio::runtime::Handle;

/// A connection that was kept for longer is asked whether it still works before it is used.
const FRESH: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) struct Connections {
    pool: PgPool,
    kept: Mutex<Vec<Kept>>,
    most: usize,
}

#[derive(Debug)]
struct Kept {
    connection: OnRuntime,
    since: Instant,
}

/// Bound to the runtime that it was made on, and only usable there.
#[derive(Debug)]
struct OnRuntime {
    connection: Option<PoolConnection<Postgres>>,
    runtime: Handle,
}

impl Drop for OnRuntime {
    fn drop(&mut self) {
        // Outside of a runtime the pool would panic when it takes the connection back.
        let _inside = self.runtime.enter();
        self.connection = None;
    }
}

impl Connections {
    pub(crate) fn new(pool: PgPool, held: usize) -> Self {
        let half = usize::try_from(pool.options().get_max_connections() / 2).unwrap_or(usize::MAX);
        Self { pool, kept: Mutex::default(), most: held.min(half) }
    }

    pub(crate) const fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub(crate) async fn lease(self: &Arc<Self>) -> Result<Lease, sqlx::Error> {
        while let Some(kept) = self.take() {
            let mut lease =
                Lease { connection: kept.connection, home: Arc::clone(self), keep: false };
            if kept.since.elapsed() < FRESH || lease.connection()?.ping().await.is_ok() {
                return Ok(lease);
            }
        }
        let connection =
            OnRuntime { connection: Some(self.pool.acquire().await?), runtime: Handle::current() };
        Ok(Lease { connection, home: Arc::clone(self), keep: false })
    }

    /// Lets go of what is kept.
    pub(crate) fn forget(&self) {
        let kept = std::mem::take(&mut *self.lock());
        drop(kept);
    }

    fn take(&self) -> Option<Kept> {
        let here = Handle::current().id();
        let mut kept = self.lock();
        let last = kept.iter().rposition(|kept| kept.connection.runtime.id() == here)?;
        Some(kept.remove(last))
    }

    fn give_back(&self, connection: OnRuntime) {
        let mut kept = self.lock();
        if kept.len() < self.most {
            kept.push(Kept { connection, since: Instant::now() });
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection for one statement. Closed when dropped, unless [`done`](Self::done) was called: a
/// statement may still be under way on it.
#[derive(Debug)]
pub(crate) struct Lease {
    connection: OnRuntime,
    home: Arc<Connections>,
    keep: bool,
}

impl Lease {
    /// What statements are sent on: there until the lease is dropped.
    pub(crate) fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.connection.connection.as_deref_mut().ok_or(sqlx::Error::PoolClosed)
    }

    /// The last statement has come to its end.
    pub(crate) fn done(mut self) {
        self.keep = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.connection.take() else { return };
        if !self.keep {
            connection.close_on_drop();
        }
        let runtime = self.connection.runtime.clone();
        let connection = OnRuntime { connection: Some(connection), runtime };
        if self.keep {
            self.home.give_back(connection);
        }
    }
}
