use std::{collections::VecDeque, iter::once, sync::Arc, time::Duration};

use factos::ReadOptions;
use tokio::{sync::Semaphore, time::timeout};

use super::{
    grouped::ReadRequest,
    reader::Reader,
    selection::{FirstPage, Selection},
    whole_log::WholeLogRead,
};
use crate::{
    config::Config,
    deadline::Deadline,
    error::Error,
    lock_names::LockNames,
    work_queue::{WorkQueue, Worker},
};

/// How many reads may go by a statement of their own at a time, and how many grouped statements besides.
const SINGLE: usize = 2;
const GROUPED: usize = 2;

/// How long a read that met an append in flight, while another read waits for that append, leaves it at that.
const PAUSE: Duration = Duration::from_millis(20);

/// Reads that come while others are in flight: one statement reads the first pages of several.
///
/// A grouped statement waits for no lock. Of the reads that meet an append in flight, and of all reads of a
/// statement that fails, one for each boundary is sent again by itself and waits, or gets the error. The others
/// join the groups again after a pause, so that no number of held boundaries takes the connections.
#[derive(Debug)]
pub(crate) struct ReadQueue {
    reader: Arc<Reader>,
    queue: Arc<WorkQueue<ReadRequest>>,
    whole_log: Arc<WorkQueue<WholeLogRead>>,
    single: Semaphore,
    /// The reads that lock no names: they may wait on the server for the appends in flight.
    nameless: Semaphore,
    /// How many names a grouped statement may lock.
    most_names: usize,
}

impl ReadQueue {
    pub(crate) fn new(config: &Config, reader: Arc<Reader>) -> Self {
        let nameless = Semaphore::new(reader.log.connections.share_to_wait());
        Self {
            nameless,
            reader,
            // A read that is dropped here is sent by itself.
            queue: Arc::new(WorkQueue::new(GROUPED, drop)),
            whole_log: Arc::new(WorkQueue::new(1, drop)),
            single: Semaphore::new(SINGLE),
            most_names: config.batch_names,
        }
    }

    pub(super) const fn reader(&self) -> &Arc<Reader> {
        &self.reader
    }

    /// The first page of a read.
    pub(crate) async fn first_page(
        self: &Arc<Self>,
        selection: &Selection,
        names: Option<&LockNames>,
        options: ReadOptions,
        deadline: Deadline,
    ) -> Result<FirstPage, Error> {
        let reader = &self.reader;
        let Some(names) = names.filter(|_| !options.backwards) else {
            if let Some(first_page) = self.shared(selection, options, deadline).await {
                return Ok(first_page);
            }
            let permit = timeout(deadline.locks(), self.nameless.acquire()).await;
            let _permit = permit.map_err(|_| Error::Locked { waited: deadline.lock_timeout() })?;
            return reader.first_page(selection, names, options, deadline).await;
        };
        if let Ok(_permit) = self.single.try_acquire() {
            return reader.first_page(selection, Some(names), options, deadline).await;
        }
        let boundary = names.first().unwrap_or_default();
        loop {
            if let Some(first_page) = self.unless_held(selection, names, options, deadline).await {
                return Ok(first_page);
            }
            if let Some(_turn) = reader.log.connections.turn_to_wait(boundary) {
                return reader.first_page(selection, Some(names), options, deadline).await;
            }
            if deadline.is_over() {
                return Err(Error::Locked { waited: deadline.lock_timeout() });
            }
            reader.log.connections.turn_ended(PAUSE.min(deadline.locks())).await;
        }
    }

    /// The first page by a statement that waits for nobody; none if it meets an append in flight.
    async fn unless_held(
        self: &Arc<Self>,
        selection: &Selection,
        names: &LockNames,
        options: ReadOptions,
        deadline: Deadline,
    ) -> Option<FirstPage> {
        let (selection, names) = (selection.clone(), names.clone());
        let (request, first_page) = ReadRequest::new(selection, names, options, deadline);
        if let Some(worker) = self.queue.push(request) {
            self.start(worker);
        }
        first_page.await.ok()
    }

