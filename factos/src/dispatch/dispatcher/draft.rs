use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use crate::{
    append::NewEvent,
    decider::Decider,
    dispatch::{
        dispatcher::{command::Command, guards::Guards},
        error::Error,
    },
    event_id::EventId,
    query::{Query, QueryItem},
};

/// How much is appended at once, unless one command leads to more. Within the limits of every store.
const EVENTS: usize = 1_000;
const BYTES: usize = 8 << 20;

/// The batch of several commands, each decided on the state that the earlier ones lead to.
pub(super) struct Draft<'d, D: Decider> {
    decider: &'d D,
    pub(super) context: &'d Query,
    /// The commands that were decided, in order.
    pub(super) decided: Vec<Decided<D>>,
    /// Those that were not, in order.
    pub(super) deferred: Vec<Command<D>>,
    pub(super) batch: Vec<NewEvent>,
    /// The state that the batch leads to; `None` after a panic of the decider's `evolve`.
    pub(super) state: Option<D::State>,
    guards: Guards,
    keys: HashSet<String>,
    bytes: usize,
    is_full: bool,
}

/// A command, and what the decider said.
pub(super) struct Decided<D: Decider> {
    pub(super) command: Command<D>,
    pub(super) verdict: Verdict<D>,
}

pub(super) enum Verdict<D: Decider> {
    /// These events, as so many records of the batch.
    Append { events: Vec<D::Event>, records: usize },
    /// There is nothing to do.
    Nothing,
    /// It cannot be done in the state in which it was decided.
    Refuse(Error<D::Error>),
}

/// The events of one command.
struct Part<E> {
    events: Vec<E>,
    batch: Vec<NewEvent>,
}

/// What the decider says to a command.
type Answer<D> = Result<Part<<D as Decider>::Event>, Error<<D as Decider>::Error>>;

impl<'d, D: Decider> Draft<'d, D> {
    /// A draft of so many commands.
    pub(super) fn new(
        decider: &'d D,
        context: &'d Query,
        state: D::State,
        commands: usize,
    ) -> Self {
        Self {
            decider,
            context,
            decided: Vec::with_capacity(commands),
            deferred: Vec::new(),
            batch: Vec::new(),
            state: Some(state),
            guards: Guards::new(),
            keys: HashSet::new(),
            bytes: 0,
            is_full: false,
        }
    }

    /// Decides one more command, or defers it.
    pub(super) fn add(&mut self, command: Command<D>) {
        let has_room = self.has_room_for(&command);
        let Some(state) = self.state.as_ref().filter(|_| has_room) else {
            return self.deferred.push(command);
        };
        match decide(self.decider, state, &command) {
            Err(panic) => command.panic(panic),
            Ok(Err(error)) => self.refuse(command, Verdict::Refuse(error)),
            Ok(Ok(part)) if part.batch.is_empty() => self.refuse(command, Verdict::Nothing),
            Ok(Ok(part)) => self.append(command, part),
        }
    }

    /// Lets no further command in.
    pub(super) const fn close(&mut self) {
        self.is_full = true;
    }

    /// The events that refuse the batch. If they are all of the context, a batch that is appended shows that the state
    /// was that of the log.
    pub(super) fn refusing(&self) -> Query {
        self.guards.query().unwrap_or_else(|| self.context.clone())
    }

    /// The events that have the key of a command that was decided; none if no such command has a key.
    pub(super) fn repeats(&self) -> Option<Query> {
        let keys = self.decided.iter().filter_map(|decided| decided.command.key());
        Query::any_of(keys.map(|key| QueryItem::with_tag(key.tag().clone()))).ok()
    }

    fn has_room_for(&mut self, command: &Command<D>) -> bool {
        if self.is_full {
            return false;
        }
        if command.key().is_some_and(|key| self.keys.contains(key.tag().as_str())) {
            // It is a repeat of one that is not in the log yet.
            return false;
        }
        self.is_full = !self.guards.admit(&command.guard);
        !self.is_full
    }

    fn refuse(&mut self, command: Command<D>, verdict: Verdict<D>) {
        self.decided.push(Decided { command, verdict });
    }

    fn append(&mut self, command: Command<D>, part: Part<D::Event>) {
        let bytes = part.batch.iter().map(NewEvent::byte_len).sum::<usize>();
        let is_large = self.batch.len() + part.batch.len() > EVENTS || self.bytes + bytes > BYTES;
        if is_large && !self.batch.is_empty() {
            self.is_full = true;
            return self.deferred.push(command);
        }
        if let Err(panic) = self.evolve(&part) {
            return command.panic(panic);
        }
        self.bytes += bytes;
        self.guards.add(&command.guard);
        self.keys.extend(command.key().map(|key| key.tag().as_str().to_owned()));
        let verdict = Verdict::Append { events: part.events, records: part.batch.len() };
        self.batch.extend(part.batch);
        self.decided.push(Decided { command, verdict });
    }

    fn evolve(&mut self, part: &Part<D::Event>) -> thread::Result<()> {
        let Some(state) = self.state.take() else {
            return Ok(());
        };
        let (decider, context) = (self.decider, self.context);
        let state = catch_unwind(AssertUnwindSafe(|| {
            let seen = part.events.iter().zip(&part.batch);
            seen.filter(|(_, new)| context.matches(&new.event_type, &new.tags))
                .fold(state, |state, (event, _)| decider.evolve(state, event))
        }))?;
        self.state = Some(state);
        Ok(())
    }
}

impl<D: Decider> Decided<D> {
    pub(super) const fn has_records(&self) -> bool {
        matches!(self.verdict, Verdict::Append { .. })
    }
}

/// The ids of each command's part of a batch, in order.
pub(super) fn ids<D: Decider>(decided: &[Decided<D>], batch: &[NewEvent]) -> Vec<Vec<EventId>> {
    let mut events = batch.iter().map(|event| event.id);
    let parts = decided.iter().map(|decided| match decided.verdict {
        Verdict::Append { records, .. } => events.by_ref().take(records).collect(),
        Verdict::Nothing | Verdict::Refuse(_) => Vec::new(),
    });
    parts.collect()
}

/// Decides a command and encodes its events. Both are the application's code.
fn decide<D: Decider>(
    decider: &D,
    state: &D::State,
    command: &Command<D>,
) -> thread::Result<Answer<D>> {
    catch_unwind(AssertUnwindSafe(|| {
        let events = decider.decide(state, &command.command).map_err(Error::Domain)?;
        let batch = command.request.batch(&events)?;
        Ok(Part { events, batch })
    }))
}
