//! Group commit: appends that wait are sent together, by a few workers.
//!
//! A worker is a task of the runtime of whoever appended when there were too few of them, and lives
//! while there is something to send.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use factos::{EventId, StoreError, StreamName};
use tokio::{sync::oneshot, task::yield_now};

use crate::{
    append::{self, Answer, Batch, Verdict},
    config::Config,
    error::{Error, Sent},
    names::Names,
    read::Reader,
    store::Shared,
};

/// How often a group is sent again that lost against others, or met an id that is in the log by now.
const ATTEMPTS: u32 = 8;

/// Since when no group was taken while all workers are under way, and by how much there may then be more
/// of them.
const SLOW: Duration = Duration::from_millis(1);
const SLOW_WORKERS: usize = 4;

/// How far into the queue a group looks for appends that fit.
const LOOKAHEAD: usize = 1024;

#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) batch: Batch,
    pub(crate) reply: oneshot::Sender<Verdict>,
}

#[derive(Debug, Default)]
pub(crate) struct Queue(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    appends: VecDeque<Append>,
    workers: usize,
    /// Workers that have not taken their group yet.
    gathering: usize,
    /// When a group was last taken.
    taken: Option<Instant>,
}

impl Queue {
    /// Queues an append, and starts a worker if none is about to take it.
    pub(crate) fn push(&self, shared: &Arc<Shared>, append: Append) {
        let mut state = self.lock();
        state.appends.push_back(append);
        if state.gathering == 0 && state.workers < state.most_workers(&shared.config) {
            state.start(shared);
        }
    }

    fn len(&self) -> usize {
        self.lock().appends.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// More where every worker waits for a slow flush: the server flushes for all of them at once.
    fn most_workers(&self, config: &Config) -> usize {
        let slow = self.taken.is_some_and(|taken| taken.elapsed() > SLOW);
        if slow { config.workers.saturating_mul(SLOW_WORKERS) } else { config.workers }
    }

    fn start(&mut self, shared: &Arc<Shared>) {
        self.workers += 1;
        self.gathering += 1;
        tokio::spawn(Worker { shared: Arc::clone(shared), gathering: true }.run());
    }
}

struct Worker {
    shared: Arc<Shared>,
    gathering: bool,
}

impl Worker {
    async fn run(mut self) {
        loop {
            self.gather().await;
            let Some(group) = self.take() else { return };
            group.write(&self.shared).await;
            self.shared.queue.lock().gathering += 1;
            self.gathering = true;
        }
    }

    /// Lets whoever was answered append again, so that it need not wait for the next group.
    async fn gather(&self) {
        let mut queued = self.shared.queue.len();
        loop {
            yield_now().await;
            let now = self.shared.queue.len();
            if now <= queued {
                return;
            }
            queued = now;
        }
    }

    fn take(&mut self) -> Option<Group> {
        let mut state = self.shared.queue.lock();
        let group = Group::take(&mut state.appends, &self.shared.config, self.shared.known());
        state.gathering -= 1;
        state.taken = Some(Instant::now());
        self.gathering = false;
        if group.appends.is_empty() {
            return None;
        }
        let more = !state.appends.is_empty() && state.gathering == 0;
        if more && state.workers < self.shared.config.workers {
            state.start(&self.shared);
        }
        Some(group)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let mut state = self.shared.queue.lock();
        state.workers -= 1;
        state.gathering -= usize::from(self.gathering);
        // Its runtime ended, and nobody else may come to take what is queued.
        let left =
            if state.workers == 0 { std::mem::take(&mut state.appends) } else { VecDeque::new() };
        drop(state);
        for append in left {
            drop(append.reply.send(Err(StoreError::from(Error::NotSent).into())));
        }
    }
}

/// Appends that share a commit.
#[derive(Default)]
struct Group {
    appends: Vec<Append>,
    /// None for the whole log.
    names: Option<Names>,
    bytes: usize,
    ids: HashSet<EventId>,
    streams: HashSet<StreamName>,
}

impl Group {
    /// Takes what fits together, in order; the rest stays.
    fn take(queue: &mut VecDeque<Append>, config: &Config, known: u64) -> Self {
        let mut group = Self { names: Some(Names::default()), ..Self::default() };
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

    fn takes(&self, batch: &Batch, config: &Config, known: u64) -> bool {
        if self.appends.is_empty() {
            return true;
        }
        let fits =
            self.bytes + batch.bytes <= config.batch_bytes && self.has_room_for(batch, config);
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

    async fn write(self, shared: &Shared) {
        match self.send(shared).await {
            Ok(answer) => self.answer(&answer, shared),
            Err(error) if self.appends.len() > 1 && may_be_of_one(&error) => {
                for append in self.appends {
                    let mut alone = Self { names: Some(Names::default()), ..Self::default() };
                    alone.push(append);
                    match alone.send(shared).await {
                        Ok(answer) => alone.answer(&answer, shared),
                        Err(error) => alone.fail(&error),
                    }
                }
            }
            Err(error) => self.fail(&error),
        }
    }

    async fn send(&self, shared: &Shared) -> Result<Answer, Error> {
        let Reader { connections, statements, lock_timeout, .. } = &*shared.reader;
        let batches = self.batches();
        let mut attempt = 1;
        loop {
            let lease = connections.lease().await;
            let mut lease = lease.map_err(|error| Error::of(error, Sent::No, *lock_timeout))?;
            let names = self.names.as_ref();
            let connection = lease.connection();
            let connection =
                connection.map_err(|error| Error::of(error, Sent::No, *lock_timeout))?;
            let run = append::run(connection, &statements.append, &batches, names, *lock_timeout);
            match run.await {
                Ok(answer) => {
                    lease.done();
                    return Ok(answer);
                }
                Err(error) if attempt < ATTEMPTS && is_worth_another(&error) => {
                    lease.done();
                    attempt += 1;
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
