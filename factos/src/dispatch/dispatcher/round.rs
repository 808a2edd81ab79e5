use std::{any::Any, mem, panic::AssertUnwindSafe, sync::Arc, time::Instant};

use bytes::Bytes;
use futures_util::FutureExt;

use crate::{
    decider::Decider,
    dispatch::{
        commit::commit,
        dispatched::Dispatched,
        dispatcher::{
            batch::{Batch, Parts},
            command::Command,
            core::Core,
            draft::{Decided, Draft, Verdict},
            line::Line,
            look_up::{LookUp, look_up},
            memory::{Known, Memory, Origin},
            rivals::Rivals,
            yield_once::yield_once,
        },
        error::{Infrastructure, OutcomeUnknown},
        fold::{Folded, fold},
        idempotency::IdempotencyKey,
        log::{Whole, within_span},
    },
    error_kind::ErrorKind,
    event_id::EventId,
    position::SequencePosition,
    recorded::Recorded,
    store::EventStore,
    store_error::{StoreError, StoreErrorKind},
    turns::End,
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
        rivals: Rivals::of(&core.store),
        is_current: false,
        looks_up: false,
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
    rivals: Rivals,
    /// Whether the state was that of the log at some time since the commands came: a refusal may rest on it then.
    is_current: bool,
    /// Whether what has one of the keys is to be read before the next decision.
    looks_up: bool,
    /// Whether each command is appended alone, to find the one that the store refuses.
    one_by_one: bool,
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
        self.rivals.begin().await;
        let memory = mem::replace(&mut self.memory, Memory::Nothing);
        let keys = self.keys();
        let read = match memory {
            Memory::Ready(known) if keys.is_empty() => Ok(Ok((known, None))),
            // In a box: most rounds read nothing.
            memory => Box::pin(AssertUnwindSafe(self.read(memory, keys)).catch_unwind()).await,
        };
        let pauses = match read {
            Ok(Ok((known, earlier))) => match self.decide(known, earlier.as_ref(), began) {
                Some(batch) => self.append(batch).await,
                None => {
                    if self.commands.is_empty() {
                        self.rivals.end(End::Nothing);
                    }
                    false
                }
            },
            Ok(Err(error)) => {
                self.rivals.end(End::Dropped);
                self.fail(error, began);
                true
            }
            Err(panic) => {
                self.panic(panic);
                false
            }
        };
        if pauses {
            self.pause().await;
        }
    }

    /// The state of the boundary, and what earlier commands left under these keys.
    async fn read(
        &mut self,
        memory: Memory<D::State>,
        keys: Vec<IdempotencyKey>,
    ) -> Result<(Known<D::State>, Option<LookUp>), Infrastructure> {
        let known = self.recall(memory).await?;
        let earlier = look_up(&self.core.store, keys).await?;
        Ok((known, earlier))
    }

    /// The keys to look up.
    fn keys(&self) -> Vec<IdempotencyKey> {
        let commands = self.commands.iter().filter(|_| self.looks_up);
        commands.filter_map(|command| command.key().cloned()).collect()
    }

    /// The state of the boundary, read as far as it is not known.
    async fn recall(
        &mut self,
        memory: Memory<D::State>,
    ) -> Result<Known<D::State>, Infrastructure> {
        let decider = &self.core.decider;
        let start = match memory {
            Memory::Ready(known) => return Ok(known),
            Memory::Behind(folded) => folded,
            Memory::Nothing => Folded::start(decider.initial()),
        };
        let (mut log, boundary) = (Whole(&self.core.store), &self.line.boundary);
        let rivals = &mut self.rivals;
        let keep = |record: &Recorded<Bytes>| {
            rivals.saw(record);
            Ok(false)
        };
        let read = fold(&mut log, decider, boundary, start, keep, &mut Vec::new()).await?;
        self.is_current = true;
        Ok(Known::of(read, self.core.snapshot))
    }

    /// Decides on a state: what is to be appended, if that is anything.
    fn decide(
        &mut self,
        known: Known<D::State>,
        earlier: Option<&LookUp>,
        began: Instant,
    ) -> Option<Batch<D>> {
        let looked_up = earlier.is_some();
        self.looks_up = false;
        if let Some(earlier) = earlier {
            self.replay(earlier, began);
        }
        let Known { state, origin } = known;
        let commands = mem::take(&mut self.commands);
        let mut draft = Draft::new(&self.core.decider, &self.line.context, state, commands.len());
        for command in commands {
            draft.add(command);
            if self.one_by_one && !draft.batch.is_empty() {
                draft.close();
            }
        }
        if draft.batch.is_empty() {
            self.refuse(draft, origin, looked_up, began);
            return None;
        }
        Some(Batch::of(draft, origin, looked_up, began))
    }

    /// Answers the commands that took effect earlier, under their idempotency keys.
    fn replay(&mut self, earlier: &LookUp, began: Instant) {
        for command in mem::take(&mut self.commands) {
            let records = command.key().map_or(&[][..], |key| earlier.of(key));
            if records.is_empty() {
                self.commands.push(command);
            } else {
                command.replay(records, began);
            }
        }
    }

    /// Answers commands that lead to no events, if their state is that of the log and their key is new. Otherwise
    /// that is read.
    fn refuse(
        &mut self,
        draft: Draft<'_, D>,
        origin: Origin<D::State>,
        looked_up: bool,
        began: Instant,
    ) {
        let observed = origin.observed;
        for Decided { command, verdict } in draft.decided {
            let is_new = looked_up || command.key().is_none();
            self.looks_up |= !is_new;
            match verdict {
                Verdict::Nothing if self.is_current && is_new => {
                    command.finish(Ok(nothing(observed)), began);
                }
                Verdict::Refuse(error) if self.is_current && is_new => {
                    command.finish(Err(error), began);
                }
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

    /// Appends a batch. Returns whether there is a pause before the next attempt.
    async fn append(&mut self, batch: Batch<D>) -> bool {
        let Batch { events, retry, parts, deferred } = batch;
        if self.rivals.join(&parts.terms, &events) {
            // They are decided again on what came since.
            self.memory = parts.origin.rewound();
            self.put_back(parts.decided);
            self.commands.extend(deferred);
            return false;
        }
        let appended = commit(&self.core.store, events, parts.terms.clone(), &retry);
        let appended = AssertUnwindSafe(within_span(appended)).catch_unwind().await;
        match end(&appended) {
            End::Lost => self.rivals.lose(&parts.terms),
            end => self.rivals.end(end),
        }
        let pauses = match appended {
            Ok(Ok(records)) => {
                self.was_appended(parts, records);
                false
            }
            Ok(Err(error)) => self.was_refused(parts, error),
            Err(panic) => {
                self.was_ended(parts, panic);
                false
            }
        };
        self.commands.extend(deferred);
        pauses
    }

    /// Lets commands be decided again.
    fn put_back(&mut self, decided: Vec<Decided<D>>) {
        self.commands.extend(decided.into_iter().map(|decided| decided.command));
    }

    /// Tells each command of its part of the batch.
    fn was_appended(&mut self, parts: Parts<D>, records: Vec<Recorded<Bytes>>) {
        let Parts { decided, state, origin, is_proof, began, .. } = parts;
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
    /// again, in order. Returns whether there is a pause before.
    fn was_refused(&mut self, parts: Parts<D>, error: Infrastructure) -> bool {
        let Parts { decided, ids, terms, looked_up, origin, began, .. } = parts;
        if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Busy) {
            self.memory = origin.rewound();
        }
        self.looks_up = error.conflict().is_some_and(|conflict| terms.may_repeat(conflict));
        if self.looks_up && !looked_up {
            // A command that took effect earlier is no attempt in vain.
            self.put_back(decided);
            return false;
        }
        let appending = decided.iter().filter(|decided| decided.has_records()).count();
        if appending > 1 && error.share(Vec::new()).is_none() {
            self.one_by_one = true;
            self.put_back(decided);
            return false;
        }
        let mut failure = Failure::of(error);
        for (Decided { command, verdict }, ids) in decided.into_iter().zip(ids) {
            let error = match verdict {
                Verdict::Append { .. } => failure.next(ids),
                Verdict::Nothing | Verdict::Refuse(_) => None,
            };
            self.end(command, error, began);
        }
        true
    }

    /// Lets the first caller panic as the store did. The outcome of the batch is not known.
    fn was_ended(&mut self, parts: Parts<D>, panic: Panic) {
        let Parts { decided, ids, began, .. } = parts;
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
    fn fail(&mut self, error: Infrastructure, began: Instant) {
        let mut failure = Failure::of(error);
        for command in mem::take(&mut self.commands) {
            self.end(command, failure.next(Vec::new()), began);
        }
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

/// How a turn with an append ends.
fn end<R, P>(appended: &Result<Result<R, Infrastructure>, P>) -> End {
    match appended {
        Ok(Ok(_)) => End::Appended,
        Ok(Err(error)) if error.kind() == ErrorKind::Conflict => End::Lost,
        Ok(Err(_)) | Err(_) => End::Dropped,
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
