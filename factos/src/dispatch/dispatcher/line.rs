use std::{
    mem,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use futures_util::lock::Mutex as Turn;

use crate::{
    decider::Decider,
    dispatch::{
        boundary::{Boundary, Facts},
        dispatcher::{command::Command, memory::Memory},
    },
    query::Query,
};

/// Commands that are being decided and appended, or the panic that ended this.
pub(super) type Round = Pin<Box<dyn Future<Output = thread::Result<()>> + Send>>;

/// The commands of one boundary that wait, and what is known of the boundary.
pub(super) struct Line<D: Decider> {
    pub(super) context: Query,
    pub(super) boundary: Boundary,
    /// The round that is under way. It stays here when the caller that drove it is dropped, for the next one.
    pub(super) turn: Turn<Option<Round>>,
    waiting: Mutex<Vec<Command<D>>>,
    memory: Mutex<Memory<D::State>>,
    callers: AtomicUsize,
}

impl<D: Decider> Line<D> {
    pub(super) fn of(context: &Query) -> Self {
        Self {
            context: context.clone(),
            boundary: Boundary::Facts(Facts::all_of(context.clone())),
            turn: Turn::new(None),
            waiting: Mutex::default(),
            memory: Mutex::new(Memory::Nothing),
            callers: AtomicUsize::new(0),
        }
    }

    pub(super) fn push(&self, command: Command<D>) {
        self.waiting().push(command);
    }

    /// Takes the commands that have waited the longest.
    pub(super) fn take_waiting(&self, most: usize) -> Vec<Command<D>> {
        let mut waiting = self.waiting();
        if waiting.len() <= most {
            return mem::take(&mut *waiting);
        }
        let later = waiting.split_off(most);
        mem::replace(&mut *waiting, later)
    }

    /// Whether further commands are likely to come within a moment.
    pub(super) fn expects_more(&self) -> bool {
        self.callers.load(Ordering::Relaxed) > self.waiting().len()
    }

    pub(super) fn take_memory(&self) -> Memory<D::State> {
        mem::replace(&mut *self.memory(), Memory::Nothing)
    }

    pub(super) fn keep(&self, memory: Memory<D::State>) {
        *self.memory() = memory;
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Command<D>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> MutexGuard<'_, Memory<D::State>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what nobody waits for any more: it must not hold on to the store.
    fn abandon(&self) {
        if let Some(mut round) = self.turn.try_lock() {
            // Whoever came in the meantime counts before its command waits.
            if self.callers.load(Ordering::SeqCst) == 0 {
                *round = None;
            }
        }
        self.waiting().retain(|command| !command.is_abandoned());
    }
}

/// A caller, as long as it waits.
pub(super) struct Caller<D: Decider>(Arc<Line<D>>);

impl<D: Decider> Caller<D> {
    pub(super) fn of(line: &Arc<Line<D>>) -> Self {
        line.callers.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(line))
    }
}

impl<D: Decider> Drop for Caller<D> {
    fn drop(&mut self) {
        if self.0.callers.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.abandon();
        }
    }
}
