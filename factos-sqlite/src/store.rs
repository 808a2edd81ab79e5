use std::{path::Path, sync::Arc, thread};

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, Bytes, EventStore, Events, Limits, NewEvent, Query, ReadOptions,
    Recorded, SequencePosition, StoreError, StreamName,
    backend::{Head, Poll, Selection},
};
use futures_util::stream;
use tokio::sync::oneshot;

use crate::{
    append::{batch::Batch, writer::Writer},
    config::Config,
    error::Error,
    read::{pages::Pages, threads::ReaderThreads},
};

/// An event log in a SQLite file. A clone is the same handle.
///
/// The drop of the last clone closes the file, and blocks until that is done. [`close`](Self::close) does
/// not block, and reports errors.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    log_id: String,
    head: Head,
    poll: Poll,
    readers: ReaderThreads,
    writer: Writer,
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

    /// Closes the file, for every clone. Appends that were called before are written. The write-ahead log
    /// is copied into the file and truncated, unless another process still reads from it. Later calls
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
            .map_err(Error::thread)?;
        Ok(closed.await.unwrap_or(Err(Error::Closed))?)
    }

    async fn select(
        &self,
        selection: Selection,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        let jobs = self.shared.readers.jobs();
        let begun = jobs.run(move |reader| reader.begin(selection, options)).await??;
        if begun.rest.is_done() {
            return Ok(Events::of_page(begun.observed, begun.first));
        }
        let rest = Pages::start(jobs, begun.rest)?;
        let pages = stream::unfold(rest, |mut rest| async move {
            let page = rest.next().await?;
            Some((page.map_err(StoreError::from), rest))
        });
        Ok(Events::of_first_page(begun.observed, begun.first, pages))
    }
}

impl Config {
    /// Opens the log.
    ///
    /// # Errors
    /// [`StoreError`], with the [`Error`](crate::Error) that says why.
    pub async fn open(self) -> Result<SqliteStore, StoreError> {
        let head = Head::default();
        let (writer, log_id) = Writer::start(&self, head.clone()).await?;
        let readers = ReaderThreads::start(&self).await?;
        head.publish(readers.jobs().head().await?);
        let jobs = readers.jobs().clone();
        let look = move || {
            let head = jobs.submit(|reader| reader.head()).ok()?.blocking_recv().ok()?;
            // An error, as of a file that is locked for a moment, is left to the next look.
            head.ok().and_then(SequencePosition::new)
        };
        let poll = Poll::start("factos-sqlite-poll", self.poll_interval, head.clone(), look)
            .map_err(Error::thread)?;
        Ok(SqliteStore { shared: Arc::new(Shared { log_id, head, poll, readers, writer }) })
    }
}

#[async_trait]
impl EventStore for SqliteStore {
    fn log_id(&self) -> &str {
        &self.shared.log_id
    }

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
        let batch = Batch::new(events, condition, &Self::LIMITS)?;
        self.shared.writer.append(batch).await
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        Ok(self.shared.readers.jobs().head().await?)
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        let Shared { poll, readers, .. } = &*self.shared;
        Ok(poll.wait_past(after, readers.jobs().head()).await?)
    }
}

impl Shared {
    /// Readers before the writer: the write-ahead log is truncated only if nobody reads from it.
    fn close(&self) -> Result<(), Error> {
        self.head.close();
        self.poll.stop();
        self.readers.stop();
        self.writer.stop()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // A drop cannot report an error; `SqliteStore::close` does.
        drop(self.close());
    }
}
