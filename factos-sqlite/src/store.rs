use std::{path::Path, sync::Arc, thread};

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, Bytes, EventStore, Events, Limits, NewEvent, Query, ReadOptions,
    Recorded, SequencePosition, StoreError, StreamName, TransactionalStore, Turns,
    backend::{self, Head, Poll, Selection},
};
use futures_util::stream;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{
    append::{
        batch::{Batch, LIMITS},
        hook::Hook,
        line::Work,
        writer::Writer,
    },
    config::Config,
    error::Error,
    log::{backup::back_up, last_look::LastLook, open::OpenedLog},
    read::{pages::Pages, shared::SharedReads, threads::ReaderThreads},
    write::{job::ClosureJob, transaction::WriteTransaction, write_error::WriteError},
};

/// An event store whose log is a SQLite file. A clone is the same handle.
///
/// The drop of the last clone closes the file in a thread of its own, and does not wait for that.
/// [`close`](Self::close) tells when it is done, and reports errors.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
    hook: Option<Hook>,
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
    reads: SharedReads,
    writer: Writer,
    turns: Turns,
}

impl SqliteStore {
    /// The limits of this store.
    pub const LIMITS: Limits = LIMITS;

    /// Opens the log at `path` with the defaults of [`Config`], and creates it if there is no file. A path is never more than
    /// that: `:memory:` is a file of this name. A log in memory is one of factos-memory.
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

