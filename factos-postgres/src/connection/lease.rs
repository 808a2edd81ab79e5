use std::{
    mem,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{
    PgConnection, PgPool, Postgres,
    pool::{CloseEvent, PoolConnection},
};
use tokio::{runtime::Handle, time::timeout};

use super::timeout::ping;
use crate::error::Error;

/// A connection that was kept for longer is pinged before it is used.
const FRESH: Duration = Duration::from_millis(500);

/// A connection that was kept for longer goes through the pool, which ends those that are too old.
const TERM: Duration = Duration::from_secs(60);

/// How often the store looks for connections that it keeps and does not use.
const LOOK_AT_IDLE: Duration = Duration::from_secs(10);

/// A connection for one statement. Closed when dropped, unless [`done`](Self::done) was called: the
/// statement may still be running on it.
#[derive(Debug)]
pub(crate) struct Lease {
    connection: Option<BoundConnection>,
    kept: Arc<Kept>,
}

impl Lease {
    pub(super) fn new(connection: BoundConnection, kept: &Arc<Kept>) -> Self {
        kept.leases.fetch_add(1, Ordering::Relaxed);
        Self { connection: Some(connection), kept: Arc::clone(kept) }
    }

    /// The connection; it is there until the lease is dropped.
    pub(crate) fn connection(&mut self) -> Result<&mut PgConnection, Error> {
        let bound = self.connection.as_mut();
        bound.and_then(|bound| bound.connection.as_deref_mut()).ok_or(Error::Closed)
    }

    /// The last statement has ended: the connection can be used again.
    pub(crate) fn done(mut self) {
        if let Some(connection) = self.connection.take() {
            self.kept.give_back(connection);
        }
    }

    /// As [`done`](Self::done) if the connection can be used again; else it is closed.
    pub(crate) fn end(self, is_usable: bool) {
        if is_usable {
            self.done();
        }
    }

    pub(super) async fn works(&mut self) -> bool {
        let Ok(connection) = self.connection() else { return false };
        ping(connection).await.is_ok()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.close();
        }
        self.kept.leases.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The connections that the store keeps between calls. All stores of a pool together keep half of it at most.
#[derive(Debug)]
pub(super) struct Kept {
    pool: PgPool,
    state: Mutex<State>,
    most: usize,
    /// How many connections statements of the store have.
    leases: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    /// With the time since when they are kept.
    idle: Vec<(BoundConnection, Instant)>,
    /// Whether the pool was closed: nothing is kept any more.
    is_closed: bool,
    /// How many tasks wait for a connection of the pool, which does not know of the kept ones.
    asking: usize,
}

/// A task that waits for a connection of the pool: while it lives, connections that are given back go there.
#[derive(Debug)]
pub(super) struct Asking<'a>(&'a Kept);

impl Kept {
    pub(super) fn new(pool: PgPool, most: usize) -> Self {
        let most = most.min(half(&pool));
        Self { pool, state: Mutex::default(), most, leases: AtomicUsize::new(0) }
    }

    pub(super) const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Whether others have less than half of the pool.
    pub(super) fn has_one_to_spare(&self) -> bool {
        let kept = self.lock().idle.len();
        self.of_others(kept) < half(&self.pool)
    }

    /// How many connections of the pool others have, if the store keeps so many: callers, and other stores, with those
    /// that they keep.
    fn of_others(&self, kept: usize) -> usize {
        let in_use = (self.pool.size() as usize).saturating_sub(self.pool.num_idle());
        in_use.saturating_sub(self.leases.load(Ordering::Relaxed) + kept)
    }

    /// The connection of this runtime that was kept last, and whether that was a moment ago. If there is none,
    /// the caller asks the pool.
    pub(super) fn take(&self) -> Result<(BoundConnection, bool), Asking<'_>> {
        let here = Handle::current().id();
        let mut state = self.lock();
        let Some(last) = state.idle.iter().rposition(|(idle, _)| idle.runtime.id() == here) else {
            state.asking += 1;
            return Err(Asking(self));
        };
        let (connection, since) = state.idle.remove(last);
        Ok((connection, since.elapsed() < FRESH))
    }

    /// Keeps the connection, or returns it to the pool.
    fn give_back(&self, connection: BoundConnection) {
        let mut state = self.lock();
        let kept = state.idle.len();
        let is_kept = !state.is_closed && state.asking == 0 && kept < self.most;
        let leaves_half = kept + self.of_others(kept) < half(&self.pool);
        if is_kept && leaves_half && connection.since.elapsed() < TERM {
            state.idle.push((connection, Instant::now()));
        }
    }

    pub(super) fn close(&self) {
        let idle = mem::take(&mut self.lock().idle);
        idle.into_iter().for_each(|(connection, _)| connection.close());
    }

    /// Returns the connections to the pool that were not used for as long as one is kept.
    fn give_up_idle(&self) {
        let mut state = self.lock();
        let idle = mem::take(&mut state.idle).into_iter();
        let (old, young): (Vec<_>, Vec<_>) = idle.partition(|(_, since)| since.elapsed() >= TERM);
        state.idle = young;
        drop(state);
        drop(old);
    }

    /// Keeps nothing any more: the pool was closed, and waits for its connections.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let idle = mem::take(&mut state.idle);
        drop(state);
        drop(idle);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn half(pool: &PgPool) -> usize {
    pool.options().get_max_connections() as usize / 2
}

/// Gives connections back that are not used any more, all of them once the pool is closed. Ends with the store.
pub(super) async fn watch(kept: Weak<Kept>, closed: CloseEvent) {
    let mut closed = pin!(closed);
    while timeout(LOOK_AT_IDLE, &mut closed).await.is_err() {
        let Some(kept) = kept.upgrade() else { return };
        kept.give_up_idle();
    }
    if let Some(kept) = kept.upgrade() {
        kept.end();
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.lock().asking -= 1;
    }
}

/// A connection of the pool, bound to the runtime that it was made on and only usable there.
#[derive(Debug)]
pub(super) struct BoundConnection {
    connection: Option<PoolConnection<Postgres>>,
    runtime: Handle,
    /// When the pool gave it.
    since: Instant,
}

impl BoundConnection {
    pub(super) fn new(connection: PoolConnection<Postgres>) -> Self {
        Self { connection: Some(connection), runtime: Handle::current(), since: Instant::now() }
    }

    fn close(mut self) {
        if let Some(connection) = &mut self.connection {
            connection.close_on_drop();
        }
    }
}

impl Drop for BoundConnection {
    fn drop(&mut self) {
        // Outside of a runtime the pool would panic when it takes the connection back.
        let _inside = self.runtime.enter();
        self.connection = None;
    }
}
