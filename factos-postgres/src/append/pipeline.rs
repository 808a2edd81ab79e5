//! The transaction of a worker's next group with hooks, which begins in the message that commits the group before.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use sqlx::PgConnection;

use super::{
    group::Request,
    guard::{self, Guard},
};
use crate::{
    connection::{Lease, answered, transaction},
    deadline::Deadline,
    log::Log,
    work_queue::WorkQueue,
};

/// After so many groups a worker gives its connection back: others of the pool, or of a pooler, may wait for one.
const MOST_GROUPS: u32 = 16;

/// What one worker has begun for its next group.
#[derive(Debug)]
pub(super) struct Pipeline {
    queue: Arc<WorkQueue<Request>>,
    begun: Mutex<Option<(Lease, Begun)>>,
    /// How many groups the worker has had.
    groups: AtomicU32,
}

/// A transaction that has begun.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) guard: Guard,
    /// What the session looked like before the hooks of earlier groups, if there were any.
    pub(super) session: Option<String>,
    /// How many groups were committed on the connection.
    pub(super) groups: u32,
}

/// What a group has left on its connection.
#[derive(Debug)]
pub(super) enum Session {
    /// Nothing: it can be used again.
    Clean,
    /// The transaction of the next group.
    Begun(Begun),
    /// What nobody may meet.
    Changed,
}

impl Pipeline {
    pub(super) const fn new(queue: Arc<WorkQueue<Request>>) -> Self {
        Self { queue, begun: Mutex::new(None), groups: AtomicU32::new(0) }
    }

    /// Whether a group is about to come, and may use a connection on which so many were committed. Counts the group that
    /// asks.
    pub(super) fn is_worth_a_begin(&self, groups: u32) -> bool {
        let came_at_once = self.groups.fetch_add(1, Ordering::Relaxed) > 0;
        groups < MOST_GROUPS && (came_at_once || !self.queue.is_empty())
    }

    pub(super) fn take(&self) -> Option<(Lease, Begun)> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Ends what was begun, as no group came.
    pub(super) async fn end(&self, log: &Log) {
        if let Some((mut lease, begun)) = self.take()
            && let Ok(connection) = lease.connection()
        {
            begun.end(connection, log.deadline()).await.leave(lease, None);
        }
    }
}

impl Begun {
    /// Undoes it, and says what the groups before it have left.
    pub(super) async fn end(self, connection: &mut PgConnection, deadline: Deadline) -> Session {
        let ended = async {
            transaction::roll_back(connection).await?;
            guard::restored_session(connection).await
        };
        match answered(deadline.answer(), ended).await.flatten() {
            Ok(now) if self.session.is_none_or(|before| before == now) => Session::Clean,
            _ => Session::Changed,
        }
    }
}

impl Session {
    /// Leaves the connection to whom it may concern: it is closed if that is nobody.
    pub(super) fn leave(self, lease: Lease, pipeline: Option<&Pipeline>) {
        match (self, pipeline) {
            (Self::Clean, _) => lease.done(),
            (Self::Begun(begun), Some(pipeline)) => {
                let mut kept = pipeline.begun.lock().unwrap_or_else(PoisonError::into_inner);
                *kept = Some((lease, begun));
            }
            (Self::Begun(_), None) | (Self::Changed, _) => {}
        }
    }
}
