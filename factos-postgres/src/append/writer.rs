use std::{collections::VecDeque, sync::Arc};

use factos::backend::{AppendRequest, Verdict};
use sqlx::PgConnection;
use tokio::sync::Semaphore;

use super::{
    batch::Batch,
    group::{Group, Request},
    statement::{self, Answer, Locks},
};
use crate::{
    config::Config,
    error::{Error, Sent, rolls_back, sqlstate},
    log::Log,
    work_queue::{WorkQueue, Worker},
};

/// How often a group is sent that lost against others, or met an id that is in the log by now.
const ATTEMPTS: u32 = 8;

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
        let locks =
            Locks { names: batch.names.as_ref(), is_patient: true, timeout: log.lock_timeout };
        let answer = statement::run(transaction, &log.statements.append, &batches, locks).await;
        let mut verdicts = answer.map_err(|error| log.error(error))?.verdicts(&batches);
        verdicts.pop().unwrap_or_else(|| Err(Error::Answer("no verdict").into()))
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
            tokio::spawn(async move {
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
        tokio::spawn(Arc::clone(self).run(worker));
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
async fn write(log: &Arc<Log>, mut group: Group) {
    while !group.is_empty() {
        match send(log, &group, false).await {
            Ok(Answer { held: Some(held), .. }) => {
                let (waiting, free) = group.split(&held);
                for group in waiting {
                    let log = Arc::clone(log);
                    tokio::spawn(async move { write_patiently(&log, group).await });
                }
                group = free;
            }
            outcome => return finish(log, group, outcome).await,
        }
    }
}

/// Writes a group once it has its locks.
async fn write_patiently(log: &Log, group: Group) {
    let _permit = match log.connections.permit_to_wait(log.lock_timeout).await {
        Ok(permit) => permit,
        Err(error) => return group.fail(&error),
    };
    let outcome = send(log, &group, true).await;
    finish(log, group, outcome).await;
}

/// Tells each caller of a group. If one append alone may have made the group fail, each is tried by itself.
async fn finish(log: &Log, group: Group, outcome: Result<Answer, Error>) {
    match outcome {
        Err(error) if group.len() > 1 && may_be_of_one(&error) => {
            for single in group.singles() {
                let outcome = send(log, &single, true).await;
                tell(log, single, outcome);
            }
        }
        outcome => tell(log, group, outcome),
    }
}

fn tell(log: &Log, group: Group, outcome: Result<Answer, Error>) {
    match outcome {
        Ok(answer) => {
            log.head.publish(answer.head());
            let verdicts = answer.verdicts(&group.batches());
            group.committed(verdicts);
        }
        Err(error) => group.fail(&error),
    }
}

async fn send(log: &Log, group: &Group, is_patient: bool) -> Result<Answer, Error> {
    let batches = group.batches();
    let mut locks = Locks { names: group.names.as_ref(), is_patient, timeout: log.lock_timeout };
    let mut attempt = 1;
    loop {
        let mut lease = log.lease().await?;
        let append = &log.statements.append;
        let answer = statement::run(lease.connection()?, append, &batches, locks);
        match log.answered(answer).await.flatten() {
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
                let is_of_server = matches!(error, sqlx::Error::Database(_));
                let error = Error::of(error, Sent::Yes, log.lock_timeout);
                if error.is_of_connection() {
                    log.connections.close_kept();
                } else if is_of_server {
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

/// Whether the server's lock table is full: the lock on the whole log takes one entry only.
fn is_full_of_locks(error: &sqlx::Error) -> bool {
    rolls_back(error) && sqlstate(error).as_deref() == Some("53200")
}
