use std::{collections::VecDeque, sync::Arc, time::Duration};

use factos::backend::{AppendRequest, Verdict};
use futures_util::{FutureExt, future::BoxFuture};
use sqlx::PgConnection;
use tokio::{spawn, sync::Semaphore};

use super::{
    batch::Batch,
    group::{Group, Request},
    statement::{self, Answer, Locks},
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
    log: Arc<Log>,
    queue: Arc<WorkQueue<Request>>,
    /// The permit of the append that is sent ahead. None where only one transaction at a time can append.
    ahead: Arc<Semaphore>,
    config: Config,
}

impl Writer {
    pub(crate) fn new(config: &Config, log: Arc<Log>) -> Self {
        let not_sent = |request: Request| request.answer(Err(Error::NotSent.into()));
        Self {
            queue: Arc::new(WorkQueue::new(config.workers, not_sent)),
            ahead: Arc::new(Semaphore::new(usize::from(log.is_keyed))),
            config: config.clone(),
            log,
        }
    }

    pub(crate) async fn append(self: &Arc<Self>, batch: Batch) -> Verdict {
        let (request, reply) = AppendRequest::new(batch);
        self.push(request);
        reply.verdict_or(|| Error::WriterGone.into()).await
    }

    /// Appends within a transaction of the caller's.
    pub(crate) async fn append_in(&self, transaction: &mut PgConnection, batch: Batch) -> Verdict {
        let log = &*self.log;
        let batches = [&batch];
        let locks = Locks {
            names: batch.names.as_ref(),
            is_patient: true,
            timeout: batch.deadline.locks(),
            durability: None,
        };
        log.incarnation.check()?;
        let run = log.incarnation.verified();
        let append = &log.statements.append;
        let answer = statement::run(transaction, append, &batches, locks, run);
        let answer = match answered(batch.deadline.answer(), answer).await.flatten() {
            Ok(answer) => answer,
            Err(error) => {
                let error = log.failed_in_transaction(log.error(error), batch.deadline).await;
                return Err(error.into());
            }
        };
        let mut verdicts = answer.verdicts(&batches);
        verdicts.pop().unwrap_or_else(|| Err(Error::no_verdict("no verdict").into()))
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
            let (log, group) = (Arc::clone(&self.log), Group::of([request]));
            spawn(async move {
                write(&log, group).await;
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
        let take = |queue: &mut VecDeque<Request>| {
            let group = Group::take(queue, &self.config, self.log.head.last());
            (!group.is_empty()).then_some(group)
        };
        let write = |group| write(&self.log, group);
        worker.run(take, write, |another| self.start(another)).await;
    }
}

/// Writes the appends of a group that need not wait for locks. The others wait in tasks of their own, so that
/// nobody else waits with them.
fn write(log: &Arc<Log>, group: Group) -> BoxFuture<'_, ()> {
    async move {
        let mut group = group.in_time();
        while let Some(deadline) = group.deadline() {
            match send(log, &group, deadline, false).await {
                Ok(Answer { held: Some(held), .. }) => {
                    let (waiting, free) = group.split(&held);
                    for (name, group) in waiting {
                        spawn(write_once_free(Arc::clone(log), group, name));
                    }
                    group = free.in_time();
                }
                Err(error) if may_be_of_one(&error) => return write_apart(log, group, &error),
                outcome => return tell(log, group, outcome),
            }
        }
    }
    .boxed()
}

/// Writes the appends of a group that failed, with nothing written, as one of them alone may have made it: in
/// halves, so that the others need not wait for that one. One append that met a lock is sent again, to wait.
fn write_apart(log: &Arc<Log>, group: Group, error: &Error) {
    if group.len() > 1 {
        for half in group.halves() {
            let log = Arc::clone(log);
            spawn(async move { write(&log, half).await });
        }
    } else if matches!(error, Error::Locked { .. }) {
        let name = group.names.as_ref().and_then(LockNames::first).unwrap_or_default().into();
        spawn(write_once_free(Arc::clone(log), group, name));
    } else {
        group.fail(error);
    }
}

/// Writes a group that met a held lock, once it has it. One group for each such lock waits on the server; the
/// others try again after a pause.
fn write_once_free(log: Arc<Log>, group: Group, name: Arc<str>) -> BoxFuture<'static, ()> {
    async move {
        let group = group.in_time();
        let Some(deadline) = group.deadline() else { return };
        let Some(_turn) = log.connections.turn_to_wait(&name) else {
            log.connections.turn_ended(PAUSE.min(deadline.locks())).await;
            return write(&log, group).await;
        };
        match send(&log, &group, deadline, true).await {
            Err(error) if group.len() > 1 && may_be_of_one(&error) => {
                write_apart(&log, group, &error);
            }
            outcome => tell(&log, group, outcome),
        }
    }
    .boxed()
}

fn tell(log: &Log, group: Group, outcome: Result<Answer, Error>) {
    match outcome {
        Ok(answer) => {
            log.head.publish(answer.head());
            let verdicts = answer.verdicts(&group.batches());
            let last = verdicts.iter().rev().find_map(|verdict| verdict.as_ref().ok()?.last());
            log.incarnation.told_of(last.map_or(&[], std::slice::from_ref), answer.run);
            group.committed(verdicts);
        }
        Err(error) => group.fail(&error),
    }
}

async fn send(
    log: &Log,
    group: &Group,
    deadline: Deadline,
    is_patient: bool,
) -> Result<Answer, Error> {
    let batches = group.batches();
    let (names, timeout) = (group.names.as_ref(), deadline.locks());
    let durability = Some(log.durability);
    let mut locks = Locks { names, is_patient, timeout, durability };
    let mut attempt = 1;
    loop {
        let mut lease = log.lease(deadline).await?;
        locks.timeout = deadline.locks();
        let (append, run) = (&log.statements.append, log.incarnation.verified());
        let answer = statement::run(lease.connection()?, append, &batches, locks, run);
        match answered(deadline.answer(), answer).await.flatten() {
            Ok(answer) => {
                lease.done();
                return Ok(answer);
            }
            Err(error) if attempt < ATTEMPTS && is_worth_another(&error) => {
                lease.done();
                attempt += 1;
            }
            Err(error) if attempt < ATTEMPTS && is_of_other_server(&error) => {
                log.verify(&mut lease, deadline).await?;
                lease.done();
                attempt += 1;
            }
            Err(error) if locks.names.is_some() && is_full_of_locks(&error) => {
                lease.done();
                locks.names = None;
            }
            Err(error) => {
                let is_usable = error.as_database_error().is_some() && rolls_back(&error);
                let error = Error::of(error, Sent::Yes, deadline.lock_timeout());
                if error.is_of_connection() {
                    log.connection_lost();
                } else if is_usable {
                    lease.done();
                }
                return Err(error);
            }
        }
    }
}

/// Whether one append of a group may be the cause, with nothing written.
const fn may_be_of_one(error: &Error) -> bool {
    matches!(error, Error::Locked { .. } | Error::Cancelled(_) | Error::Postgres(_))
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
