use std::{collections::VecDeque, sync::Arc};

use factos::ReadOptions;
use tokio::sync::{Semaphore, oneshot};

use super::selection::{FirstPage, Selection};
use super::{grouped::ReadRequest, reader::Reader};
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
        &self,
        selection: &Selection,
        names: Option<&LockNames>,
        options: ReadOptions,
    ) -> Result<FirstPage, Error> {
        let Some(names) = names.filter(|_| !options.backwards) else {
            return self.with_permit_to_wait(selection, names, options).await;
        };
        if let Ok(_permit) = self.single.try_acquire() {
            return self.reader.first_page(selection, Some(names), options).await;
        }
        let (reply, first_page) = oneshot::channel();
        let request =
            ReadRequest { selection: selection.clone(), names: names.clone(), options, reply };
        if let Some(worker) = self.queue.push(request) {
            start(&self.reader, worker, self.most_names);
        }
        match first_page.await {
            Ok(first_page) => Ok(first_page),
            Err(_) => self.with_permit_to_wait(selection, Some(names), options).await,
        }
    }

    async fn with_permit_to_wait(
        &self,
        selection: &Selection,
        names: Option<&LockNames>,
        options: ReadOptions,
    ) -> Result<FirstPage, Error> {
        let log = &self.reader.log;
        let _permit = log.connections.permit_to_wait(log.lock_timeout).await?;
        self.reader.first_page(selection, names, options).await
    }
}

fn start(reader: &Arc<Reader>, worker: Worker<ReadRequest>, most_names: usize) {
    tokio::spawn(run(Arc::clone(reader), worker, most_names));
}

async fn run(reader: Arc<Reader>, worker: Worker<ReadRequest>, most_names: usize) {
    let take = |queue: &mut VecDeque<ReadRequest>| take(queue, most_names);
    let read = |group| reader.first_pages(group);
    worker.run(take, read, |another| start(&reader, another, most_names)).await;
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
