use std::{collections::VecDeque, sync::Arc, time::Duration};

use factos::backend::{AppendRequest, Verdict};
use futures_util::{FutureExt, future::BoxFuture};
use sqlx::PgConnection;
use tokio::{spawn, sync::Semaphore, time::timeout};

use super::{
    attempt::{Cause, Committed, Failed, Reply},
    batch::Batch,
    group::{Group, Request},
    hook::{Hook, HookError, lost_against_another},
    hook_pace::HookPace,
    hooked::Hooked,
    lent,
    pipeline::{Pipeline, Session},
    single::Single,
    statement::{self, Locks},
};
use crate::{
    config::Config,
    connection::answered,
    deadline::Deadline,
    error::{Error, Sent, rolls_back, sqlstate},
    lock_names::LockNames,
    log::Log,
    work_queue::{WorkQueue, Worker},
};

/// How often a group is sent that lost against others, or met an id that is in the log by now.
const ATTEMPTS: u32 = 8;

/// How long appends that met a held lock, while others wait for it, leave it at that.
const PAUSE: Duration = Duration::from_millis(20);

/// Group commit: appends that are queued are sent together.
#[derive(Debug)]
pub(crate) struct Writer {
    line: Line,
    queue: Arc<WorkQueue<Request>>,
    /// The permit of the append that is sent ahead. None where only one transaction at a time can append.
    ahead: Arc<Semaphore>,
    config: Config,
}

/// Where groups are sent, and what runs with each append of theirs. A clone is the same.
#[derive(Debug, Clone)]
struct Line {
    log: Arc<Log>,
    hook: Option<Hook>,
    pace: Arc<HookPace>,
    /// The turn of the one append that is tried again after its hook lost against another transaction.
    turn: Arc<Semaphore>,
}

/// Why nothing of a group is told as written.
enum Failure {
    Store(Error),
    Hook(HookError),
}

impl Writer {
    pub(crate) fn new(config: &Config, log: Arc<Log>) -> Self {
        Self::with(config.clone(), log, None)
    }

    /// A writer with a queue of its own, whose appends have this hook, after the one that appends have here.
    pub(crate) fn with_hook(&self, hook: Hook) -> Self {
        let Line { log, hook: first, .. } = &self.line;
        let hook = match first {
            Some(first) => first.clone().then(hook),
            None => hook,
        };
        Self::with(self.config.clone(), Arc::clone(log), Some(hook))
    }

    fn with(config: Config, log: Arc<Log>, hook: Option<Hook>) -> Self {
        let not_sent = |request: Request| request.answer(Err(Error::NotSent.into()));
        // With hooks, groups follow one another on a connection: two at a time would wait for the same processors.
        let workers = if hook.is_some() { config.workers.div_ceil(2) } else { config.workers };
        Self {
            queue: Arc::new(WorkQueue::new(workers, not_sent)),
            ahead: Arc::new(Semaphore::new(usize::from(log.is_keyed))),
            config,
            line: Line { log, hook, pace: Arc::default(), turn: Arc::new(Semaphore::new(1)) },
        }
    }

    pub(crate) async fn append(self: &Arc<Self>, batch: Batch) -> Verdict {
        let (request, reply) = AppendRequest::new(batch);
        self.push(request);
        reply.verdict_or(|| Error::WriterGone.into()).await
    }

    /// Appends within a transaction of the caller's.
    pub(crate) async fn append_in(&self, transaction: &mut PgConnection, batch: &Batch) -> Verdict {
        let Line { log, hook, .. } = &self.line;
        match hook {
            None => lent::append(log, transaction, batch).await,
            Some(hook) => lent::append_with_hook(log, transaction, batch, hook).await,
        }
    }

    /// Sends an append ahead if none is, or queues it and starts a worker if the queue needs one.
    ///
    /// The server works on a group for a while, but commits a single append at once. So it already flushes
    /// that one, or waits for others to join the flush (`commit_delay`), while it works on the group. An append
    /// that locks the whole log is never sent ahead: the others would wait for it.
    fn push(self: &Arc<Self>, request: Request) {
        if request.batch().names.is_some()
            && let Ok(permit) = Arc::clone(&self.ahead).try_acquire_owned()
        {
            let (line, group) = (self.line.clone(), Group::of([request]));
            spawn(async move {
                write(&line, group, None).await;
                drop(permit);
            });
            return;
        }
        if let Some(worker) = self.queue.push(request) {
            self.start(worker);
        }
    }

