//! Connections of one pool, some of them kept from call to call. Knows the driver and the runtimes, and nothing
//! of a log.

mod address;
mod lease;
mod own_pool;
mod timeout;
pub(crate) mod transaction;

use std::{
    collections::HashSet,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{PgPool, Postgres, pool::PoolConnection};
use tokio::sync::Notify;

use self::lease::{BoundConnection, Kept};
pub(crate) use self::{lease::Lease, own_pool::own_pool, timeout::answered};

/// How long to wait for the pool before trying the connections that were given back meanwhile.
const TRY_IDLE_AFTER: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(crate) struct Connections {
    kept: Arc<Kept>,
    waits: Waits,
}

impl Connections {
    /// Of this pool, with at most `held` connections kept between calls.
    pub(crate) fn new(pool: PgPool, held: usize) -> Self {
        let all = pool.options().get_max_connections() as usize;
        let most = (all / 4).max(1);
        let waits = Waits { most, names: Mutex::default(), freed: Notify::new() };
        let closed = pool.close_event();
        let kept = Arc::new(Kept::new(pool, held));
        tokio::spawn(lease::watch(Arc::downgrade(&kept), closed));
        Self { kept, waits }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.kept.pool()
    }

    /// Whether one connection may be spent on a statement that waits for most of the time: not where the pool has few,
    /// or as long as others have half of it.
    pub(crate) fn has_one_to_spare(&self) -> bool {
        self.pool().options().get_max_connections() >= 4 && self.kept.has_one_to_spare()
    }

    /// How many connections may be spent on statements of one kind that wait.
    pub(crate) const fn share_to_wait(&self) -> usize {
        self.waits.most
    }

    /// The turn to wait on the server for the locks of a boundary, if nobody has it and a connection may be
    /// spent on it. Who gets none tries again a little later.
    pub(crate) fn turn_to_wait(&self, boundary: &str) -> Option<Turn<'_>> {
        let mut names = self.waits.lock();
        let is_free = names.len() < self.waits.most && !names.contains(boundary);
        let name: Arc<str> = boundary.into();
        (is_free && names.insert(Arc::clone(&name))).then(|| Turn { waits: &self.waits, name })
    }

    /// Waits until any turn ends, for so long at most.
    pub(crate) async fn turn_ended(&self, most: Duration) {
        // After the timeout it is worth another look as well.
        drop(tokio::time::timeout(most, self.waits.freed.notified()).await);
    }

    /// A connection, kept or from the pool.
    pub(crate) async fn lease(&self) -> Result<Lease, sqlx::Error> {
        // The task that would tell may have ended with its runtime.
        if self.pool().is_closed() {
            self.kept.end();
        }
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
        let mut acquired = pin!(self.pool().acquire());
        loop {
            if let Ok(outcome) = tokio::time::timeout(TRY_IDLE_AFTER, &mut acquired).await {
                return outcome;
            }
            if let Some(mut idle) = self.pool().try_acquire() {
                if timeout::ping(&mut idle).await.is_ok() {
                    return Ok(idle);
                }
                idle.close_on_drop();
            }
        }
    }
}

/// The boundaries that a statement waits for on the server: one statement for each, and one connection. The rest
/// of the pool is for statements that do not wait.
#[derive(Debug)]
struct Waits {
    most: usize,
    names: Mutex<HashSet<Arc<str>>>,
    freed: Notify,
}

/// The turn to wait for the locks of one boundary.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    waits: &'a Waits,
    name: Arc<str>,
}

impl Waits {
    fn lock(&self) -> MutexGuard<'_, HashSet<Arc<str>>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.waits.lock().remove(&self.name);
        self.waits.freed.notify_waiters();
    }
}
