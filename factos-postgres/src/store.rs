use std::sync::Arc;

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, Bytes, EventStore, Events, Limits, NewEvent, Query, ReadOptions,
    Recorded, SequencePosition, StoreError, StreamName, TransactionalStore, Turns, backend,
};
use sqlx::{PgConnection, PgPool};

use crate::{
    append::{Batch, Hook, HookFuture, Writer},
    config::Config,
    connection,
    contention::Contention,
    deadline::Deadline,
    error::Error,
    lock_names::LockNames,
    log::Log,
    poll::Poll,
    read::{Known, ReadQueue, Reader, Selection, events, events_in},
};

/// An event store whose log is a schema of a PostgreSQL database. A clone is the same handle.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    shared: Arc<Shared>,
    /// Of this handle and its clones: those of a handle with a hook have a queue of their own.
    writer: Arc<Writer>,
}

#[derive(Debug)]
struct Shared {
    log: Arc<Log>,
    reader: Arc<Reader>,
    reads: Arc<ReadQueue>,
    poll: Poll,
    /// For plain reads and appends.
    contention: Contention,
    /// For dispatches.
    turns: Turns,
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
        let writer = Arc::new(Writer::new(&self, Arc::clone(&log)));
        let shared = Shared {
            reads: Arc::new(ReadQueue::new(&self, Arc::clone(&reader))),
            reader,
            poll: Poll::new(self.poll_interval, log.head.clone(), self.socket_timeout),
            contention: Contention::default(),
            turns: Turns::new(),
            most_names: self.batch_names,
            log,
        };
        Ok(PostgresStore { shared: Arc::new(shared), writer })
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
    /// but a gap in the positions. The commit is flushed before it is told, whatever [`Durability`](crate::Durability) the handle
    /// has: the append turns `synchronous_commit` on for the transaction where it is `off` or `local`.
    ///
    /// Until then appends and reads on the same boundary wait, and so do reads of the whole log: append
    /// last, and commit soon. The transaction sees its own appends, also in its conditions. A task that
    /// holds such a transaction and appends through the store waits for itself, up to the lock timeout. The hook of
    /// this handle, if it has [one](Self::with_hook), runs within a savepoint; its error undoes the append alone, and
    /// the transaction stays usable.
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
        let Shared { log, most_names, .. } = &*self.shared;
        let batch = Batch::new(events, condition, &Self::LIMITS, *most_names, log.deadline())?;
        self.writer.append_in(transaction, &batch).await
    }

    /// A handle on the same log, with a hook: a function that runs in the transaction of each append of that handle
    /// and its clones, after it was accepted and before it is committed. What it writes through the connection is
    /// committed with the events, or neither is: a read model is as exact as the log. On a handle that has a hook,
    /// both run, the earlier one first.
    ///
    /// ```no_run
    /// # use factos::{AppendCondition, EventStore, EventType, NewEvent};
    /// # use factos_postgres::{PostgresStore, sqlx};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = PostgresStore::connect("postgres://app@localhost/shop").await?;
    /// let store = store.with_hook(|connection, records| {
    ///     Box::pin(async move {
    ///         for record in records {
    ///             let insert = sqlx::query("INSERT INTO seen (position) VALUES ($1)");
    ///             insert.bind(record.position.get() as i64).execute(&mut *connection).await?;
    ///         }
    ///         Ok(())
    ///     })
    /// });
    /// # let event = NewEvent::new(EventType::from_static("TicketSold"), "{}");
    /// store.append(vec![event], AppendCondition::None).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Appends of this handle and its clones that wait at the same time go on to share a commit: one statement
    /// appends them, and then the hook runs for one after the other. Those of other handles have commits of their
    /// own, so make the handle once and not for each append. Slow hooks share a commit with few others, as many as
    /// take about 10 ms together. Until the commit, all locks of the group are held: appends and reads on its
    /// boundaries wait, and so do reads of the whole log. A hook is to be short: no call of a network. It must not
    /// wait for an append or a read of this store, only for those within its transaction
    /// ([`append_in`](Self::append_in) of a handle without this hook).
    ///
    /// **An error of the hook** undoes its append alone, rows and events, and the caller is told
    /// [`AppendError::Hook`] with it; a panic is such an error, and so is what a deferred constraint refuses at the
    /// commit, a statement that failed without a word from the hook, and a hook that has not ended by the deadline
    /// of the call. The others of the group are tried again with fewer others, and so is a hook that takes long in
    /// a group (250 ms for all its hooks). A hook by itself that lost against another transaction, by a deadlock
    /// for instance, is tried up to eight times. So **a hook may run more than once** for an append: what it did in
    /// the database was rolled back, what it did elsewhere was not. Nor is it known there whether the commit
    /// succeeds.
    ///
    /// **Statements that end the transaction** are no hook's business. COMMIT and PREPARE TRANSACTION fail: a
    /// cursor of the store's stands in their way. After a ROLLBACK, or after a COMMIT that failed, the append is
    /// undone, whatever the hook returns, and what the hook runs then can only read (unless the transaction was
    /// [a caller's](Self::append_in), or the hook asks for `READ WRITE`). A hook that closes all cursors and then commits is told as [`Error::EndedByHook`](crate::Error::EndedByHook),
    /// of the kind [`OutcomeUnknown`](factos::StoreErrorKind::OutcomeUnknown). Savepoints, also those of
    /// [`begin`](sqlx::Connection::begin), and NOTIFY are the hook's to use. Settings are to be made with SET
    /// LOCAL: a connection on which a SET has changed the role, the `search_path` or another of the settings that
    /// matter is closed after the commit. Session-level advisory locks, LISTEN and temporary tables stay on the
    /// connection, which others use next. The tables of the log are not the hook's to write to.
    ///
    /// The statements of the hook wait for locks up to [`Config::lock_timeout`], and run no longer than the call
    /// may.
    #[must_use]
    pub fn with_hook<F>(&self, hook: F) -> Self
    where
        F: for<'a> Fn(&'a mut PgConnection, &'a [Recorded<Bytes>]) -> HookFuture<'a>
            + Send
            + Sync
            + 'static,
    {
        self.hooked(Hook::each(hook))
    }

    /// As [`with_hook`](Self::with_hook), with a function that runs once for all appends that share a commit: one
    /// statement can write the rows of all of them, where a hook for each append costs a round trip for each. It is
    /// given the records of each accepted append, at least one, in the order of their positions.
    ///
    /// ```no_run
    /// # use factos_postgres::{PostgresStore, sqlx};
    /// # fn example(store: PostgresStore) -> PostgresStore {
    /// store.with_group_hook(|connection, appends| {
    ///     let positions: Vec<_> = appends.concat().iter().map(|r| r.position.get() as i64).collect();
    ///     Box::pin(async move {
    ///         let insert = sqlx::query("INSERT INTO seen (position) SELECT unnest($1::int8[])");
    ///         insert.bind(positions).execute(connection).await?;
    ///         Ok(())
    ///     })
    /// })
    /// # }
    /// ```
    ///
    /// Its error undoes the whole group, whose appends are then tried again in halves, and at last one by one: it is
    /// told to the one append that it came from. How many appends a group has depends on what waits at the moment,
    /// so a hook must come to the same rows however they are divided. [`append_in`](Self::append_in) runs it for its
    /// append alone. On a handle that has a hook already, both run for the whole group, the earlier one first.
    #[must_use]
    pub fn with_group_hook<F>(&self, hook: F) -> Self
    where
        F: for<'a> Fn(&'a mut PgConnection, &'a [&'a [Recorded<Bytes>]]) -> HookFuture<'a>
            + Send
            + Sync
            + 'static,
    {
        self.hooked(Hook::together(hook))
    }

    fn hooked(&self, hook: Hook) -> Self {
        let writer = self.writer.with_hook(hook);
        Self { shared: Arc::clone(&self.shared), writer: Arc::new(writer) }
    }

    /// The names of an idempotency key are no boundary: it is not the same for any two commands.
    async fn append_batch(&self, batch: Batch) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        let (Shared { contention, most_names, .. }, writer) = (&*self.shared, &self.writer);
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

    async fn select(
        &self,
        selection: Selection,
        names: Option<&LockNames>,
        options: ReadOptions,
        deadline: Deadline,
    ) -> Result<Events<'_>, StoreError> {
        let Shared { log, reads, reader, poll, turns, .. } = &*self.shared;
        let is_whole = !options.backwards && options.limit.is_none() && options.before.is_none();
        let is_contended =
            names.is_some() && is_whole && (turns.boundaries() > 0 || reader.is_wanted(&selection));
        let (known, first) = if is_contended {
            reads.first_page_after_known(&selection, names, options, deadline).await?
        } else {
            (Known::default(), reads.first_page(&selection, names, options, deadline).await?)
        };
        log.head.publish(SequencePosition::new(first.horizon));
        if names.is_none() {
            // It told the last position of the log.
            poll.looked();
        }
        Ok(events(reader, selection, (known, first), is_contended))
    }
}

