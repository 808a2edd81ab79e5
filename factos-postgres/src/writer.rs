//! Group commit: appends that wait are sent together.

use std::{collections::VecDeque, sync::Arc};

use factos::StoreError;
use tokio::sync::oneshot;

use crate::{
    append::{Batch, Verdict},
    error::Error,
    group::Group,
    store::Shared,
    workers::{Worker, Workers},
};

#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) batch: Batch,
    pub(crate) reply: oneshot::Sender<Verdict>,
}

pub(crate) type Queue = Workers<Append>;

/// For appends that are told if they cannot be sent.
pub(crate) fn queue() -> Arc<Queue> {
    Arc::new(Queue::new(|append| {
        drop(append.reply.send(Err(StoreError::from(Error::NotSent).into())));
    }))
}

/// Queues an append, and starts a worker if none is about to take it.
pub(crate) fn push(shared: &Arc<Shared>, append: Append) {
    start(shared, shared.queue.push(append, shared.config.workers));
}

fn start(shared: &Arc<Shared>, worker: Option<Worker<Append>>) {
    if let Some(worker) = worker {
        tokio::spawn(run(Arc::clone(shared), worker));
    }
}

async fn run(shared: Arc<Shared>, mut worker: Worker<Append>) {
    let take = |waiting: &mut VecDeque<Append>| {
        let group = Group::take(waiting, &shared.config, shared.known());
        (!group.is_empty()).then_some(group)
    };
    while let Some(group) = worker.next(take).await {
        start(&shared, shared.queue.another(shared.config.workers));
        group.write_at_once(&shared).await;
    }
}
