//! Contended boundaries: those on which appends conflict.
//!
//! If all callers of a contended boundary read it at once, all but one of their appends conflict. So after a
//! conflict the reads of its boundary run one at a time: the next one starts when the append that followed
//! the read has ended, or did not come in time. This orders the callers of one handle only, and
//! correctness does not depend on it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::lock_names::LockNames;

/// How long after a read its append may begin, and how long a read may take.
const DECISION: Duration = Duration::from_millis(5);
const READ: Duration = Duration::from_secs(1);

/// How often a waiter looks at the state without being woken: the wake-up may have gone to a waiter that was
/// dropped.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The contended boundaries of one handle, by the names that their conditions lock.
#[derive(Debug, Default)]
pub(crate) struct Contention(Mutex<HashMap<LockNames, Arc<Boundary>>>);

#[derive(Debug, Default)]
struct Boundary {
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Until when the permit to read is given to a caller.
    permitted_until: Option<Instant>,
    appends: usize,
    waiters: usize,
}

/// The permit to read a contended boundary. After the read it stays with the caller until its append begins,
/// at most for [`DECISION`].
#[derive(Debug)]
pub(crate) struct ReadPermit(Arc<Boundary>);

/// An append in flight on a boundary, which may be contended.
#[derive(Debug)]
pub(crate) struct AppendInFlight<'a> {
    contention: &'a Contention,
    names: &'a LockNames,
    boundary: Option<Arc<Boundary>>,
}

impl Contention {
    /// Waits for the permit to read, if the boundary is contended.
    pub(crate) async fn permit_read(&self, names: &LockNames) -> Option<ReadPermit> {
        let boundary = self.find(names)?;
        let _waiter = Waiter::of(&boundary);
        loop {
            let until = match boundary.try_permit() {
                Permit::Given => return Some(ReadPermit(Arc::clone(&boundary))),
                Permit::Unused => {
                    self.remove(names, &boundary);
                    return None;
                }
                Permit::TakenUntil(until) => until,
            };
            let left = until.saturating_duration_since(Instant::now()).min(LOOK_AGAIN);
            // After the timeout, too, the state decides.
            drop(tokio::time::timeout(left, boundary.freed.notified()).await);
        }
    }

    /// An append on the boundary begins.
    pub(crate) fn begin_append<'a>(&'a self, names: &'a LockNames) -> AppendInFlight<'a> {
        let boundary = self.find(names);
        if let Some(boundary) = &boundary {
            boundary.lock().appends += 1;
        }
        AppendInFlight { contention: self, names, boundary }
    }

    fn find(&self, names: &LockNames) -> Option<Arc<Boundary>> {
        self.lock().get(names).cloned()
    }

    fn remove(&self, names: &LockNames, boundary: &Arc<Boundary>) {
        let mut boundaries = self.lock();
        if boundaries.get(names).is_some_and(|known| Arc::ptr_eq(known, boundary)) {
            boundaries.remove(names);
        }
        drop(boundaries);
        boundary.freed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LockNames, Arc<Boundary>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AppendInFlight<'_> {
    /// The append ended: after a conflict the boundary is contended, and no longer if it succeeded while
    /// nobody waited.
    pub(crate) fn end(self, is_conflict: bool) {
        let is_idle = self.boundary.as_ref().is_some_and(|boundary| boundary.lock().waiters == 0);
        match &self.boundary {
            None if is_conflict => {
                self.contention.lock().entry(self.names.clone()).or_default();
            }
            Some(boundary) if is_idle && !is_conflict => {
                self.contention.remove(self.names, boundary);
            }
            _ => {}
        }
    }
}

enum Permit {
    Given,
    /// The last caller with the permit appended nothing: the boundary is no longer contended.
    Unused,
    TakenUntil(Instant),
}

impl Boundary {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_permit(&self) -> Permit {
        let mut state = self.lock();
        let now = Instant::now();
        match state.permitted_until {
            Some(until) if until > now => Permit::TakenUntil(until),
            _ if state.appends > 0 => Permit::TakenUntil(now + READ),
            Some(_) => {
                state.permitted_until = None;
                Permit::Unused
            }
            None => {
                state.permitted_until = Some(now + READ);
                Permit::Given
            }
        }
    }
}

impl Drop for ReadPermit {
    fn drop(&mut self) {
        self.0.lock().permitted_until = Some(Instant::now() + DECISION);
        // Wakes a waiter, which until now waits for the end of the read.
        self.0.freed.notify_one();
    }
}

impl Drop for AppendInFlight<'_> {
    fn drop(&mut self) {
        let Some(boundary) = &self.boundary else { return };
        let mut state = boundary.lock();
        state.appends -= 1;
        if state.appends == 0 {
            state.permitted_until = None;
            drop(state);
            boundary.freed.notify_one();
        }
    }
}

/// A task that waits for the permit.
struct Waiter<'a>(&'a Boundary);

impl<'a> Waiter<'a> {
    fn of(boundary: &'a Boundary) -> Self {
        boundary.lock().waiters += 1;
        Self(boundary)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.lock().waiters -= 1;
    }
}
