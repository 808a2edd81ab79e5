//! Contended boundaries: those on which appends conflict.
//!
//! If all callers of a contended boundary read it at once, all but one of their appends conflict. So after a
//! conflict the reads of its boundary run one at a time: the next one starts when the append that followed
//! the read has ended. If it does not come in time, the boundary is contended no longer, and all read. This
//! orders the callers of one handle only, and correctness does not depend on it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::{deadline::Deadline, lock_names::LockNames};

/// How long after a read its append may begin, and how long a read may take.
const DECISION: Duration = Duration::from_millis(5);
const READ: Duration = Duration::from_secs(1);

/// How often a waiter looks at the state without being woken: the wake-up may have gone to a waiter that was
/// dropped.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How many boundaries are remembered as contended. Beyond that, those that nobody uses are forgotten.
const MOST: usize = 1024;

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
    /// Whether the append that followed the last permitted read is in flight.
    is_followed: bool,
    /// Nobody waits any more for the permit to read what is no longer contended.
    is_forgotten: bool,
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
    /// Whether it is the first one after a permitted read: the next read waits for it, and for no other one.
    follows_read: bool,
}

impl Contention {
    /// Whether appends on the boundary have conflicted.
    pub(crate) fn is_contended(&self, names: &LockNames) -> bool {
        self.lock().contains_key(names)
    }

    /// Waits for the permit to read, if the boundary is contended. After the deadline it goes without.
    pub(crate) async fn permit_read(
        &self,
        names: &LockNames,
        deadline: Deadline,
    ) -> Option<ReadPermit> {
        let boundary = self.find(names)?;
        let _waiter = Waiter::of(&boundary);
        while !deadline.is_over() {
            let until = match boundary.try_permit() {
                Permit::Given => return Some(ReadPermit(Arc::clone(&boundary))),
                Permit::Unused => {
                    self.remove(names, &boundary);
                    return None;
                }
                Permit::Unneeded => return None,
                Permit::TakenUntil(until) => until,
            };
            let left = until.saturating_duration_since(Instant::now()).min(LOOK_AGAIN);
            // After the timeout, too, the state decides.
            drop(tokio::time::timeout(left, boundary.freed.notified()).await);
        }
        None
    }

    /// An append on the boundary begins.
    pub(crate) fn begin_append<'a>(&'a self, names: &'a LockNames) -> AppendInFlight<'a> {
        let boundary = self.find(names);
        let follows_read = boundary.as_ref().is_some_and(|boundary| boundary.lock().follow());
        AppendInFlight { contention: self, names, boundary, follows_read }
    }

    fn find(&self, names: &LockNames) -> Option<Arc<Boundary>> {
        self.lock().get(names).cloned()
    }

    fn add(&self, names: &LockNames) {
        let mut boundaries = self.lock();
        if boundaries.len() >= MOST {
            boundaries.retain(|_, boundary| Arc::strong_count(boundary) > 1);
        }
        if boundaries.len() < MOST {
            boundaries.entry(names.clone()).or_default();
        }
    }

    fn remove(&self, names: &LockNames, boundary: &Arc<Boundary>) {
        let mut boundaries = self.lock();
        if boundaries.get(names).is_some_and(|known| Arc::ptr_eq(known, boundary)) {
            boundaries.remove(names);
        }
        drop(boundaries);
        boundary.lock().is_forgotten = true;
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
                self.contention.add(self.names);
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
    /// It was no longer contended before.
    Unneeded,
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
            _ if state.is_forgotten => Permit::Unneeded,
            _ if state.is_followed => Permit::TakenUntil(now + READ),
            Some(until) if until > now => Permit::TakenUntil(until),
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

impl State {
    /// An append begins: whether it is the one that the permit is kept for.
    fn follow(&mut self) -> bool {
        let follows = !self.is_followed && self.permitted_until.is_some();
        self.is_followed |= follows;
        follows
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
        let Some(boundary) = self.boundary.as_ref().filter(|_| self.follows_read) else { return };
        let mut state = boundary.lock();
        state.is_followed = false;
        state.permitted_until = None;
        drop(state);
        boundary.freed.notify_one();
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

#[cfg(test)]
mod tests {
    use factos::StreamName;
    use futures_util::FutureExt;

    use super::*;

    fn boundary(n: usize) -> LockNames {
        LockNames::of_stream(&StreamName::new(n.to_string()).unwrap())
    }

    fn deadline() -> Deadline {
        Deadline::new(Duration::from_secs(60), Duration::from_secs(60))
    }

    #[tokio::test]
    async fn only_so_many_boundaries_are_remembered() {
        let contention = Contention::default();
        let used = boundary(0);
        contention.begin_append(&used).end(true);
        let permit = contention.permit_read(&used, deadline()).await;
        for n in 1..20 * MOST {
            contention.begin_append(&boundary(n)).end(true);
            assert!(contention.lock().len() <= MOST);
        }
        assert!(permit.is_some() && contention.find(&used).is_some());
        assert!(contention.find(&boundary(20 * MOST - 1)).is_some());
    }

    /// Appends without a read, of which one is always in flight, do not keep a reader out.
    #[tokio::test]
    async fn a_reader_waits_for_no_append_that_did_not_follow_a_read() {
        let contention = Contention::default();
        let names = boundary(1);
        contention.begin_append(&names).end(true);
        let mut in_flight = contention.begin_append(&names);
        for _ in 0..100 {
            let read = contention.permit_read(&names, deadline());
            let permit = tokio::time::timeout(Duration::from_secs(20), read).await.unwrap();
            drop(permit.unwrap());
            // It takes the place of the one that would have followed the read.
            let next = contention.begin_append(&names);
            in_flight.end(true);
            in_flight = next;
            let another = contention.begin_append(&names);
            in_flight.end(true);
            in_flight = another;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_reader_waits_for_the_append_that_followed_the_read() {
        let contention = Contention::default();
        let names = boundary(1);
        contention.begin_append(&names).end(true);
        drop(contention.permit_read(&names, deadline()).await);
        let following = contention.begin_append(&names);
        let mut next = Box::pin(contention.permit_read(&names, deadline()));
        let waited = tokio::time::timeout(Duration::from_millis(100), &mut next).await;
        assert!(waited.is_err());
        following.end(true);
        assert!(next.await.is_some());
    }

    /// Or a crowd that appends nothing would read one after the other, each after the time for an append.
    #[tokio::test(start_paused = true)]
    async fn all_that_wait_read_after_one_that_appends_nothing() {
        let contention = Contention::default();
        let names = boundary(1);
        contention.begin_append(&names).end(true);
        let first = contention.permit_read(&names, deadline()).await;
        let waiting = (0..300).map(|_| contention.permit_read(&names, deadline()));
        let mut waiting: Vec<_> = waiting.map(Box::pin).collect();
        for next in &mut waiting {
            assert!(next.as_mut().now_or_never().is_none());
        }
        drop(first.unwrap());
        // Its time is that of the system, which the clock of the test does not move.
        std::thread::sleep(DECISION);
        for next in waiting {
            assert!(next.await.is_none());
        }
        assert!(contention.find(&names).is_none());
    }
}
