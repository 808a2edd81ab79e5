use std::sync::Arc;

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, Bytes, EventStore, Events, Limits, NewEvent, Query, ReadOptions,
    Recorded, SequencePosition, StoreError, StreamName, TransactionalStore,
};
use sqlx::{PgConnection, PgPool};

use crate::{
    append::{Batch, Writer},
    config::Config,
    connection,
    contention::Contention,
    deadline::Deadline,
    lock_names::LockNames,
    log::Log,
    poll::Poll,
    read::{ReadQueue, Reader, Selection, events, events_in},
};

/// An event store whose log is a schema of a PostgreSQL database. A clone is the same handle.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    log: Arc<Log>,
    writer: Arc<Writer>,
    reader: Arc<Reader>,
    reads: Arc<ReadQueue>,
    poll: Poll,
    contention: Contention,
    /// How many names a commit or a read may lock.
    most_names: usize,
}

impl Config {
    /// Opens the log through a pool of the caller's.
    ///
    /// # Errors
    /// [`StoreError`], with the [`Error`](crate::Error) that says why.
    pub async fn open(self, pool: PgPool) -> Result<PostgresStore, StoreError> {
        let log = Arc::new(Log::open(&self, pool).await?);
        let reader = Arc::new(Reader::new(Arc::clone(&log)));
        let shared = Shared {
            writer: Arc::new(Writer::new(&self, Arc::clone(&log))),
            reads: Arc::new(ReadQueue::new(&self, Arc::clone(&reader))),
            reader,
            poll: Poll::new(self.poll_interval, log.head.clone()),
            contention: Contention::default(),
            most_names: self.batch_names,
            log,
        };
        Ok(PostgresStore { shared: Arc::new(shared) })
    }

    /// Opens the log through a pool of its own, of up to 32 connections.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn connect(self, url: &str) -> Result<PostgresStore, StoreError> {
        let pool = connection::own_pool(url, &self).await?;
        self.open(pool).await
    }
}

impl PostgresStore {
    /// The limits of this store.
    pub const LIMITS: Limits = Limits {
        payload_bytes: 16 << 20,
        tags_per_event: 256,
        events_per_batch: 50_000,
        batch_bytes: 128 << 20,
        items_per_query: 1000,
    };

    /// Opens the log in the schema `factos`, with the defaults of [`Config`], through a pool of its own.
    ///
    /// # Errors
    /// [`StoreError`], with the [`Error`](crate::Error) that says why.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Config::new().connect(url).await
    }

    /// Opens the log in the schema `factos`, with the defaults of [`Config`], through a pool of the
    /// caller's.
    ///
    /// # Errors
    /// [`StoreError`], with the [`Error`](crate::Error) that says why.
    pub async fn open(pool: PgPool) -> Result<Self, StoreError> {
        Config::new().open(pool).await
    }

    /// The pool that the store was opened with.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        self.shared.log.connections.pool()
    }

    /// Appends within a transaction of the caller's, which must be READ COMMITTED. What is appended is
    /// in the log once the caller commits, and the condition then has held; a rollback leaves nothing
    /// but a gap in the positions.
    ///
    /// Until then appends and reads on the same boundary wait, and so do reads of the whole log: append
    /// last, and commit soon. The transaction sees its own appends, also in its conditions. A task that
    /// holds such a transaction and appends through the store waits for itself, up to the lock timeout.
    ///
    /// # Errors
    /// [`AppendError`]. After a refusal the transaction is still usable and its locks are held; after
    /// [`AppendError::Store`] it can only be rolled back. If an id is one that another open transaction has
    /// appended and then commits, that is [`Error::Contended`](crate::Error::Contended): roll back and begin
    /// anew, which finds the id. It never reports an unknown outcome: that is up to the caller's commit.
    ///
    /// # Cancellation
    /// As a statement of the driver: roll back.
    pub async fn append_in(
        &self,
        transaction: &mut PgConnection,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        let Shared { log, writer, most_names, .. } = &*self.shared;
        let batch = Batch::new(events, condition, &Self::LIMITS, *most_names, log.deadline())?;
        writer.append_in(transaction, batch).await
    }

    async fn select(
        &self,
        selection: Selection,
        names: Option<&LockNames>,
        options: ReadOptions,
        deadline: Deadline,
    ) -> Result<Events<'_>, StoreError> {
        let Shared { log, reads, reader, poll, .. } = &*self.shared;
        let first = reads.first_page(&selection, names, options, deadline).await?;
        log.head.publish(SequencePosition::new(first.horizon));
        if names.is_none() {
            // It told the last position of the log.
            poll.looked();
        }
        Ok(events(reader, selection, first))
    }
}

