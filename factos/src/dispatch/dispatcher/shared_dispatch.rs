use std::{
    fmt,
    panic::{AssertUnwindSafe, resume_unwind},
    pin::pin,
    sync::Arc,
};

use futures_channel::oneshot::Receiver;
use futures_util::{
    FutureExt,
    future::{Either, select},
};

use crate::{
    decider::Decider,
    dispatch::{
        boundary::{Boundary, Facts},
        dispatch_attempt::{DispatchAttempt, Observer},
        dispatched::Dispatched,
        dispatcher::{
            command::{Answer, Command, Outcome},
            core::Core,
            line::{Caller, Line},
            round,
        },
        error::Error,
        idempotency::IdempotencyKey,
        options::{Cause, Options, boundary_options, shared_options, stream_name},
        request::{Request, trace},
        retry::Retry,
        span::Span,
    },
    metadata::Metadata,
    recorded::Recorded,
    store::EventStore,
    store_error::{StoreError, StoreErrorKind},
    stream_name::StreamName,
    text_rules::InvalidText,
};

/// A builder: the options of one dispatch; made by [`Dispatcher::dispatch`](crate::Dispatcher::dispatch).
#[must_use = "a dispatch does nothing until it is run"]
pub struct SharedDispatch<'d, S, D: Decider> {
    pub(super) core: &'d Arc<Core<S, D>>,
    pub(super) options: Options<'static>,
}

impl<S, D: Decider> SharedDispatch<'_, S, D> {
    shared_options!('static);

    boundary_options!();
}

impl<S, D> SharedDispatch<'_, S, D>
where
    S: EventStore + 'static,
    D: Decider<Command: Send, Event: Send, State: Send, Error: Send> + Send + Sync + 'static,
{
    /// Runs the command, together with those of other callers. A decision without events is a success without an
    /// append.
    ///
    /// The outcome is that of [`Dispatch::run`](crate::Dispatch::run), but for the state, which is not copied for
    /// each caller. A command that the domain refuses, or that has nothing to do, was decided on the state that the log
    /// had at some time since the call.
    ///
    /// A command has its own number of attempts. Before a further one the pause is that of the first
    /// command of the batch.
    ///
    /// # Errors
    /// [`Error`]. An argument that cannot be used is reported here, before anything is read. If one append was
    /// refused for several commands, each gets the error.
    ///
    /// # Panics
    /// If the decider panics while it decides this command.
    ///
    /// # Cancellation
    /// A dropped future leaves all of the command's events in the log, or none. To find out, run the
    /// command again under the same idempotency key. The commands of other callers go on.
    pub async fn run(
        self,
        command: D::Command,
    ) -> Result<Dispatched<D::Event, ()>, Error<D::Error>> {
        let envelope = self.options.envelope()?;
        let facts = Facts::of(&self.core.decider, &command)?;
        let line = self.core.boundaries.line(&facts.context);
        let (guard, boundary) = (facts.guard.clone(), Boundary::Facts(facts));
        let request = Request { boundary, options: self.options, envelope };
        let span = Span::dispatch();
        let caller = Caller::of(&line);
        let (command, answer) = Command::new(command, guard, request);
        line.push(command);
        let (outcome, attempts) = span.around(wait(self.core, &line, answer)).await;
        drop(caller);
        trace(&span, &outcome, attempts);
        outcome
    }
}

/// Waits for the answer, and decides and appends whenever nobody else does.
async fn wait<S, D>(
    core: &Arc<Core<S, D>>,
    line: &Arc<Line<D>>,
    mut answer: Receiver<Answer<D>>,
) -> (Outcome<D>, u32)
where
    S: EventStore + 'static,
    D: Decider<Command: Send, Event: Send, State: Send, Error: Send> + Send + Sync + 'static,
{
    loop {
        let answered = match select(&mut answer, pin!(take_turn(core, line))).await {
            Either::Left((answered, _)) => answered,
            Either::Right(((), _)) => continue,
        };
        return match answered {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => (Err(lost()), 1),
        };
    }
}

/// Runs one round, once it is this caller's turn, or the rest of one that another caller left.
async fn take_turn<S, D>(core: &Arc<Core<S, D>>, line: &Arc<Line<D>>)
where
    S: EventStore + 'static,
    D: Decider<Command: Send, Event: Send, State: Send, Error: Send> + Send + Sync + 'static,
{
    let mut turn = line.turn.lock().await;
    let round = turn.get_or_insert_with(|| {
        let round = round::run(Arc::clone(core), Arc::clone(line));
        Box::pin(AssertUnwindSafe(round).catch_unwind())
    });
    let ended = round.as_mut().await;
    *turn = None;
    if let Err(panic) = ended {
        drop(turn);
        resume_unwind(panic);
    }
}

/// The error of a command that was lost in the panic of another caller.
fn lost<D>() -> Error<D> {
    StoreError::new(StoreErrorKind::OutcomeUnknown, "the round of the command ended by a panic")
        .into()
}

impl<S, D: Decider> fmt::Debug for SharedDispatch<'_, S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedDispatch").field("options", &self.options).finish_non_exhaustive()
    }
}
