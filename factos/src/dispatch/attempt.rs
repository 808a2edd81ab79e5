use std::time::Instant;

use bytes::Bytes;

use crate::{
    append::NewEvent,
    decider::Decider,
    dispatch::{
        dispatched::Dispatched,
        earlier::Earlier,
        error::{Error, Infrastructure},
        fold::{Folded, fold},
        log::{Log, Whole, Within, append},
        request::{Request, trace},
        span::Span,
    },
    error_kind::ErrorKind,
    recorded::Recorded,
    store::EventStore,
    transactional_store::TransactionalStore,
    turns::{End, turn::Turn},
};

/// A command that is read for, decided and appended alone.
pub(super) struct Attempt<'a, D: Decider + ?Sized> {
    pub(super) decider: &'a D,
    pub(super) command: &'a D::Command,
    pub(super) request: Request<'a>,
}

/// What a command leads to.
enum Planned<D: Decider + ?Sized> {
    Done(Dispatched<D::Event, D::State>),
    Append(Plan<D>),
}

/// What is to be appended, and what it was decided on.
struct Plan<D: Decider + ?Sized> {
    read: Folded<D::State>,
    events: Vec<D::Event>,
    batch: Vec<NewEvent>,
}

type Outcome<D> =
    Result<Dispatched<<D as Decider>::Event, <D as Decider>::State>, Error<<D as Decider>::Error>>;

impl<D: Decider + ?Sized> Attempt<'_, D> {
    /// Runs the command on the log, as often as the options say.
    pub(super) async fn run_on<S: EventStore + ?Sized>(&self, store: &S) -> Outcome<D> {
        self.run(&mut Whole(store), |attempts| self.request.options.retry.admits(attempts)).await
    }

    /// Runs the command once, within a transaction.
    pub(super) async fn run_in<S>(&self, store: &S, transaction: &mut S::Transaction) -> Outcome<D>
    where
        S: TransactionalStore + ?Sized,
    {
        self.run(&mut Within { store, transaction }, |_| false).await
    }

    /// Reads, decides and appends, and tries again as long as `admits` says after so many attempts.
    async fn run(&self, log: &mut impl Log, admits: impl Fn(u32) -> bool) -> Outcome<D> {
        let span = Span::dispatch();
        let (outcome, attempts) = span.around(self.try_all(log, admits)).await;
        trace(&span, &outcome, attempts);
        outcome
    }

    /// The outcome, and the number of attempts.
    async fn try_all(&self, log: &mut impl Log, admits: impl Fn(u32) -> bool) -> (Outcome<D>, u32) {
        let (mut number, mut known, mut turn) = (1, None, Turn::of(log.turns()));
        loop {
            let began = Instant::now();
            // By value: what is borrowed here would have to be `Send` for the pause.
            let (outcome, end) = with_end(self.once(log, &mut known, &mut turn).await);
            // Whoever is next need not wait for the pause.
            match end {
                End::Lost => turn.lose(|| self.request.boundary.place()),
                end => turn.end(end),
            }
            // Whatever is left of a failed attempt is gone before the pause: it need not be `Send`.
            if let Some(last) = self.request.end(outcome, number, began.elapsed(), &admits) {
                return (last, number);
            }
            self.request.options.retry.pause(number).await;
            number += 1;
        }
    }

    /// One attempt. What it read stays known after an append that was refused: the next attempt reads what came
    /// after it.
    async fn once(
        &self,
        log: &mut impl Log,
        known: &mut Option<Folded<D::State>>,
        turn: &mut Turn,
    ) -> Outcome<D> {
        turn.begin().await;
        let mut planned = self.plan(log, known, turn).await?;
        if let Planned::Append(plan) = &planned
            && turn.join(|| self.request.boundary.written(&plan.batch))
        {
            // Whoever has nothing to append waits for nobody, and what is long was read before the turn.
            *known = planned.into_read();
            turn.begin().await;
            planned = self.plan(log, known, turn).await?;
        }
        match planned {
            Planned::Done(done) => Ok(done),
            Planned::Append(plan) => self.append(log, plan, known).await,
        }
    }

    /// Reads what came since, and decides.
    async fn plan(
        &self,
        log: &mut impl Log,
        known: &mut Option<Folded<D::State>>,
        turn: &mut Turn,
    ) -> Result<Planned<D>, Error<D::Error>> {
        let start = known.take().unwrap_or_else(|| Folded::start(self.decider.initial()));
        let (read, earlier) = self.read(log, start, turn).await?;
        if earlier.last.is_some() {
            return Ok(Planned::Done(earlier.replay(read.state)));
        }
        let decided = self.decider.decide(&read.state, self.command);
        let events = decided.map_err(Error::Domain)?;
        let batch = self.request.batch(&events)?;
        if batch.is_empty() {
            return Ok(Planned::Done(Dispatched::new(Vec::new(), read.state, read.observed)));
        }
        Ok(Planned::Append(Plan { read, events, batch }))
    }

    async fn append(
        &self,
        log: &mut impl Log,
        plan: Plan<D>,
        known: &mut Option<Folded<D::State>>,
    ) -> Outcome<D> {
        let Plan { read, events, batch } = plan;
        let condition = self.request.boundary.condition(read.observed, read.revision);
        let stored = match append(log, batch, condition, &self.request.options.retry).await {
            Ok(stored) => stored,
            Err(error) => {
                *known = Some(read);
                return Err(error.into());
            }
        };
        let observed = stored.last().map(|last| last.position).or(read.observed);
        // What only remembers the command is no event of its own.
        let records: Vec<_> = stored
            .into_iter()
            .zip(events)
            .map(|(record, event)| record.with_event(event))
            .collect();
        let state = records
            .iter()
            .filter(|record| self.request.boundary.selects(record))
            .fold(read.state, |state, record| self.decider.evolve(state, &record.event));
        Ok(Dispatched::new(records, state, observed))
    }

    /// Reads the boundary, and what an earlier command left under the key. Tells the turn on what the attempt before was
    /// lost, if it looks for that.
    async fn read(
        &self,
        log: &mut impl Log,
        start: Folded<D::State>,
        turn: &mut Turn,
    ) -> Result<(Folded<D::State>, Earlier<D::Event>), Infrastructure> {
        let (mut records, mut last) = (Vec::new(), None);
        let boundary = &self.request.boundary;
        let keep = |record: &Recorded<Bytes>| {
            if turn.looks() {
                turn.lost_on(boundary.parts_of(record));
            }
            let is_earlier = self.request.check_key::<D::Event>(record)?;
            if is_earlier {
                last = Some(record.position);
            }
            Ok(is_earlier)
        };
        let read = fold(log, self.decider, boundary, start, keep, &mut records).await?;
        Ok((read, Earlier { records, last }))
    }
}

impl<D: Decider + ?Sized> Planned<D> {
    /// What was read for an append.
    fn into_read(self) -> Option<Folded<D::State>> {
        match self {
            Self::Done(_) => None,
            Self::Append(plan) => Some(plan.read),
        }
    }
}

/// An outcome, and how a turn with it ends.
fn with_end<E, S, D>(
    outcome: Result<Dispatched<E, S>, Error<D>>,
) -> (Result<Dispatched<E, S>, Error<D>>, End) {
    let end = match &outcome {
        Ok(done) if done.replayed || done.records.is_empty() => End::Nothing,
        Ok(_) => End::Appended,
        Err(Error::Domain(_)) => End::Nothing,
        Err(error) if error.kind() == ErrorKind::Conflict => End::Lost,
        Err(_) => End::Dropped,
    };
    (outcome, end)
}
