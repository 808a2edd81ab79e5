//! What waits for the thread that writes.

use std::fmt;

use factos::backend::{AppendRequest, Queue};

use crate::append::{batch::Batch, group::Failure, lent::Lent};

/// One thing to do.
#[derive(Debug)]
pub(crate) enum Work {
    /// An append, which may share a commit with others.
    Append(AppendRequest<Batch>),
    /// A transaction of its own.
    Write(Box<dyn WriteJob>),
}

/// What a caller does in a transaction of its own.
pub(crate) trait WriteJob: Send {
    /// Whether the caller dropped its future.
    fn is_abandoned(&self) -> bool;

    /// Works in the transaction, and says whether it is to be committed.
    fn run(&mut self, lent: Lent) -> (Lent, bool);

    /// Tells the caller, once the transaction was committed or rolled back, or why it was not.
    fn finish(self: Box<Self>, outcome: Result<(), Failure>);
}

impl Work {
    pub(crate) fn is_abandoned(&self) -> bool {
        match self {
            Self::Append(request) => request.is_abandoned(),
            Self::Write(job) => job.is_abandoned(),
        }
    }
}

/// The queue, with what was taken out of it too early.
pub(crate) struct Line<'q> {
    queue: &'q Queue<Work>,
    held: Option<Box<dyn WriteJob>>,
}

impl<'q> Line<'q> {
    pub(crate) const fn of(queue: &'q Queue<Work>) -> Self {
        Self { queue, held: None }
    }

    /// The next one, waited for; none once the queue is closed and empty.
    pub(crate) fn pop(&mut self) -> Option<Work> {
        self.held.take().map(Work::Write).or_else(|| self.queue.pop())
    }

    /// The next one, if it is an append.
    pub(crate) fn try_append(&mut self) -> Option<AppendRequest<Batch>> {
        if self.held.is_some() {
            return None;
        }
        match self.queue.try_pop()? {
            Work::Append(request) => Some(request),
            Work::Write(job) => {
                self.held = Some(job);
                None
            }
        }
    }

    /// The one that ended the appends.
    pub(crate) fn take_held(&mut self) -> Option<Box<dyn WriteJob>> {
        self.held.take()
    }
}

impl fmt::Debug for dyn WriteJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteJob").finish_non_exhaustive()
    }
}
