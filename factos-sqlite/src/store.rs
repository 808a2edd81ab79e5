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
    log::{backup::back_up, open::OpenedLog},
    read::{pages::Pages, threads::ReaderThreads},
};

/// An event store whose log is a SQLite file. A clone is the same handle.
///
/// The drop of the last clone closes the file in a thread of its own, and does not wait for that.
/// [`close`](Self::close) tells when it is done, and reports errors.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

/// Closes the log with the last clone.
#[derive(Debug)]
struct Shared(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    config: Config,
    log: OpenedLog,
    head: Head,
    poll: Poll,
    readers: ReaderThreads,
    writer: Writer,
}

impl SqliteStore {
    /// The limits of this store.
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
        self.shared.close_in_thread(|outcome| drop(done.send(outcome)))?;
        Ok(closed.await.unwrap_or(Err(Error::Closed))?)
    }

    /// Copies the log to a new file: exactly the events up to some position at or above those that were
    /// appended before the call, of this handle or any other. Appends and reads go on meanwhile; the
    /// write-ahead log cannot be shortened until the copy is made. The copy is a log of the same
    /// [identity](EventStore::log_id), and is on the disk when this returns.
    ///
    /// Copying the file by other means is safe only while no process has it open.
    ///
    /// # Errors
    /// [`StoreError`]: [`Error::BackupExists`] if there is a file, else [`Error::Backup`] or what a read may
    /// meet. No file of this name is then left, nor if the process ends meanwhile; one that begins with
    /// `.factos-backup-` may be.
    ///
    /// # Cancellation
    /// The copy is made all the same.
    pub async fn backup(&self, path: impl AsRef<Path>) -> Result<(), StoreError> {
        let (done, made) = oneshot::channel();
        let (parts, path) = (Arc::clone(&self.shared.0), path.as_ref().to_owned());
        parts.readers.jobs().check_open()?;
        in_thread("factos-sqlite-backup", move || {
            drop(done.send(back_up(&parts.config, &parts.log.known, &path)));
        })?;
        Ok(made.await.unwrap_or(Err(Error::Closed))?)
    }

    fn parts(&self) -> &Parts {
        &self.shared.0
    }

    async fn select(
        &self,
        selection: Selection,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        let jobs = self.parts().readers.jobs();
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
    pub async fn open(mut self) -> Result<SqliteStore, StoreError> {
        // It must lead to the same file wherever the process goes.
        if let Ok(path) = std::path::absolute(&self.path) {
            self.path = path;
        }
        let head = Head::default();
        let (writer, log) = Writer::start(&self, head.clone()).await?;
        let readers = ReaderThreads::start(&self, &log.known).await?;
        // What the readers opened is what was known before.
        log.known.check_path()?;
        head.publish(readers.jobs().head().await?);
        let jobs = readers.jobs().clone();
        let look = move || {
            let head = jobs.submit(|reader| reader.head())?.blocking_recv();
            head.unwrap_or(Err(Error::Closed))
        };
        let poll = Poll::start("factos-sqlite-poll", self.poll_interval, head.clone(), look)
            .map_err(Error::thread)?;
        let parts = Parts { config: self, log, head, poll, readers, writer };
        Ok(SqliteStore { shared: Arc::new(Shared(Arc::new(parts))) })
    }
}

#[async_trait]
impl EventStore for SqliteStore {
    fn log_id(&self) -> &str {
        &self.parts().log.log_id
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
        self.parts().writer.append(batch).await
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        Ok(self.parts().readers.jobs().head().await?)
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        let Parts { poll, readers, .. } = self.parts();
        Ok(poll.wait_past(after, || readers.jobs().head()).await?)
    }
}

impl Parts {
    /// Readers before the writer: the write-ahead log is truncated only if nobody reads from it.
    fn close(&self) -> Result<(), Error> {
        self.head.close();
        self.poll.stop();
        self.readers.stop();
        self.writer.stop()
    }
}

impl Shared {
    /// It may have to wait for a lock of another process.
    fn close_in_thread(
        &self,
        then: impl FnOnce(Result<(), Error>) + Send + 'static,
    ) -> Result<(), Error> {
        let parts = Arc::clone(&self.0);
        in_thread("factos-sqlite-close", move || then(parts.close()))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // A drop cannot report an error; `SqliteStore::close` does.
        if self.close_in_thread(drop).is_err() {
            drop(self.0.close());
        }
    }
}

/// Does the work in a thread of this name, which ends with it.
fn in_thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(work).map(drop).map_err(Error::thread)
}
