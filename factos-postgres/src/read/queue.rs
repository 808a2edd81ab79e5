//! Reads that come while others are under way: their first pages are asked for together.
//!
//! What is read together waits for nobody: a read that meets a writer in flight is told so, and goes on
//! alone. So does each if the statement fails, and meets the error by itself.

use std::{collections::VecDeque, sync::Arc};

use factos::ReadOptions;
use tokio::sync::{Semaphore, oneshot};

use crate::{
    error::Error,
    lock_names::Names,
    read::grouped::Waiting,
    read::reader::{Begun, Reader, Selection},
    work_queue::{Worker, Workers},
};

/// How many reads go alone at a time, and how many statements that read for several.
const ALONE: usize = 2;
const WORKERS: usize = 2;

#[derive(Debug)]
pub(crate) struct ReadQueue {
    waiting: Arc<Workers<Waiting>>,
    /// The turns of the reads that go alone.
    alone: Semaphore,
}

impl ReadQueue {
    pub(crate) fn new() -> Self {
        // Whoever is not answered goes on alone.
        Self { waiting: Arc::new(Workers::new(WORKERS, drop)), alone: Semaphore::new(ALONE) }
    }

    /// The first page of a read.
    pub(crate) async fn begin(
        &self,
        reader: &Arc<Reader>,
        selection: &Selection,
        names: Option<&Names>,
        options: ReadOptions,
    ) -> Result<Begun, Error> {
        let Some(names) = names.filter(|_| !options.backwards) else {
            let _turn = reader.connections.turn_to_wait(reader.lock_timeout).await?;
            return reader.begin(selection, names, options).await;
        };
        if let Ok(_alone) = self.alone.try_acquire() {
            return reader.begin(selection, Some(names), options).await;
        }
        let (reply, begun) = oneshot::channel();
        let waiting =
            Waiting { selection: selection.clone(), names: names.clone(), options, reply };
        if let Some(worker) = self.waiting.push(waiting) {
            start(reader, worker);
        }
        match begun.await {
            Ok(begun) => Ok(begun),
            Err(_) => {
                let _turn = reader.connections.turn_to_wait(reader.lock_timeout).await?;
                reader.begin(selection, Some(names), options).await
            }
        }
    }
}

fn start(reader: &Arc<Reader>, worker: Worker<Waiting>) {
    tokio::spawn(run(Arc::clone(reader), worker));
}

async fn run(reader: Arc<Reader>, worker: Worker<Waiting>) {
    let take = |waiting: &mut VecDeque<Waiting>| take(waiting, reader.most_names);
    let read = |group| reader.begin_many(group);
    worker.run(take, read, |another| start(&reader, another)).await;
}

/// As many as fit: each name takes a lock.
fn take(waiting: &mut VecDeque<Waiting>, most_names: usize) -> Option<Vec<Waiting>> {
    let (mut group, mut names) = (Vec::new(), 0);
    while let Some(next) = waiting.front() {
        names += next.names.len();
        if names > most_names && !group.is_empty() {
            break;
        }
        group.extend(waiting.pop_front().filter(|next| !next.reply.is_closed()));
    }
    (!group.is_empty()).then_some(group)
}
