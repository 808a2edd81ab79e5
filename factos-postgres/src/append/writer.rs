//! Group commit: appends that wait are sent together.

use std::{collections::VecDeque, sync::Arc};

use factos::StoreError;
use tokio::sync::oneshot;

use crate::{
    append::group::Group,
    append::statement::{Batch, Verdict},
    error::Error,
    store::Shared,
    work_queue::{Worker, Workers},
};

#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) batch: Batch,
    pub(crate) reply: oneshot::Sender<Verdict>,
}

pub(crate) type Queue = Workers<Append>;

/// For appends that are told if they cannot be sent.
pub(crate) fn queue(workers: usize) -> Arc<Queue> {
    Arc::new(Queue::new(workers, |append| {
        drop(append.reply.send(Err(StoreError::from(Error::NotSent).into())));
    }))
}

/// Sends an append ahead if none is, or queues it and starts a worker if none is about to take it.
///
/// What shares a commit takes the server a while to get through. One append is through at once, so the
/// server is on its way to the disk, or waits for others to join (`commit_delay`), while it works on those.
/// Not what locks the whole log: the others would wait for it.
pub(crate) fn push(shared: &Arc<Shared>, append: Append) {
    if append.batch.names.is_some()
        && let Ok(turn) = Arc::clone(&shared.ahead).try_acquire_owned()
    {
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            Group::of([append]).write_at_once(&shared).await;
            drop(turn);
        });
        return;
    }
    if let Some(worker) = shared.queue.push(append) {
        start(shared, worker);
    }
}

fn start(shared: &Arc<Shared>, worker: Worker<Append>) {
    tokio::spawn(run(Arc::clone(shared), worker));
}

async fn run(shared: Arc<Shared>, worker: Worker<Append>) {
    let take = |waiting: &mut VecDeque<Append>| {
        let group = Group::take(waiting, &shared.config, shared.known());
        (!group.is_empty()).then_some(group)
    };
    let write = |group: Group| group.write_at_once(&shared);
    worker.run(take, write, |another| start(&shared, another)).await;
}