#[async_trait]
impl EventStore for PostgresStore {
    fn log_id(&self) -> &str {
        self.shared.log.incarnation.log_id()
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        let Shared { log, contention, turns, most_names, .. } = &*self.shared;
        let names = LockNames::of_read(query).filter(|names| names.len() <= *most_names);
        let deadline = log.deadline();
        let _permit = match &names {
            // Dispatches that compete there order their appends, which orders their reads better than a time does.
            Some(names) if contention.is_contended(names) && !turns.is_contended(query) => {
                contention.permit_read(names, deadline).await
            }
            _ => None,
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
        let Shared { log, most_names, .. } = &*self.shared;
        let batch = Batch::new(events, condition, &Self::LIMITS, *most_names, log.deadline())?;
        self.append_batch(batch).await
    }

    async fn append_unless(
        &self,
        events: Vec<NewEvent>,
        exists: Query,
        guard: Query,
        after: Option<SequencePosition>,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        let Shared { log, most_names, .. } = &*self.shared;
        let batch = backend::Batch::unless(events, exists, guard, after, &Self::LIMITS)?;
        self.append_batch(Batch::of(batch, *most_names, log.deadline())?).await
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
        let look_long = |known, look| {
            let reader = Arc::clone(reader);
            async move {
                match reader.head_past(known, look).await {
                    // A role or a database may let no statement run for so long.
                    Err(Error::Cancelled(_)) => Ok(reader.head().await?),
                    outcome => Ok(outcome?),
                }
            }
        };
        let is_known = || log.incarnation.is_verified();
        let may_look_long = || log.connections.has_one_to_spare();
        poll.wait_past(after, is_known, look, look_long, may_look_long).await
    }

    fn turns(&self) -> Option<&Turns> {
        Some(&self.shared.turns)
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
