//! Turns on boundaries that are fought for.
//!
//! After a conflict, reads of the same boundary go one by one, each until its append has come to an end
//! or did not come at all: instead of all reading and all but one losing. It orders one handle's own
//! callers, and correctness does not depend on it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::lock_names::Names;

/// How long an append may take to come after its read, and a read to come to its end.
const DECIDING: Duration = Duration::from_millis(5);
const READING: Duration = Duration::from_secs(1);

/// How long to wait at most before the state is looked at again, should a wake-up have gone to a waiter
/// that was dropped.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

#[derive(Debug, Default)]
pub(crate) struct Gates(Mutex<HashMap<Names, Arc<Gate>>>);

#[derive(Debug, Default)]
struct Gate {
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Until when the turn is somebody's.
    taken: Option<Instant>,
    appending: usize,
    waiting: usize,
}

/// The turn of a read, which goes on to the append that follows it.
#[derive(Debug)]
pub(crate) struct Turn(Arc<Gate>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.lock().taken = Some(Instant::now() + DECIDING);
        // Whoever waits, waits for the end of the read.
        self.0.freed.notify_one();
    }
}

/// An append under way on a boundary that is fought for.
#[derive(Debug)]
pub(crate) struct Appending<'a> {
    gates: &'a Gates,
    names: &'a Names,
    gate: Option<Arc<Gate>>,
}

impl Gates {
    /// Waits for the turn, if the boundary is fought for.
    pub(crate) async fn enter(&self, names: &Names) -> Option<Turn> {
        let gate = self.find(names)?;
        let _waiting = Waiting::on(&gate);
        loop {
            let until = match gate.try_take() {
                Taken::Mine => return Some(Turn(Arc::clone(&gate))),
                Taken::NotUsed => {
                    self.cool(names, &gate);
                    return None;
                }
                Taken::Until(until) => until,
            };
            let left = until.saturating_duration_since(Instant::now()).min(LOOK_AGAIN);
            // In vain or not, the state tells.
            drop(tokio::time::timeout(left, gate.freed.notified()).await);
        }
    }

    /// Tells that an append on the boundary begins.
    pub(crate) fn append<'a>(&'a self, names: &'a Names) -> Appending<'a> {
        let gate = self.find(names);
        if let Some(gate) = &gate {
            gate.lock().appending += 1;
        }
        Appending { gates: self, names, gate }
    }

    fn find(&self, names: &Names) -> Option<Arc<Gate>> {
        self.lock().get(names).cloned()
    }

    fn heat(&self, names: &Names) {
        self.lock().entry(names.clone()).or_default();
    }

    fn cool(&self, names: &Names, gate: &Arc<Gate>) {
        let mut gates = self.lock();
        if gates.get(names).is_some_and(|known| Arc::ptr_eq(known, gate)) {
            gates.remove(names);
        }
        drop(gates);
        gate.freed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Names, Arc<Gate>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Taken {
    Mine,
    /// Somebody had the turn and appended nothing.
    NotUsed,
    Until(Instant),
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_take(&self) -> Taken {
        let mut state = self.lock();
        let now = Instant::now();
        match state.taken {
            Some(until) if until > now => Taken::Until(until),
            _ if state.appending > 0 => Taken::Until(now + READING),
            Some(_) => {
                state.taken = None;
                Taken::NotUsed
            }
            None => {
                state.taken = Some(now + READING);
                Taken::Mine
            }
        }
    }
}

impl Appending<'_> {
    /// Tells how it ended.
    pub(crate) fn end(self, conflict: bool) {
        let idle = self.gate.as_ref().is_some_and(|gate| gate.lock().waiting == 0);
        match &self.gate {
            None if conflict => self.gates.heat(self.names),
            Some(gate) if idle && !conflict => self.gates.cool(self.names, gate),
            _ => {}
        }
    }
}

impl Drop for Appending<'_> {
    fn drop(&mut self) {
        let Some(gate) = &self.gate else { return };
        let mut state = gate.lock();
        state.appending -= 1;
        if state.appending == 0 {
            state.taken = None;
            drop(state);
            gate.freed.notify_one();
        }
    }
}

struct Waiting<'a>(&'a Gate);

impl<'a> Waiting<'a> {
    fn on(gate: &'a Gate) -> Self {
        gate.lock().waiting += 1;
        Self(gate)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
    }
}