    fn start(self: &Arc<Self>, worker: Worker<Request>) {
        spawn(Arc::clone(self).run(worker));
    }

    async fn run(self: Arc<Self>, worker: Worker<Request>) {
        let line = &self.line;
        let pipeline = Pipeline::new(Arc::clone(&self.queue));
        let take = |queue: &mut VecDeque<Request>| {
            let group = Group::take(queue, &self.config, line.most(), line.log.head.last());
            (!group.is_empty()).then_some(group)
        };
        let write = |group| write(line, group, Some(&pipeline));
        worker.run(take, write, |another| self.start(another)).await;
        pipeline.end(&line.log).await;
    }
}

/// Writes the appends of a group that need not wait for locks. The others wait in tasks of their own, so that
/// nobody else waits with them.
fn write<'a>(line: &'a Line, group: Group, pipeline: Option<&'a Pipeline>) -> BoxFuture<'a, ()> {
    async move {
        let mut group = group.in_time();
        while let Some(deadline) = group.deadline() {
            match line.send(&group, deadline, false, pipeline).await {
                Ok(Reply::Held(held)) => {
                    let (waiting, free) = group.split(&held);
                    for (name, group) in waiting {
                        spawn(write_once_free(line.clone(), group, name));
                    }
                    group = free.in_time();
                }
                Ok(Reply::Again) => group = group.in_time(),
                Ok(Reply::Committed(committed)) => return tell(&line.log, group, committed),
                Err(failure) => return write_apart(line, group, failure),
            }
        }
    }
    .boxed()
}

/// Writes the appends of a group that failed, with nothing written, as one of them alone may have made it: in
/// halves, so that the others need not wait for that one. One append that met a lock is sent again, to wait.
fn write_apart(line: &Line, group: Group, failure: Failure) {
    if group.len() > 1 && failure.may_be_of_one() {
        for half in group.halves() {
            let line = line.clone();
            spawn(async move { write(&line, half, None).await });
        }
    } else if matches!(failure, Failure::Store(Error::Locked { .. })) && group.len() == 1 {
        let name = group.names.as_ref().and_then(LockNames::first).unwrap_or_default().into();
        spawn(write_once_free(line.clone(), group, name));
    } else {
        failure.tell(group);
    }
}

/// Writes a group that met a held lock, once it has it. One group for each such lock waits on the server; the
/// others try again after a pause.
fn write_once_free(line: Line, group: Group, name: Arc<str>) -> BoxFuture<'static, ()> {
    async move {
        let group = group.in_time();
        let Some(deadline) = group.deadline() else { return };
        let Some(_turn) = line.log.connections.turn_to_wait(&name) else {
            line.log.connections.turn_ended(PAUSE.min(deadline.locks())).await;
            return write(&line, group, None).await;
        };
        match line.send(&group, deadline, true, None).await {
            Ok(Reply::Committed(committed)) => tell(&line.log, group, committed),
            Ok(Reply::Held(_) | Reply::Again) => {
                group.fail(&Error::no_verdict("a lock was not waited for"))
            }
            Err(failure) if group.len() > 1 => write_apart(&line, group, failure),
            Err(failure) => failure.tell(group),
        }
    }
    .boxed()
}

fn tell(log: &Log, group: Group, committed: Committed) {
    let Committed { verdicts, head, run } = committed;
    log.head.publish(head);
    let last = verdicts.iter().rev().find_map(|verdict| verdict.as_ref().ok()?.last());
    log.incarnation.told_of(last.map_or(&[], std::slice::from_ref), run);
    group.committed(verdicts);
}

impl Line {
    /// How many appends may share a commit, as far as their hooks are concerned.
    fn most(&self) -> usize {
        self.hook.as_ref().map_or(usize::MAX, |_| self.pace.most())
    }

