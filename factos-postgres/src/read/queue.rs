use std::{collections::VecDeque, sync::Arc};

use factos::ReadOptions;
use tokio::sync::{Semaphore, oneshot};

use super::{
    grouped::ReadRequest,
    reader::Reader,
    selection::{FirstPage, Selection},
};
use crate::{
    config::Config,
    error::Error,
    lock_names::LockNames,
    work_queue::{WorkQueue, Worker},
};

/// How many reads may go by a statement of their own at a time, and how many grouped statements besides.
const SINGLE: usize = 2;
const GROUPED: usize = 2;

/// Reads that come while others are in flight: one statement reads the first pages of several.
///
/// A grouped statement waits for no lock. A read that meets an append in flight is sent again by itself, and so
/// is each read if the statement fails, so that it gets the error by itself.
#[derive(Debug)]
pub(crate) struct ReadQueue {
    reader: Arc<Reader>,
    queue: Arc<WorkQueue<ReadRequest>>,
    single: Semaphore,
    /// How many names a grouped statement may lock.
    most_names: usize,
}

impl ReadQueue {
    pub(crate) fn new(config: &Config, reader: Arc<Reader>) -> Self {
        Self {
            reader,
            // A read that is dropped here is sent by itself.
            queue: Arc::new(WorkQueue::new(GROUPED, drop)),
            single: Semaphore::new(SINGLE),
            most_names: config.batch_names,
        }
    }

    /// The first page of a read.
    pub(crate) async fn first_page(
        self: &Arc<Self>,
        selection: &Selection,
        names: Option<&LockNames>,
        options: ReadOptions,
    ) -> Result<FirstPage, Error> {
        if let Some(names) = names.filter(|_| !options.backwards) {
            if let Ok(_permit) = self.single.try_acquire() {
                return self.reader.first_page(selection, Some(names), options).await;
            }
            let (reply, first_page) = oneshot::channel();
            let (selection, names) = (selection.clone(), names.clone());
            let request = ReadRequest { selection, names, options, reply };
            if let Some(worker) = self.queue.push(request) {
                self.start(worker);
            }
            if let Ok(first_page) = first_page.await {
                return Ok(first_page);
            }
        }
        let log = &self.reader.log;
        let _permit = log.connections.permit_to_wait(log.lock_timeout).await?;
        self.reader.first_page(selection, names, options).await
    }

    fn start(self: &Arc<Self>, worker: Worker<ReadRequest>) {
        tokio::spawn(Arc::clone(self).run(worker));
    }

    async fn run(self: Arc<Self>, worker: Worker<ReadRequest>) {
        let take = |queue: &mut VecDeque<ReadRequest>| take(queue, self.most_names);
        let read = |group| self.reader.first_pages(group);
        worker.run(take, read, |another| self.start(another)).await;
    }
}

/// As many reads as one statement may lock the names of.
fn take(queue: &mut VecDeque<ReadRequest>, most_names: usize) -> Option<Vec<ReadRequest>> {
    let (mut group, mut names) = (Vec::new(), 0);
    while let Some(next) = queue.front() {
        names += next.names.len();
        if names > most_names && !group.is_empty() {
            break;
        }
        group.extend(queue.pop_front().filter(|next| !next.reply.is_closed()));
    }
    (!group.is_empty()).then_some(group)
}
