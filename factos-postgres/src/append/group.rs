//! Appends that share a commit: which fit together, how they are sent, and what each is told.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use factos::{EventId, StoreError, StreamName};

use crate::{
    append::statement::{self, Answer, Batch, Locks},
    append::writer::Append,
    config::Config,
    connections::answered,
    error::{Error, Sent},
    lock_names::Names,
    read::reader::Reader,
    store::Shared,
};

/// How often a group is sent again that lost against others, or met an id that is in the log by now.
const ATTEMPTS: u32 = 8;

/// The most events of a group of several appends: while the server writes them, those who wait make the next.
const GROUP_EVENTS: usize = 1000;

/// How far into the queue a group looks for appends that fit.
const LOOKAHEAD: usize = 1024;

/// Appends that share a commit.
#[derive(Default)]
pub(crate) struct Group {
    appends: Vec<Append>,
    /// None for the whole log.
    names: Option<Names>,
    bytes: usize,
    ids: HashSet<EventId>,
    streams: HashSet<StreamName>,
}

impl Group {
    /// Takes what fits together, in order; the rest stays.
    pub(crate) fn take(queue: &mut VecDeque<Append>, config: &Config, known: u64) -> Self {
        let mut group = Self::of([]);
        let mut left = VecDeque::new();
        for _ in 0..queue.len().min(LOOKAHEAD) {
            let Some(append) = queue.pop_front() else { break };
            if append.reply.is_closed() {
                continue;
            }
            if !group.takes(&append.batch, config, known) {
                left.push_back(append);
                continue;
            }
            group.push(append);
            if is_alone(&group.appends[0].batch, known)
                || group.appends.len() == config.batch_appends
            {
                break;
            }
        }
        left.append(queue);
        *queue = left;
        group
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.appends.is_empty()
    }

    fn takes(&self, batch: &Batch, config: &Config, known: u64) -> bool {
        if self.appends.is_empty() {
            return true;
        }
        let events = self.ids.len() + batch.events.len();
        let fits = events <= GROUP_EVENTS
            && self.bytes + batch.bytes <= config.batch_bytes
            && self.has_room_for(batch, config);
        fits && !is_alone(batch, known)
            && !batch.expected_stream().is_some_and(|stream| self.streams.contains(stream))
            && !batch.events.iter().any(|event| self.ids.contains(&event.id))
    }

