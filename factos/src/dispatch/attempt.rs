use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::{
    append::{AppendCondition, NewEvent},
    decider::Decider,
    dispatch::{
        boundary::Boundary,
        dispatch_attempt::{AttemptOutcome, DispatchAttempt},
        dispatched::Dispatched,
        error::{Error, Infrastructure},
        fold::{Folded, fold},
        log::{Log, Whole, Within},
        options::Options,
        span::Span,
    },
    metadata::Metadata,
    position::SequencePosition,
    recorded::Recorded,
    store::EventStore,
    transactional_store::TransactionalStore,
};

/// Everything about one command that stays the same from attempt to attempt.
pub(super) struct Attempt<'a, D: Decider + ?Sized> {
    pub(super) decider: &'a D,
    pub(super) command: &'a D::Command,
    pub(super) boundary: Boundary,
    pub(super) options: Options<'a>,
    pub(super) envelope: Metadata,
}

type Outcome<D> =
    Result<Dispatched<<D as Decider>::Event, <D as Decider>::State>, Error<<D as Decider>::Error>>;

/// What an earlier command left under the same idempotency key.
struct Earlier<E> {
    records: Vec<Recorded<E>>,
    /// The position of the last one, which may hold no event.
    last: Option<SequencePosition>,
}

impl<D: Decider + ?Sized> Attempt<'_, D> {
    /// Runs the command on the log, as often as the options say.
    pub(super) async fn run_on<S: EventStore + ?Sized>(&self, store: &S) -> Outcome<D> {
        self.run(&mut Whole(store), |attempts| self.options.retry.admits(attempts)).await
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
        match &outcome {
            Ok(done) => {
                let (told, events) = (told(done), done.records.len());
                span.was_dispatched(told.as_str(), events, done.position, attempts);
            }
            Err(error) => span.was_refused(error.kind(), attempts),
        }
        outcome
    }

    /// The outcome, and the number of attempts.
    async fn try_all(&self, log: &mut impl Log, admits: impl Fn(u32) -> bool) -> (Outcome<D>, u32) {
        let (mut number, mut known) = (1, None);
        loop {
            let began = Instant::now();
            let outcome = self.once(log, &mut known).await;
            // Whatever is left of a failed attempt is gone before the pause: it need not be `Send`.
            if let Some(last) = self.end(outcome, number, began.elapsed(), &admits) {
                return (last, number);
            }
            self.options.retry.pause(number).await;
            number += 1;
        }
    }

    /// Tells the observer of an attempt. Returns its outcome unless the command is tried again.
    fn end(
        &self,
        outcome: Outcome<D>,
        number: u32,
        duration: Duration,
        admits: impl Fn(u32) -> bool,
    ) -> Option<Outcome<D>> {
        let (told, is_retried) = match &outcome {
            Ok(done) => (told(done), false),
            Err(error) => {
                let is_retried = error.is_retryable() && admits(number);
                (AttemptOutcome::Refused(error.kind()), is_retried)
            }
        };
        let attempt = DispatchAttempt { number, outcome: told, is_retried, duration };
        self.options.observer.tell(&attempt);
        let outcome = outcome.map(|done| Dispatched { attempts: number, ..done });
        (!is_retried).then(|| outcome.map_err(|error| error.after(number)))
    }

    /// One attempt. What it read stays known after an append that was refused: the next attempt reads what came
    /// after it.
    async fn once(&self, log: &mut impl Log, known: &mut Option<Folded<D::State>>) -> Outcome<D> {
        let start = known.take().unwrap_or_else(|| Folded::start(self.decider.initial()));
        let (read, earlier) = self.read(log, start).await?;
        if let Some(last) = earlier.last {
            return Ok(Dispatched {
                replayed: true,
                position: Some(last),
                ..Dispatched::new(earlier.records, read.state, read.observed)
            });
        }
        let condition = self.boundary.condition(read.observed, read.revision);
        let decided = self.decider.decide(&read.state, self.command);
        let events = decided.map_err(Error::Domain)?;
        let batch = self.batch(&events)?;
        if batch.is_empty() {
            return Ok(Dispatched::new(Vec::new(), read.state, read.observed));
        }
        let stored = match self.append(log, batch, condition).await {
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
            .filter(|record| self.boundary.selects(record))
            .fold(read.state, |state, record| self.decider.evolve(state, &record.event));
        Ok(Dispatched::new(records, state, observed))
    }

    /// Reads the boundary, and what an earlier command left under the key.
    async fn read(
        &self,
        log: &mut impl Log,
        start: Folded<D::State>,
    ) -> Result<(Folded<D::State>, Earlier<D::Event>), Infrastructure> {
        let (mut records, mut last) = (Vec::new(), None);
        let fingerprint = self.options.fingerprint.as_deref();
        let keep = |record: &Recorded<Bytes>| {
            let Some(key) = self.options.key.as_ref().filter(|key| key.is_on(record)) else {
                return Ok(false);
            };
            key.check::<D::Event, _>(record, fingerprint)?;
            last = Some(record.position);
            Ok(true)
        };
        let read = fold(log, self.decider, &self.boundary, start, keep, &mut records).await?;
        Ok((read, Earlier { records, last }))
    }

    async fn append(
        &self,
        log: &mut impl Log,
        batch: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, Infrastructure> {
        let span = Span::append();
        let stored = span.around(log.append(batch, condition, &self.options.retry)).await;
        match &stored {
            Ok(records) => {
                span.was_appended(records.len(), records.last().map(|last| last.position));
            }
            Err(error) => span.failed(error.kind()),
        }
        stored
    }

    /// What is appended for the decided events: these, or what remembers that there are none, if that is to be.
    fn batch(&self, events: &[D::Event]) -> Result<Vec<NewEvent>, Infrastructure> {
        if events.is_empty() {
            let key = self.options.key.as_ref().filter(|_| self.options.remember_no_op);
            let stream = self.boundary.stream();
            return Ok(key.map(|key| key.nothing(&self.envelope, stream)).into_iter().collect());
        }
        let batch = self.options.batch(events, &self.envelope)?;
        if !self.options.outside_boundary {
            self.boundary.admit(&batch)?;
        }
        Ok(batch)
    }
}

fn told<E, S>(done: &Dispatched<E, S>) -> AttemptOutcome {
    match done.records.last() {
        _ if done.replayed => AttemptOutcome::Replayed,
        Some(last) => {
            AttemptOutcome::Appended { events: done.records.len(), position: last.position }
        }
        None => AttemptOutcome::Nothing,
    }
}