    /// The first page by a statement for all reads of the whole log that came while the last one was in flight;
    /// none if that fails.
    async fn shared(
        self: &Arc<Self>,
        selection: &Selection,
        options: ReadOptions,
        deadline: Deadline,
    ) -> Option<FirstPage> {
        let (read, first_page) = WholeLogRead::new(selection, options, deadline)?;
        if let Some(worker) = self.whole_log.push(read) {
            self.start_whole_log(worker);
        }
        // The statement before it may wait for appends in flight.
        timeout(deadline.locks(), first_page).await.ok()?.ok()
    }

    fn start_whole_log(self: &Arc<Self>, worker: Worker<WholeLogRead>) {
        let queue = Arc::clone(self);
        tokio::spawn(async move {
            let read = |group| queue.reader.shared_first_page(group);
            worker.run(take_near, read, |another| queue.start_whole_log(another)).await;
        });
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

/// The reads that one page can answer together with the first one.
fn take_near(queue: &mut VecDeque<WholeLogRead>) -> Option<Vec<WholeLogRead>> {
    queue.retain(|read| !read.is_abandoned());
    let first = queue.pop_front()?;
    let (near, far) = queue.drain(..).partition::<Vec<_>, _>(|read| read.is_near(&first));
    queue.extend(far);
    Some(once(first).chain(near).collect())
}

/// As many reads as one statement may lock the names of. Those that are the same count as one.
fn take(queue: &mut VecDeque<ReadRequest>, most_names: usize) -> Option<Vec<ReadRequest>> {
    let (mut group, mut names) = (Vec::<ReadRequest>::new(), 0);
    while let Some(next) = queue.pop_front() {
        if next.is_abandoned() {
            continue;
        }
        if let Some(same) = group.iter_mut().find(|request| request.is_same(&next)) {
            same.join(next);
            continue;
        }
        names += next.names.len();
        if names > most_names && !group.is_empty() {
            queue.push_front(next);
            break;
        }
        group.push(next);
    }
    (!group.is_empty()).then_some(group)
}

#[cfg(test)]
mod tests {
    use factos::{Page, Query, QueryItem, SequencePosition, Tag};
    use tokio::sync::oneshot::Receiver;

    use super::*;

    fn request(show: &str, options: ReadOptions) -> (ReadRequest, Receiver<FirstPage>) {
        let query = Query::item(QueryItem::with_tag(Tag::new("show", show).unwrap()));
        let names = LockNames::of_query(&query).unwrap();
        let second = Duration::from_secs(1);
        let deadline = Deadline::new(second, second);
        ReadRequest::new(Selection::of_query(&query), names, options, deadline)
    }

    #[test]
    fn reads_that_are_the_same_are_one_of_the_group() {
        let all = ReadOptions::all();
        let later = all.after(SequencePosition::new(1));
        let asked =
            [("a", all), ("b", all), ("a", all), ("a", later), ("b", all), ("c", all), ("a", all)];
        let (requests, mut replies): (VecDeque<_>, Vec<_>) =
            asked.iter().map(|(show, options)| request(show, *options)).unzip();
        let mut queue = requests;
        drop(replies.remove(4));
        let group = take(&mut queue, 3).unwrap();
        assert_eq!((group.len(), queue.len()), (3, 2), "a, b and a later one; c has no room");
        let first = group.into_iter().next().unwrap();
        first.answer(FirstPage::new(all, 0, Page::new(), false));
        let told: Vec<_> = replies.iter_mut().map(|reply| reply.try_recv().is_ok()).collect();
        assert_eq!(told, [true, false, true, false, false, false]);
        let rest = take(&mut queue, 3).unwrap();
        assert_eq!(rest.len(), 2, "c and a");
        assert!(take(&mut queue, 3).is_none());
    }
}