    async fn send(
        &self,
        group: &Group,
        deadline: Deadline,
        is_patient: bool,
        pipeline: Option<&Pipeline>,
    ) -> Result<Reply, Failure> {
        let log = &*self.log;
        let batches = group.batches();
        let (names, durability) = (group.names.as_ref(), Some(log.durability));
        let mut locks = Locks {
            names,
            is_patient,
            timeout: deadline.locks(),
            durability,
            later_statements: None,
        };
        let mut attempt = 1;
        let mut turn = None;
        loop {
            let (mut lease, begun) = match pipeline.and_then(Pipeline::take) {
                Some((lease, begun)) => (lease, Some(begun)),
                None => (log.lease(deadline).await?, None),
            };
            locks.timeout = deadline.locks();
            let connection = lease.connection()?;
            let sent = match &self.hook {
                None => {
                    let single = Single::of(&batches, locks).filter(|_| log.is_keyed);
                    self.attempt(connection, &batches, single, locks, deadline).await
                }
                Some(hook) => {
                    let (pace, batches) = (&*self.pace, &*batches);
                    let hooked = Hooked { log, hook, pace, batches, deadline, pipeline };
                    hooked.send(connection, locks, begun).await
                }
            };
            let Failed { cause, is_usable } = match sent {
                Ok((reply, session)) => {
                    session.leave(lease, pipeline);
                    return Ok(reply);
                }
                Err(failed) => failed,
            };
            let is_last = attempt == ATTEMPTS;
            attempt += 1;
            match cause {
                Cause::Statement(error, _) if !is_last && is_worth_another(&error) => {
                    lease.end(is_usable);
                }
                Cause::Statement(error, _) if !is_last && is_of_other_server(&error) => {
                    log.verify(&mut lease, deadline).await?;
                    lease.end(is_usable);
                }
                Cause::Statement(error, _) if locks.names.is_some() && is_full_of_locks(&error) => {
                    lease.end(is_usable);
                    locks.names = None;
                }
                Cause::Hook(error)
                    if !is_last && batches.len() == 1 && lost_against_another(&error) =>
                {
                    lease.end(is_usable);
                    if turn.is_none() {
                        turn = timeout(deadline.locks(), self.turn.acquire()).await.ok();
                    }
                }
                cause => {
                    let failure = Failure::of(cause, deadline);
                    if matches!(&failure, Failure::Store(error) if error.is_of_connection()) {
                        log.connection_lost();
                    } else {
                        lease.end(is_usable);
                    }
                    return Err(failure);
                }
            }
        }
    }

    /// Sends the group once, as one statement.
    async fn attempt(
        &self,
        connection: &mut PgConnection,
        batches: &[&Batch],
        single: Option<Single<'_>>,
        locks: Locks<'_>,
        deadline: Deadline,
    ) -> Result<(Reply, Session), Failed> {
        let log = &*self.log;
        let (statements, run) = (&log.statements, log.incarnation.verified());
        let answer = async {
            match single {
                Some(single) => single.send(connection, &statements.append_one, run).await,
                None => statement::run(connection, &statements.append, batches, locks, run).await,
            }
        };
        match answered(deadline.answer(), answer).await.flatten() {
            Ok(answer) => Ok((Reply::of(answer, batches), Session::Clean)),
            Err(error) => {
                let is_usable = error.as_database_error().is_some() && rolls_back(&error);
                Err(Failed { cause: Cause::Statement(error, Sent::Yes), is_usable })
            }
        }
    }
}

impl Failure {
    fn of(cause: Cause, deadline: Deadline) -> Self {
        match cause {
            Cause::Statement(error, sent) => {
                Self::Store(Error::of(error, sent, deadline.lock_timeout()))
            }
            Cause::Store(error) => Self::Store(error),
            Cause::Hook(error) => Self::Hook(error),
        }
    }

    /// Whether one append of a group may be the cause, with nothing written.
    const fn may_be_of_one(&self) -> bool {
        matches!(
            self,
            Self::Hook(_)
                | Self::Store(Error::Locked { .. } | Error::Cancelled(_) | Error::Postgres(_))
        )
    }

    /// Tells each caller that the group failed as a whole.
    fn tell(self, group: Group) {
        match self {
            Self::Store(error) => group.fail(&error),
            Self::Hook(error) => group.fail_in_hook(error),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// Whether nothing was written and the same statement may succeed now: after a deadlock, a serialization
/// failure, an id that another append wrote meanwhile and that the next attempt finds, or a plan that was made
/// before the schema changed.
fn is_worth_another(error: &sqlx::Error) -> bool {
    let may_succeed = ["40001", "40P01", "23505", "0A000", "26000"];
    rolls_back(error) && sqlstate(error).is_some_and(|code| may_succeed.contains(&&*code))
}

/// Whether another run of the server answers than the one that was verified. Nothing was done.
fn is_of_other_server(error: &sqlx::Error) -> bool {
    rolls_back(error) && sqlstate(error).as_deref() == Some("FC002")
}

/// Whether the server's lock table is full: the lock on the whole log takes one entry only.
fn is_full_of_locks(error: &sqlx::Error) -> bool {
    rolls_back(error) && sqlstate(error).as_deref() == Some("53200")
}
