//! Connections of one pool, some of them kept from call to call. Knows the driver and the runtimes, and nothing
//! of a log.

mod lease;
mod own_pool;
mod timeout;

use std::{pin::pin, sync::Arc, time::Duration};

use sqlx::{PgPool, Postgres, pool::PoolConnection};
use tokio::sync::{Semaphore, SemaphorePermit};

use self::lease::{BoundConnection, Kept};
pub(crate) use self::{lease::Lease, own_pool::own_pool, timeout::answered};
use crate::error::Error;

/// How long to wait for the pool before trying the connections that were given back meanwhile.
const TRY_IDLE_AFTER: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(crate) struct Connections {
    pool: PgPool,
    kept: Arc<Kept>,
    /// One permit for each connection that may be used for a statement that waits for locks. The rest of the
    /// pool is for statements that do not wait.
    waits: Semaphore,
}

impl Connections {
    /// Of this pool, with at most `held` connections kept between calls.
    pub(crate) fn new(pool: PgPool, held: usize) -> Self {
        let all = pool.options().get_max_connections() as usize;
        let waits = Semaphore::new((all / 4).max(1));
        Self { pool, kept: Arc::new(Kept::new(held.min(all / 2))), waits }
    }

    pub(crate) const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A permit for a statement that may have to wait for locks, within the statement's own lock timeout.
    pub(crate) async fn permit_to_wait(
        &self,
        lock_timeout: Duration,
    ) -> Result<SemaphorePermit<'_>, Error> {
        let permit = tokio::time::timeout(lock_timeout, self.waits.acquire()).await;
        permit.ok().and_then(Result::ok).ok_or(Error::Locked { waited: lock_timeout })
    }

    /// A connection, kept or from the pool.
    pub(crate) async fn lease(&self) -> Result<Lease, sqlx::Error> {
        let _asking = loop {
            let (connection, is_fresh) = match self.kept.take() {
                Ok(kept) => kept,
                Err(asking) => break asking,
            };
            let mut lease = Lease::new(connection, &self.kept);
            if is_fresh || lease.works().await {
                return Ok(lease);
            }
            // The others were kept for longer, and are no better.
            self.close_kept();
        };
        Ok(Lease::new(BoundConnection::new(self.acquire().await?), &self.kept))
    }

    /// Closes the connections that are kept: after one was lost, the others may be as well.
    pub(crate) fn close_kept(&self) {
        self.kept.close();
    }

    /// A connection of the pool. While the pool tries to connect, as to a server that is full, it overlooks
    /// the connections that are given back.
    async fn acquire(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        let mut acquired = pin!(self.pool.acquire());
        loop {
            if let Ok(outcome) = tokio::time::timeout(TRY_IDLE_AFTER, &mut acquired).await {
                return outcome;
            }
            if let Some(mut idle) = self.pool.try_acquire() {
                if timeout::ping(&mut idle).await.is_ok() {
                    return Ok(idle);
                }
                idle.close_on_drop();
            }
        }
    }
}
