use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use async_trait::async_trait;
use crossbeam_channel::Sender;
use factos::{
    AppendCondition, AppendError, Bytes, EventStore, Events, Limits, NewEvent, Query, ReadOptions,
    Recorded, SequencePosition, StoreError, StreamName,
};
use futures_util::{FutureExt, stream};
use tokio::sync::oneshot;

use crate::{
    append::Batch,
    config::Config,
    error::Error,
    follow::{Head, Poll},
    pages::Pages,
    pool::Pool,
    read::{Reader, Selection},
    writer::{Append, Request, Writer},
};

/// An event log in a SQLite file. A clone is the same handle.
///
/// The last clone to be dropped closes the file cleanly, and waits for that; [`close`](Self::close)
/// does it without blocking and reports what went wrong.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    log_id: String,
    requests: Sender<Request>,
    writer: Mutex<Option<JoinHandle<()>>>,
    readers: Pool,
    head: Head,
    poll: Poll,
}

impl SqliteStore {
    /// What one append may hold.
    pub const LIMITS: Limits = Limits {
        payload_bytes: 64 << 20,
        tags_per_event: 256,
        events_per_batch: 100_000,
        batch_bytes: 256 << 20,
        items_per_query: 10_000,
    };

    /// Opens the log at `path` with the defaults of [`Config`], and creates it if there is no file.
    ///
    /// # Errors
    /// [`StoreError`], with the [`Error`] that says why.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Config::new(path).open().await
    }

    pub(crate) async fn open_with(config: Config) -> Result<Self, StoreError> {
        let head = Head::default();
        let (requests, log_id, writer) = start_writer(&config, head.clone()).await?;
        let readers = Pool::start(&config).await?;
        head.publish(readers.jobs().run(|reader| reader.head()).await??);
        let poll = Poll::start(config.poll_interval, readers.jobs().clone(), head.clone())?;
        let writer = Mutex::new(Some(writer));
        Ok(Self { shared: Arc::new(Shared { log_id, requests, writer, readers, head, poll }) })
    }

    /// The identity that the log was given when it was created: a UUID. A position means something only
    /// beside it.
    #[must_use]
    pub fn log_id(&self) -> &str {
        &self.shared.log_id
    }

    /// Closes the file, for every clone: what was accepted before is written, the write-ahead log is
    /// folded into the file and truncated, unless another process still reads from it. Calls after that
    /// answer [`Error::Closed`].
    ///
    /// # Errors
    /// [`StoreError`]; the file is closed all the same.
    ///
    /// # Cancellation
    /// The store is closed all the same.
    pub async fn close(&self) -> Result<(), StoreError> {
        let (done, closed) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        thread::Builder::new()
            .name("factos-sqlite-close".to_owned())
            .spawn(move || drop(done.send(shared.close())))
            .map_err(|error| Error::Thread(Arc::new(error)))?;
        Ok(closed.await.unwrap_or(Err(Error::Closed))?)
    }

    async fn select(
        &self,
        selection: Selection,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        let jobs = self.shared.readers.jobs();
        let begin = move |reader: &mut Reader| {
            reader.begin(&selection, options).map(|begun| (begun, selection))
        };
        let (begun, selection) = jobs.run(begin).await??;
        if begun.cursor.is_done() {
            return Ok(Events::of_page(begun.observed, begun.first));
        }
        let rest = Pages::start(jobs, selection, begun.cursor)?;
        let pages = stream::unfold(Some(rest), |rest: Option<Pages>| async move {
            let (page, rest) = rest?.next().await;
            Some((page.map_err(StoreError::from), rest))
        });
        Ok(Events::of_first_page(begun.observed, begun.first, pages))
    }
}

/// Starts the thread that writes; it opens the file, and creates the log if it must.
async fn start_writer(
    config: &Config,
    head: Head,
) -> Result<(Sender<Request>, String, JoinHandle<()>), Error> {
    let (requests, queue) = crossbeam_channel::unbounded();
    let (opened, answer) = oneshot::channel();
    let config = config.clone();
    let writer = thread::Builder::new()
        .name("factos-sqlite-writer".to_owned())
        .spawn(move || {
            let open = || {
                let writer = Writer::open(config, queue, head)?;
                let log_id = writer.log_id()?;
                Ok((writer, log_id))
            };
            match open() {
                Ok((writer, log_id)) => {
                    // If nobody waits for it any more, its queue is closed and it ends at once.
                    drop(opened.send(Ok(log_id)));
                    writer.run();
                }
                Err(error) => drop(opened.send(Err(error))),
            }
        })
        .map_err(|error| Error::Thread(Arc::new(error)))?;
    let log_id = answer.await.unwrap_or(Err(Error::Closed))?;
    Ok((requests, log_id, writer))
}

#[async_trait]
impl EventStore for SqliteStore {
    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        self.select(Selection::Query(query.clone()), options).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        self.select(Selection::Stream(stream.clone()), options).await
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        Self::LIMITS.check(&events, &condition)?;
        let batch = Batch::new(events, condition)?;
        let (reply, verdict) = oneshot::channel();
        let request = Request::Append(Append { batch, reply });
        self.shared.requests.send(request).map_err(|_| StoreError::from(Error::Closed))?;
        verdict.await.unwrap_or_else(|_| Err(StoreError::from(Error::WriterGone).into()))
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        let head = self.shared.readers.jobs().run(|reader| reader.head()).await??;
        Ok(SequencePosition::new(head))
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        let Shared { head, poll, readers, .. } = &*self.shared;
        let after = after.map_or(0, SequencePosition::get);
        if head.is_past(after) {
            return Ok(());
        }
        // Before the look: what is appended after it is seen by the poll.
        let _follower = poll.follow();
        head.publish(readers.jobs().run(|reader| reader.head()).await??);
        Ok(head.wait_past(after).await?)
    }
}

impl Shared {
    fn close(&self) -> Result<(), Error> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(writer) = writer else { return Ok(()) };
        self.head.close();
        self.poll.stop();
        // Readers before the writer: the last connection to be closed folds the write-ahead log in.
        self.readers.stop();
        let (done, closed) = oneshot::channel();
        drop(self.requests.send(Request::Close(done)));
        // Not `blocking_recv`, which panics on a thread that runs async tasks.
        drop(writer.join());
        closed.now_or_never().and_then(Result::ok).unwrap_or(Err(Error::WriterGone))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Nobody is left to tell; `SqliteStore::close` reports it.
        drop(self.close());
    }
}