    /// Whether the names stay few enough. A group that locks the whole log takes whatever comes.
    fn has_room_for(&self, batch: &Batch, config: &Config) -> bool {
        match (&self.names, &batch.names) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(more)) => own.len_with(more) <= config.batch_names,
        }
    }

    pub(crate) fn of(appends: impl IntoIterator<Item = Append>) -> Self {
        let mut group = Self { names: Some(Names::default()), ..Self::default() };
        appends.into_iter().for_each(|append| group.push(append));
        group
    }

    fn push(&mut self, append: Append) {
        match (&mut self.names, &append.batch.names) {
            (Some(own), Some(more)) => own.merge(more),
            (names, None) => *names = None,
            (None, Some(_)) => {}
        }
        self.bytes += append.batch.bytes;
        self.ids.extend(append.batch.events.iter().map(|event| event.id));
        self.streams.extend(append.batch.streams().cloned());
        self.appends.push(append);
    }

    fn batches(&self) -> Vec<&Batch> {
        self.appends.iter().map(|append| &append.batch).collect()
    }

    /// Writes what need not wait. Appends that meet others in flight wait beside the worker, so that nobody
    /// else waits with them.
    pub(crate) async fn write_at_once(mut self, shared: &Arc<Shared>) {
        while !self.appends.is_empty() {
            match self.send(shared, false).await {
                Ok(Answer { held: Some(held), .. }) => {
                    let (waiting, free) = self.split(&held);
                    for group in waiting {
                        let shared = Arc::clone(shared);
                        tokio::spawn(async move { group.write_patiently(&shared).await });
                    }
                    self = free;
                }
                outcome => return self.finish(outcome, shared).await,
            }
        }
    }

    /// Waits for whatever others hold.
    async fn write_patiently(self, shared: &Shared) {
        let Reader { connections, lock_timeout, .. } = &*shared.reader;
        let _turn = match connections.turn_to_wait(*lock_timeout).await {
            Ok(turn) => turn,
            Err(error) => return self.fail(&error),
        };
        let outcome = self.send(shared, true).await;
        self.finish(outcome, shared).await;
    }

    async fn finish(self, outcome: Result<Answer, Error>, shared: &Shared) {
        match outcome {
            Ok(answer) => self.answer(&answer, shared),
            Err(error) if self.appends.len() > 1 && may_be_of_one(&error) => {
                for append in self.appends {
                    let alone = Self::of([append]);
                    match alone.send(shared, true).await {
                        Ok(answer) => alone.answer(&answer, shared),
                        Err(error) => alone.fail(&error),
                    }
                }
            }
            Err(error) => self.fail(&error),
        }
    }

    /// One group for each name that others hold, and the rest.
    fn split(self, held: &[i32]) -> (Vec<Self>, Self) {
        let Some(names) = self.names else { return (vec![self], Self::of([])) };
        let held = names.at(held);
        let mut waiting: Vec<Vec<Append>> = held.iter().map(|_| Vec::new()).collect();
        let mut free = Vec::new();
        for append in self.appends {
            let has = |name: &&str| append.batch.names.as_ref().is_some_and(|n| n.contains(name));
            match held.iter().position(has) {
                Some(place) => waiting[place].push(append),
                None => free.push(append),
            }
        }
        let waiting = waiting.into_iter().filter(|appends| !appends.is_empty());
        (waiting.map(Self::of).collect(), Self::of(free))
    }

    async fn send(&self, shared: &Shared, patient: bool) -> Result<Answer, Error> {
        let Reader { connections, statements, lock_timeout, answer_timeout, .. } = &*shared.reader;
        let batches = self.batches();
        let mut locks = Locks { names: self.names.as_ref(), patient, timeout: *lock_timeout };
        let mut attempt = 1;
        loop {
            let lease = connections.lease().await;
            let mut lease = lease.map_err(|error| Error::of(error, Sent::No, *lock_timeout))?;
            let connection = lease.connection();
            let connection =
                connection.map_err(|error| Error::of(error, Sent::No, *lock_timeout))?;
            let answer = statement::run(connection, &statements.append, &batches, locks);
            match answered(*answer_timeout, answer).await.flatten() {
                Ok(answer) => {
                    lease.done();
                    return Ok(answer);
                }
                Err(error) if attempt < ATTEMPTS && is_worth_another(&error) => {
                    lease.done();
                    attempt += 1;
                }
                Err(error) if locks.names.is_some() && is_full_of_locks(&error) => {
                    lease.done();
                    locks.names = None;
                }
                Err(error) => {
                    let is_answer = matches!(error, sqlx::Error::Database(_));
                    let error = Error::of(error, Sent::Yes, *lock_timeout);
                    if error.is_of_connection() {
                        connections.forget();
                    } else if is_answer {
                        lease.done();
                    }
                    return Err(error);
                }
            }
        }
    }

    fn answer(self, answer: &Answer, shared: &Shared) {
        shared.head.publish(answer.head());
        let verdicts = answer.verdicts(&self.batches());
        for (append, verdict) in self.appends.into_iter().zip(verdicts) {
            // Nobody listens if the caller dropped its future.
            drop(append.reply.send(verdict));
        }
    }

    fn fail(self, error: &Error) {
        for append in self.appends {
            drop(append.reply.send(Err(StoreError::from(error.clone()).into())));
        }
    }
}

/// A condition beyond what is known of the log may hold for events of its own group or not: only the
/// server can tell.
fn is_alone(batch: &Batch, known: u64) -> bool {
    batch.after().is_some_and(|after| after.get() > known)
}

/// Whether one append of a group may be the cause, with nothing written.
const fn may_be_of_one(error: &Error) -> bool {
    matches!(error, Error::Locked { .. } | Error::Cancelled(_) | Error::Postgres(_))
}

/// Whether nothing was written and the same again may succeed: a deadlock, a serialization failure, an id
/// that another append wrote meanwhile and that the next look finds, a plan that was made before a change.
fn is_worth_another(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    matches!(error.code().as_deref(), Some("40001" | "40P01" | "23505" | "0A000" | "26000"))
}

/// Whether the server has no room for so many locks: the lock on the whole log is one.
fn is_full_of_locks(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    error.code().as_deref() == Some("53200")
}
