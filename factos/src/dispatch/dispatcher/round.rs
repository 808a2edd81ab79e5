use std::{any::Any, mem, panic::AssertUnwindSafe, sync::Arc, time::Instant};

use bytes::Bytes;
use futures_util::FutureExt;

use crate::{
    append::AppendCondition,
    decider::Decider,
    dispatch::{
        dispatched::Dispatched,
        dispatcher::{
            command::Command,
            core::Core,
            draft::{Decided, Draft, Verdict, ids},
            line::Line,
            look_up::{LookUp, look_up},
            memory::{Known, Memory, Origin},
            yield_once::yield_once,
        },
        error::{Infrastructure, OutcomeUnknown},
        fold::{Folded, fold},
        idempotency::IdempotencyKey,
        log::{Whole, append},
    },
    error_kind::ErrorKind,
    event_id::EventId,
    position::SequencePosition,
    recorded::Recorded,
    store::EventStore,
    store_error::{StoreError, StoreErrorKind},
};

/// How many commands are decided in one round.
const COMMANDS: usize = 256;

type Panic = Box<dyn Any + Send>;

/// Decides the commands that wait, in order, until each has its outcome.
pub(super) async fn run<S, D>(core: Arc<Core<S, D>>, line: Arc<Line<D>>)
where
    S: EventStore,
    D: Decider<Command: Send, Event: Send, State: Send, Error: Send> + Send + Sync,
{
    if line.expects_more() {
        yield_once().await;
    }
    let mut round = Round {
        core: &core,
        line: &line,
        commands: line.take_waiting(COMMANDS),
        memory: line.take_memory(),
        is_current: false,
        one_by_one: false,
    };
    while round.has_commands() {
        round.advance().await;
    }
    let memory = round.memory;
    core.boundaries.keep(&line, memory);
}

struct Round<'r, S, D: Decider> {
    core: &'r Core<S, D>,
    line: &'r Line<D>,
    /// Those without an outcome, in order.
    commands: Vec<Command<D>>,
    memory: Memory<D::State>,
    /// Whether the state was that of the log at some time since the commands came: a refusal may rest on it then.
    is_current: bool,
    /// Whether each command is appended alone, to find the one that the store refuses.
    one_by_one: bool,
}

/// What is appended for a draft, and what it leads to.
struct Batch<D: Decider> {
    decided: Vec<Decided<D>>,
    /// The ids of each command's events.
    ids: Vec<Vec<EventId>>,
    state: Option<D::State>,
    origin: Origin<D::State>,
    /// Whether its success shows that the state was that of the log.
    is_proof: bool,
    began: Instant,
}

