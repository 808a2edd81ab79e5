use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Instant,
};

use bytes::Bytes;
use futures_channel::oneshot;

use crate::{
    decider::Decider,
    dispatch::{
        dispatched::Dispatched,
        earlier::Earlier,
        error::{Error, Infrastructure},
        idempotency::{IdempotencyKey, is_nothing},
        request::Request,
    },
    event::decode,
    query::Query,
    recorded::Recorded,
};

/// The outcome of a command of a dispatcher.
pub(super) type Outcome<D> =
    Result<Dispatched<<D as Decider>::Event, ()>, Error<<D as Decider>::Error>>;

/// What a caller is told: the outcome and the number of attempts, or the panic that ended the command.
pub(super) type Answer<D> = thread::Result<(Outcome<D>, u32)>;

/// A command that waits for its outcome.
pub(super) struct Command<D: Decider> {
    pub(super) command: D::Command,
    pub(super) guard: Query,
    /// In a box, as commands are moved about.
    pub(super) request: Box<Request<'static>>,
    caller: oneshot::Sender<Answer<D>>,
    /// The number of the attempt, from 1.
    attempt: u32,
}

impl<D: Decider> Command<D> {
    /// A command, and where its answer arrives.
    pub(super) fn new(
        command: D::Command,
        guard: Query,
        request: Request<'static>,
    ) -> (Self, oneshot::Receiver<Answer<D>>) {
        let (caller, answer) = oneshot::channel();
        (Self { command, guard, request: Box::new(request), caller, attempt: 1 }, answer)
    }

    /// The idempotency key.
    pub(super) const fn key(&self) -> Option<&IdempotencyKey> {
        self.request.options.key.as_ref()
    }

    /// Whether the caller has dropped the future.
    pub(super) fn is_abandoned(&self) -> bool {
        self.caller.is_canceled()
    }

    /// Ends an attempt that began then. Returns the command if it is tried again.
    pub(super) fn end(mut self, outcome: Outcome<D>, began: Instant) -> Option<Self> {
        let (request, attempt) = (&self.request, self.attempt);
        let admits = |attempts| request.options.retry.admits(attempts);
        // The observer is the caller's own.
        let ended = catch_unwind(AssertUnwindSafe(|| {
            request.end(outcome, attempt, began.elapsed(), admits)
        }));
        match ended {
            Ok(None) => {
                self.attempt += 1;
                Some(self)
            }
            Ok(Some(outcome)) => {
                self.answer(Ok((outcome, attempt)));
                None
            }
            Err(panic) => {
                self.answer(Err(panic));
                None
            }
        }
    }

    /// Ends the command with an outcome after which it is not tried again.
    pub(super) fn finish(self, outcome: Outcome<D>, began: Instant) {
        let _ = self.end(outcome, began);
    }

    /// Ends the command with what an earlier one left under its key.
    pub(super) fn replay(self, records: &[Recorded<Bytes>], began: Instant) {
        match catch_unwind(AssertUnwindSafe(|| self.earlier(records))) {
            Ok(Ok(earlier)) => self.finish(Ok(earlier.replay(())), began),
            Ok(Err(error)) => self.finish(Err(error.into()), began),
            Err(panic) => self.panic(panic),
        }
    }

    fn earlier(&self, records: &[Recorded<Bytes>]) -> Result<Earlier<D::Event>, Infrastructure> {
        let mut earlier = Earlier { records: Vec::new(), last: None };
        for record in records {
            self.request.check_key::<D::Event>(record)?;
            earlier.last = Some(record.position);
            if !is_nothing(record) {
                earlier.records.push(decode(record.clone())?);
            }
        }
        Ok(earlier)
    }

    /// Lets the caller panic.
    pub(super) fn panic(self, panic: Box<dyn std::any::Any + Send>) {
        self.answer(Err(panic));
    }

    /// The pause before the next attempt, if there was one.
    pub(super) fn pause(&self) -> impl Future<Output = ()> + Send + use<D> {
        let (retry, attempts) = (self.request.options.retry.clone(), self.attempt - 1);
        async move {
            if attempts > 0 {
                retry.pause(attempts).await;
            }
        }
    }

    fn answer(self, answer: Answer<D>) {
        // A caller that is gone asks no more.
        let _ = self.caller.send(answer);
    }
}