    /// Runs a closure in a transaction of its own, with the caller's SQL and appends: all of it is committed if the
    /// closure returns `Ok`, and nothing if it returns an error or panics.
    ///
    /// The closure runs on the thread that writes, once what was called before has been written. While it runs, the
    /// appends of every handle and process wait for it, for up to [`Config::busy_timeout`] in other processes, and so
    /// do other closures; reads do not. So it is to be short: no call of a network, and no wait for this store,
    /// which would never end. The transaction is not shared: each `write` has a flush of its own. An error or a panic
    /// leaves the store as it was.
    ///
    /// Others see what was written, and followers wake, after the commit.
    ///
    /// ```
    /// # use factos::{AppendCondition, EventType, NewEvent};
    /// # use factos_sqlite::{SqliteStore, WriteError};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let store = SqliteStore::open(folder.path().join("log.db")).await?;
    /// # let event = NewEvent::new(EventType::from_static("TicketSold"), "{}");
    /// let sold = store.write(move |tx| {
    ///     tx.connection().execute_batch("CREATE TABLE IF NOT EXISTS sold (position INTEGER PRIMARY KEY)")?;
    ///     let records = tx.append(vec![event], AppendCondition::None)?;
    ///     let position = records[0].position.get() as i64;
    ///     tx.connection().execute("INSERT INTO sold VALUES (?1)", [position])?;
    ///     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(records)
    /// });
    /// assert_eq!(sold.await.map_err(WriteError::into_caller)?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Foreign keys of the caller's tables are enforced. [`WriteTransaction::connection`] says what is refused.
    ///
    /// # Errors
    /// [`WriteError`]: the closure's, or the store's. Of the kind
    /// [`OutcomeUnknown`](factos::StoreErrorKind::OutcomeUnknown) if the commit failed and may have written it all.
    ///
    /// # Panics
    /// With the panic of the closure, after the rollback.
    ///
    /// # Cancellation
    /// A closure whose turn has not come does not run. One that runs goes on, and is committed or not as above.
    pub async fn write<T, E, F>(&self, closure: F) -> Result<T, WriteError<E>>
    where
        F: FnOnce(&mut WriteTransaction) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let (job, reply) = ClosureJob::new(closure, self.hook.clone());
        self.parts().writer.push(Work::Write(Box::new(job)))?;
        reply.outcome().await
    }

    /// A handle on the same log, with a hook: a function that runs in the transaction of each append of that handle
    /// and its clones, after it was accepted and before it is committed. What it writes through the connection is
    /// committed with the events, or neither is: a read model is as exact as the log. On a handle that has a hook,
    /// both run, the earlier one first.
    ///
    /// The hook runs on the thread that writes, for one append after the other, in the order of positions. Appends of
    /// handles with and without hooks go on to share commits, so every append of the group waits for all hooks of
    /// the group, and other processes do as well: a hook is to be short. It must not wait for this store. As in
    /// [`write`](Self::write), statements that end the transaction or write to the log are refused, and foreign keys
    /// are enforced; see [`WriteTransaction::connection`].
    ///
    /// **An error of the hook** undoes its append alone, rows and events, and the caller is told
    /// [`AppendError::Hook`] with it; a panic is such an error. A hook that rolls back the whole transaction, or
    /// leaves what a deferred constraint refuses at the commit, has the group tried again, each append by itself.
    /// So **a hook may run more than once** for an append: what it did in the file was rolled back, what it did
    /// elsewhere was not. Nor is it known there whether the commit succeeds.
    ///
    /// ```
    /// # use factos::{AppendCondition, EventStore, EventType, NewEvent};
    /// # use factos_sqlite::SqliteStore;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let store = SqliteStore::open(folder.path().join("log.db")).await?;
    /// store.write(|tx| tx.connection().execute_batch("CREATE TABLE seen (position INTEGER PRIMARY KEY)")).await?;
    /// let store = store.with_hook(|connection, records| {
    ///     let mut insert = connection.prepare_cached("INSERT INTO seen VALUES (?1)")?;
    ///     for record in records {
    ///         insert.execute([record.position.get() as i64])?;
    ///     }
    ///     Ok(())
    /// });
    /// # let event = NewEvent::new(EventType::from_static("TicketSold"), "{}");
    /// store.append(vec![event], AppendCondition::None).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_hook<F>(&self, hook: F) -> Self
    where
        F: Fn(
                &Connection,
                &[Recorded<Bytes>],
            ) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
            + Send
            + Sync
            + 'static,
    {
        let hook = Hook::new(hook);
        let hook = match &self.hook {
            Some(first) => first.clone().then(hook),
            None => hook,
        };
        Self { shared: Arc::clone(&self.shared), hook: Some(hook) }
    }

    /// Looks at tables that are not the log's, in one snapshot, on a thread that reads.
    #[cfg(feature = "consumer")]
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection, &Path) -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.parts().readers.jobs().run(move |reader| reader.look(look)).await?
    }

    fn parts(&self) -> &Parts {
        &self.shared.0
    }

    async fn select(
        &self,
        selection: Selection,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        let reads = &self.parts().reads;
        let begun = reads.begin(selection, options).await?;
        if begun.rest.is_done() {
            return Ok(Events::of_page(begun.observed, begun.first));
        }
        let rest = Pages::start(reads, begun.rest)?;
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
        let mut last_look = LastLook::at(&self.path);
        let look = move || {
            last_look.head(|| {
                let head = jobs.submit(|reader| reader.head())?.blocking_recv();
                head.unwrap_or(Err(Error::Closed))
            })
        };
        let poll = Poll::start("factos-sqlite-poll", self.poll_interval, head.clone(), look)
            .map_err(Error::thread)?;
        let (reads, turns) = (SharedReads::new(readers.jobs()), Turns::new());
        let parts = Parts { config: self, log, head, poll, readers, reads, writer, turns };
        Ok(SqliteStore { shared: Arc::new(Shared(Arc::new(parts))), hook: None })
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
        self.parts().writer.append(batch.with_hook(self.hook.clone())).await
    }

    async fn append_unless(
        &self,
        events: Vec<NewEvent>,
        exists: Query,
        guard: Query,
        after: Option<SequencePosition>,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        let batch = backend::Batch::unless(events, exists, guard, after, &Self::LIMITS)?;
        let batch = Batch::of(batch)?.with_hook(self.hook.clone());
        self.parts().writer.append(batch).await
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        Ok(self.parts().readers.jobs().head().await?)
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        let Parts { poll, readers, .. } = self.parts();
        Ok(poll.wait_past(after, || readers.jobs().head()).await?)
    }

    fn turns(&self) -> Option<&Turns> {
        Some(&self.parts().turns)
    }
}

/// The transaction is that of [`SqliteStore::write`], and the futures never wait: [`at_once`](crate::at_once()).
#[async_trait]
impl TransactionalStore for SqliteStore {
    type Transaction = WriteTransaction;

    async fn read_in<'t>(
        &'t self,
        transaction: &'t mut WriteTransaction,
        query: &Query,
        options: ReadOptions,
    ) -> Result<Events<'t>, StoreError> {
        transaction.check_path(&self.parts().config.path)?;
        Ok(transaction.read(Selection::Query(query.clone()), options)?)
    }

    async fn read_stream_in<'t>(
        &'t self,
        transaction: &'t mut WriteTransaction,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'t>, StoreError> {
        transaction.check_path(&self.parts().config.path)?;
        Ok(transaction.read(Selection::Stream(stream.clone()), options)?)
    }

    /// The hook of this handle runs.
    async fn append_in(
        &self,
        transaction: &mut WriteTransaction,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        transaction.check_path(&self.parts().config.path).map_err(StoreError::from)?;
        transaction.append_with(events, condition, self.hook.clone())
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