impl<S, D> Round<'_, S, D>
where
    S: EventStore,
    D: Decider<Command: Send, Event: Send, State: Send, Error: Send> + Send + Sync,
{
    fn has_commands(&mut self) -> bool {
        self.commands.retain(|command| !command.is_abandoned());
        !self.commands.is_empty()
    }

    /// One attempt: reads what has to be read, decides, and appends.
    async fn advance(&mut self) {
        let began = Instant::now();
        let read = async {
            let known = self.recall().await?;
            let earlier = look_up(&self.core.store, self.keys()).await?;
            Ok::<_, Infrastructure>((known, earlier))
        };
        match AssertUnwindSafe(read).catch_unwind().await {
            Ok(Ok((known, earlier))) => self.decide(known, earlier, began).await,
            Ok(Err(error)) => self.fail(error, began).await,
            Err(panic) => self.panic(panic),
        }
    }

    fn keys(&self) -> Vec<IdempotencyKey> {
        self.commands.iter().filter_map(|command| command.request.options.key.clone()).collect()
    }

    /// The state of the boundary, read as far as it is not known.
    async fn recall(&mut self) -> Result<Known<D::State>, Infrastructure> {
        let decider = &self.core.decider;
        let start = match mem::replace(&mut self.memory, Memory::Nothing) {
            Memory::Ready(known) => return Ok(known),
            Memory::Behind(folded) => folded,
            Memory::Nothing => Folded::start(decider.initial()),
        };
        let (mut log, boundary) = (Whole(&self.core.store), &self.line.boundary);
        let read = fold(&mut log, decider, boundary, start, |_| Ok(false), &mut Vec::new()).await?;
        self.is_current = true;
        Ok(Known::of(read, self.core.snapshot))
    }

    /// Decides on a state, and appends what is decided.
    async fn decide(&mut self, known: Known<D::State>, earlier: Option<LookUp>, began: Instant) {
        if let Some(earlier) = &earlier {
            self.replay(earlier, began);
        }
        let Known { state, origin } = known;
        let mut draft = Draft::new(&self.core.decider, &self.line.context, state);
        for command in mem::take(&mut self.commands) {
            draft.add(command);
            if self.one_by_one && !draft.batch.is_empty() {
                draft.close();
            }
        }
        if draft.batch.is_empty() {
            self.refuse(draft, origin, began);
        } else {
            // That a key is new is known up to where it was looked up.
            let after = earlier.map_or(origin.observed, |keys| origin.observed.min(keys.observed));
            self.append(draft, origin, after, began).await;
        }
    }

    /// Answers the commands that took effect earlier, under their idempotency keys.
    fn replay(&mut self, earlier: &LookUp, began: Instant) {
        for command in mem::take(&mut self.commands) {
            let key = command.request.options.key.as_ref();
            let records = key.map_or(&[][..], |key| earlier.of(key));
            if records.is_empty() {
                self.commands.push(command);
            } else {
                command.replay(records, began);
            }
        }
    }

    /// Answers commands that lead to no events, if their state is that of the log. Otherwise it is read.
    fn refuse(&mut self, draft: Draft<'_, D>, origin: Origin<D::State>, began: Instant) {
        let observed = origin.observed;
        for Decided { command, verdict } in draft.decided {
            match verdict {
                Verdict::Nothing if self.is_current => command.finish(Ok(nothing(observed)), began),
                Verdict::Refuse(error) if self.is_current => command.finish(Err(error), began),
                _ => self.commands.push(command),
            }
        }
        self.commands.extend(draft.deferred);
        self.memory = match draft.state {
            Some(state) if self.is_current => Memory::Ready(Known { state, origin }),
            Some(state) => Memory::Behind(Folded::at(state, observed)),
            None => origin.rewound(),
        };
    }

    async fn append(
        &mut self,
        draft: Draft<'_, D>,
        origin: Origin<D::State>,
        after: Option<SequencePosition>,
        began: Instant,
    ) {
        let refusing = draft.refusing();
        let is_proof = refusing.covers(&self.line.context);
        let condition = AppendCondition::fail_if_events_match(refusing).after(after);
        let Draft { decided, deferred, batch, state, .. } = draft;
        let ids = ids(&decided, &batch);
        let first = decided.iter().find(|decided| decided.has_records());
        let retry = first.map(|first| first.command.request.options.retry.clone());
        let (mut log, retry) = (Whole(&self.core.store), retry.unwrap_or_default());
        let appended = append(&mut log, batch, condition, &retry);
        let appended = AssertUnwindSafe(appended).catch_unwind().await;
        let batch = Batch { decided, ids, state, origin, is_proof, began };
        match appended {
            Ok(Ok(records)) => self.was_appended(batch, records),
            Ok(Err(error)) => self.was_refused(batch, error).await,
            Err(panic) => self.was_ended(batch, panic),
        }
        self.commands.extend(deferred);
    }

    /// Tells each command of its part of the batch.
    fn was_appended(&mut self, batch: Batch<D>, records: Vec<Recorded<Bytes>>) {
        let Batch { decided, state, origin, is_proof, began, .. } = batch;
        let (events, last) = (records.len(), records.last().map(|last| last.position));
        let mut records = records.into_iter();
        for Decided { command, verdict } in decided {
            match verdict {
                Verdict::Append { events, records: part } => {
                    let part: Vec<_> = records.by_ref().take(part).collect();
                    command.finish(Ok(appended(part, events)), began);
                }
                Verdict::Nothing if is_proof => command.finish(Ok(nothing(last)), began),
                Verdict::Refuse(error) if is_proof => command.finish(Err(error), began),
                _ => self.commands.push(command),
            }
        }
        self.memory = match (state, last) {
            // A position that does not grow is that of a log that went back.
            (Some(state), Some(last)) if is_proof && Some(last) > origin.observed => {
                self.is_current = true;
                let origin = origin.grown(&state, events, last, self.core.snapshot);
                Memory::Ready(Known { state, origin })
            }
            _ if is_proof => Memory::Nothing,
            _ => origin.rewound(),
        };
    }

    /// Ends the attempt of each command of a batch that was not appended. Those that are tried again are decided
    /// again, in order.
    async fn was_refused(&mut self, batch: Batch<D>, error: Infrastructure) {
        let Batch { decided, ids, origin, began, .. } = batch;
        if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Busy) {
            self.memory = origin.rewound();
        }
        let appending = decided.iter().filter(|decided| decided.has_records()).count();
        if appending > 1 && error.share(Vec::new()).is_none() {
            self.one_by_one = true;
            self.commands.extend(decided.into_iter().map(|decided| decided.command));
            return;
        }
        let mut failure = Failure::of(error);
        for (Decided { command, verdict }, ids) in decided.into_iter().zip(ids) {
            let error = match verdict {
                Verdict::Append { .. } => failure.next(ids),
                Verdict::Nothing | Verdict::Refuse(_) => None,
            };
            self.end(command, error, began);
        }
        self.pause().await;
    }

    /// Lets the first caller panic as the store did. The outcome of the batch is not known.
    fn was_ended(&mut self, batch: Batch<D>, panic: Panic) {
        let Batch { decided, ids, began, .. } = batch;
        let mut panic = Some(panic);
        for (Decided { command, verdict }, ids) in decided.into_iter().zip(ids) {
            match (verdict, panic.take()) {
                (Verdict::Append { .. }, Some(panic)) => command.panic(panic),
                (Verdict::Append { .. }, None) => {
                    let source = StoreError::new(
                        StoreErrorKind::OutcomeUnknown,
                        "the store panicked while it appended",
                    );
                    command.finish(Err(OutcomeUnknown { ids, source }.into()), began);
                }
                (_, unused) => {
                    panic = unused;
                    self.commands.push(command);
                }
            }
        }
    }

    /// Ends the attempt of every command, as nothing could be read.
    async fn fail(&mut self, error: Infrastructure, began: Instant) {
        let mut failure = Failure::of(error);
        for command in mem::take(&mut self.commands) {
            self.end(command, failure.next(Vec::new()), began);
        }
        self.pause().await;
    }

    /// Ends an attempt by an error, if there is one. The command stays if it is tried again.
    fn end(&mut self, command: Command<D>, error: Option<Infrastructure>, began: Instant) {
        let left = match error {
            Some(error) => command.end(Err(error.into()), began),
            None => Some(command),
        };
        self.commands.extend(left);
    }

    /// Lets the first caller panic as the decider did with what was read. The others find the same.
    fn panic(&mut self, panic: Panic) {
        if !self.commands.is_empty() {
            self.commands.remove(0).panic(panic);
        }
    }

    async fn pause(&mut self) {
        let pause = self.commands.first().map(Command::pause);
        if let Some(pause) = pause {
            pause.await;
        }
    }
}

/// The error of an attempt of several commands.
struct Failure(Option<Infrastructure>);

impl Failure {
    const fn of(error: Infrastructure) -> Self {
        Self(Some(error))
    }

    /// The error of the next command, which appended these events. An error that cannot be shared is that of the
    /// first one.
    fn next(&mut self, ids: Vec<EventId>) -> Option<Infrastructure> {
        let shared = self.0.as_ref().and_then(|error| error.share(ids));
        shared.or_else(|| self.0.take())
    }
}

fn appended<E>(records: Vec<Recorded<Bytes>>, events: Vec<E>) -> Dispatched<E, ()> {
    let last = records.last().map(|last| last.position);
    // What only remembers the command is no event of its own.
    let records = records.into_iter().zip(events).map(|(record, event)| record.with_event(event));
    Dispatched::new(records.collect(), (), last)
}

fn nothing<E>(observed: Option<SequencePosition>) -> Dispatched<E, ()> {
    Dispatched::new(Vec::new(), (), observed)
}