#[async_trait]
impl EventStore for PostgresStore {
    fn log_id(&self) -> &str {
        self.shared.log.incarnation.log_id()
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        let Shared { log, contention, most_names, .. } = &*self.shared;
        let names = LockNames::of_read(query).filter(|names| names.len() <= *most_names);
        let deadline = log.deadline();
        let _permit = match &names {
            Some(names) => contention.permit_read(names, deadline).await,
            None => None,
        };
        self.select(Selection::of_query(query), names.as_ref(), options, deadline).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        let names = LockNames::of_stream(stream);
        let deadline = self.shared.log.deadline();
        self.select(Selection::Stream(stream.clone()), Some(&names), options, deadline).await
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        let Shared { log, contention, writer, most_names, .. } = &*self.shared;
        let batch = Batch::new(events, condition, &Self::LIMITS, *most_names, log.deadline())?;
        let boundary = match batch.condition() {
            AppendCondition::FailIfEventsMatch { query, .. } => {
                LockNames::of_query(query).filter(|names| names.len() <= *most_names)
            }
            _ => None,
        };
        let Some(boundary) = boundary else { return writer.append(batch).await };
        let append = contention.begin_append(&boundary);
        let verdict = writer.append(batch).await;
        append.end(verdict.as_ref().is_err_and(AppendError::is_conflict));
        verdict
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        let head = self.shared.reader.head().await?;
        self.shared.log.head.publish(head);
        Ok(head)
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        let Shared { log, reader, poll, .. } = &*self.shared;
        log.incarnation.check()?;
        let look = || async { Ok(reader.head().await?) };
        let is_known = || log.incarnation.is_verified();
        poll.wait_past(after, is_known, look).await
    }
}

/// The transaction must be READ COMMITTED, and what [`PostgresStore::append_in`] says of it holds here too.
///
/// A read waits for the appends in flight on its boundary, as any read does, and holds nothing afterwards. A read
/// of everything waits for the appends in flight of the whole log: within a transaction that has appended it may
/// wait for itself, up to the lock timeout. Read everything before the first append, or by tags or types.
///
/// Two transactions that append on one another's boundaries may end in a deadlock, of which the server ends one:
/// [`Error::Contended`](crate::Error::Contended), of the kind [`Busy`](factos::StoreErrorKind::Busy). Roll back, and
/// begin anew.
#[async_trait]
impl TransactionalStore for PostgresStore {
    type Transaction = PgConnection;

    async fn read_in<'t>(
        &'t self,
        transaction: &'t mut PgConnection,
        query: &Query,
        options: ReadOptions,
    ) -> Result<Events<'t>, StoreError> {
        let Shared { reader, most_names, .. } = &*self.shared;
        let names = LockNames::of_query(query).filter(|names| names.len() <= *most_names);
        let selection = Selection::of_query(query);
        Ok(events_in(reader, transaction, selection, names, options).await?)
    }

    async fn read_stream_in<'t>(
        &'t self,
        transaction: &'t mut PgConnection,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'t>, StoreError> {
        let names = Some(LockNames::of_stream(stream));
        let selection = Selection::Stream(stream.clone());
        Ok(events_in(&self.shared.reader, transaction, selection, names, options).await?)
    }

    async fn append_in(
        &self,
        transaction: &mut PgConnection,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        Self::append_in(self, transaction, events, condition).await
    }
}
