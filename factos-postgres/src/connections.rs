//! Connections of the caller's pool, some of them kept from call to call.

use std::{
    io,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{
    Connection, PgConnection, PgPool, Postgres, pool::PoolConnection, postgres::PgPoolOptions,
};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::error::Error;

/// The connections of a pool that the store makes itself.
const POOL: u32 = 32;
const POOL_WAIT: Duration = Duration::from_secs(10);

/// A connection that was kept for longer is asked whether it still works before it is used.
const FRESH: Duration = Duration::from_millis(500);

/// How long it may take to answer that.
const PING: Duration = Duration::from_secs(2);

/// How long the pool is waited for before a look at what it has by then.
const TRYING: Duration = Duration::from_millis(250);

/// A connection that was kept for longer goes through the pool, which ends those that are too old.
const TERM: Duration = Duration::from_secs(60);

/// A pool of the store's own. The test that pools make by themselves has no bound, and would meet one silent
/// connection after the other.
pub(crate) fn pool() -> PgPoolOptions {
    let lost = Arc::new(Mutex::new(None));
    PgPoolOptions::new()
        .max_connections(POOL)
        .acquire_timeout(POOL_WAIT)
        .test_before_acquire(false)
        .before_acquire(move |connection, state| {
            let (lost, idle_since) =
                (Arc::clone(&lost), Instant::now().checked_sub(state.idle_for));
            Box::pin(async move {
                let last_loss = *lost.lock().unwrap_or_else(PoisonError::into_inner);
                if idle_since < last_loss {
                    return Ok(false);
                }
                let answer = ping(connection).await;
                if answer.is_err() {
                    *lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                }
                answer.map(|()| true)
            })
        })
}

#[derive(Debug)]
pub(crate) struct Connections {
    pool: PgPool,
    idle: Mutex<Idle>,
    most: usize,
    /// One for each connection that may be on a statement that waits for others. The rest of the pool is
    /// for what does not.
    waits: Semaphore,
}

#[derive(Debug, Default)]
struct Idle {
    kept: Vec<Kept>,
    /// How many ask the pool for a connection, which does not know of those that are kept.
    asking: usize,
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
    /// When the pool gave it.
    given: Instant,
}

impl OnRuntime {
    fn close(mut self) {
        if let Some(connection) = &mut self.connection {
            connection.close_on_drop();
        }
    }
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
        let all = pool.options().get_max_connections() as usize;
        let waits = Semaphore::new((all / 4).max(1));
        Self { pool, idle: Mutex::default(), most: held.min(all / 2), waits }
    }

    /// The turn of a statement that may have to wait for others, within the time that it may wait itself.
    pub(crate) async fn turn_to_wait(&self, most: Duration) -> Result<SemaphorePermit<'_>, Error> {
        let turn = tokio::time::timeout(most, self.waits.acquire()).await;
        turn.ok().and_then(Result::ok).ok_or(Error::Locked { waited: most })
    }

    pub(crate) const fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub(crate) async fn lease(self: &Arc<Self>) -> Result<Lease, sqlx::Error> {
        while let Some(kept) = self.take() {
            let mut lease = self.lend(kept.connection);
            if kept.since.elapsed() < FRESH || ping(lease.connection()?).await.is_ok() {
                return Ok(lease);
            }
            // Those that were kept for longer are no better.
            self.forget();
        }
        let _asking = Asking(self);
        let connection = OnRuntime {
            connection: Some(self.ask().await?),
            runtime: Handle::current(),
            given: Instant::now(),
        };
        Ok(self.lend(connection))
    }

    fn lend(self: &Arc<Self>, connection: OnRuntime) -> Lease {
        Lease { connection: Some(connection), home: Arc::clone(self), keep: false }
    }

    /// From the pool. While it tries to connect, as to a server that is full, it does not look at what others
    /// give back.
    async fn ask(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        let mut asked = pin!(self.pool.acquire());
        loop {
            if let Ok(answer) = timeout(TRYING, &mut asked).await {
                return answer;
            }
            if let Some(mut idle) = self.pool.try_acquire() {
                if ping(&mut idle).await.is_ok() {
                    return Ok(idle);
                }
                idle.close_on_drop();
            }
        }
    }

    /// Closes what is kept.
    pub(crate) fn forget(&self) {
        let kept = std::mem::take(&mut self.lock().kept);
        kept.into_iter().for_each(|kept| kept.connection.close());
    }

    /// One that is kept. If there is none, whoever is done from now on gives back to the pool.
    fn take(&self) -> Option<Kept> {
        let here = Handle::current().id();
        let mut idle = self.lock();
        let last = idle.kept.iter().rposition(|kept| kept.connection.runtime.id() == here);
        if last.is_none() {
            idle.asking += 1;
        }
        Some(idle.kept.remove(last?))
    }

    fn give_back(&self, connection: OnRuntime) {
        let mut idle = self.lock();
        let is_kept = idle.asking == 0 && idle.kept.len() < self.most;
        if is_kept && connection.given.elapsed() < TERM {
            idle.kept.push(Kept { connection, since: Instant::now() });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who asks the pool.
struct Asking<'a>(&'a Connections);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.lock().asking -= 1;
    }
}

/// A connection for one statement. Closed when dropped, unless [`done`](Self::done) was called: a
/// statement may still be under way on it.
#[derive(Debug)]
pub(crate) struct Lease {
    connection: Option<OnRuntime>,
    home: Arc<Connections>,
    keep: bool,
}

impl Lease {
    /// What statements are sent on: there until the lease is dropped.
    pub(crate) fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        let connection =
            self.connection.as_mut().and_then(|leased| leased.connection.as_deref_mut());
        connection.ok_or(sqlx::Error::PoolClosed)
    }

    /// The last statement has come to its end.
    pub(crate) fn done(mut self) {
        self.keep = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if self.keep {
            self.home.give_back(connection);
        } else {
            connection.close();
        }
    }
}

/// Whether the connection still works: a network may have dropped it without a word.
pub(crate) async fn ping(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    answered(PING, connection.ping()).await?
}

/// What came of a statement, or the error of a connection on which no answer came in time.
pub(crate) async fn answered<T>(
    most: Duration,
    answer: impl Future<Output = T>,
) -> Result<T, sqlx::Error> {
    timeout(most, answer).await.map_err(|_| {
        let message = format!("no answer came within {} ms", most.as_millis());
        sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, message))
    })
}
