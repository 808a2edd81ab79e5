use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, Bytes, EventStore, Events, Limits, NewEvent, Query, ReadOptions,
    Recorded, SequencePosition, StoreError, StreamName,
};
use futures_util::stream;
use sqlx::{Connection, PgConnection, PgPool, postgres::PgConnectOptions};
use tokio::sync::{Semaphore, oneshot};

use crate::{
    append::statement::{self, Batch, Locks},
    append::writer::{self, Append, Queue},
    config::Config,
    connections::{self, Connections},
    contention::Gates,
    error::{Error, Sent},
    lock_names::Names,
    log::create,
    log::lock_check,
    poll::{Head, Poll},
    read::pages::Pages,
    read::queue::ReadQueue,
    read::reader::{Reader, Selection, position},
    sql::Statements,
};

/// An event log in a schema of a PostgreSQL database. A clone is the same handle.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) reader: Arc<Reader>,
    pub(crate) queue: Arc<Queue>,
    /// The turn of the append that does not share its commit. None where only one transaction at a time
    /// can append.
    pub(crate) ahead: Arc<Semaphore>,
    reads: ReadQueue,
    pub(crate) head: Head,
    log_id: String,
    observed: AtomicU64,
    poll: Poll,
    gates: Gates,
}

impl Shared {
    /// A position that the log has certainly reached.
    pub(crate) fn known(&self) -> u64 {
        self.observed.load(Ordering::Relaxed).max(self.head.last())
    }
}

impl PostgresStore {
    /// What one append may hold.
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
    /// [`StoreError`], with the [`Error`] that says why.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Config::new().connect(url).await
    }

    /// Opens the log in the schema `factos`, with the defaults of [`Config`], through a pool of the
    /// caller's.
    ///
    /// # Errors
    /// [`StoreError`], with the [`Error`] that says why.
    pub async fn open(pool: PgPool) -> Result<Self, StoreError> {
        Config::new().open(pool).await
    }

    pub(crate) async fn connect_with(config: Config, url: &str) -> Result<Self, StoreError> {
        let failed = |error| Error::of(error, Sent::No, config.lock_timeout);
        let options: PgConnectOptions = url.parse().map_err(failed)?;
        // The pool would try again until its time is up, and not say why.
        let trial = PgConnection::connect_with(&options).await.map_err(failed)?;
        drop(trial.close().await);
        Self::open_with(config, connections::pool().connect_lazy_with(options)).await
    }

    pub(crate) async fn open_with(config: Config, pool: PgPool) -> Result<Self, StoreError> {
        let failed = |error| Error::of(error, Sent::No, config.lock_timeout);
        if config.create {
            create::migrate(&config, &pool).await?;
        }
        let mut connection = pool.acquire().await.map_err(failed)?;
        let found = create::check(&config, &mut connection).await?;
        drop(connection);
        if found.is_keyed() {
            lock_check::locks_exclude(&config, &pool).await?;
        }
        let reader = Reader {
            connections: Arc::new(Connections::new(pool, config.held)),
            statements: Arc::new(Statements::of(&config.schema)),
            lock_timeout: config.lock_timeout,
            answer_timeout: config.lock_timeout.saturating_add(config.socket_timeout),
            most_names: config.batch_names,
            record_bytes: AtomicU64::new(1),
            settled: AtomicU64::new(0),
        };
        let poll = Poll::every(config.poll_interval);
        Ok(Self {
            shared: Arc::new(Shared {
                queue: writer::queue(config.workers),
                config,
                reader: Arc::new(reader),
                ahead: Arc::new(Semaphore::new(usize::from(found.is_keyed()))),
                reads: ReadQueue::new(),
                head: Head::default(),
                log_id: found.log_id,
                observed: AtomicU64::new(0),
                poll,
                gates: Gates::default(),
            }),
        })
    }

    /// The identity that the log was given when it was created: a UUID. A position means something only
    /// beside it.
    #[must_use]
    pub fn log_id(&self) -> &str {
        &self.shared.log_id
    }

    /// The pool that the store was opened with.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        self.shared.reader.connections.pool()
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
    /// [`AppendError::Store`] it can only be rolled back. It never reports an unknown outcome: that is
    /// up to the caller's commit.
    ///
    /// # Cancellation
    /// As a statement of the driver: roll back.
    pub async fn append_in(
        &self,
        transaction: &mut PgConnection,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        Self::LIMITS.check(&events, &condition)?;
        let Shared { config, reader, .. } = &*self.shared;
        let batch = Batch::new(events, condition, config.batch_names)?;
        let sql = &reader.statements.append;
        let batches = [&batch];
        let (names, timeout) = (batch.names.as_ref(), config.lock_timeout);
        let locks = Locks { names, patient: true, timeout };
        let answer = statement::run(transaction, sql, &batches, locks).await;
        let failed = |error| StoreError::from(Error::of(error, Sent::No, config.lock_timeout));
        let mut verdicts = answer.map_err(failed)?.verdicts(&batches);
        verdicts.pop().unwrap_or_else(|| Err(StoreError::from(Error::Answer("no verdict")).into()))
    }

    async fn select(
        &self,
        selection: Selection,
        names: Option<&Names>,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        let reader = &self.shared.reader;
        let begun = self.shared.reads.begin(reader, &selection, names, options).await?;
        self.shared.observed.fetch_max(begun.horizon, Ordering::Relaxed);
        let observed = position(begun.horizon);
        if begun.cursor.left.is_done() {
            return Ok(Events::of_page(observed, begun.first));
        }
        let start = (selection, begun.cursor);
        let pages = stream::unfold(Rest::Later(start), move |rest| async move {
            let pages = match rest {
                Rest::Later((selection, cursor)) => {
                    Pages::start(Arc::clone(reader), selection, cursor)
                }
                Rest::Now(pages) => pages?,
            };
            let (page, rest) = pages.next().await;
            Some((page.map_err(StoreError::from), Rest::Now(rest)))
        });
        Ok(Events::of_first_page(observed, begun.first, pages))
    }

    async fn submit(&self, batch: Batch) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        let (reply, verdict) = oneshot::channel();
        writer::push(&self.shared, Append { batch, reply });
        verdict.await.unwrap_or_else(|_| Err(StoreError::from(Error::WriterGone).into()))
    }
}

/// The pages after the first, asked for only when they are wanted.
enum Rest {
    Later((Selection, crate::read::reader::Cursor)),
    Now(Option<Pages>),
}

#[async_trait]
impl EventStore for PostgresStore {
    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        let names = Names::of_read(query);
        let names = names.filter(|names| names.len() <= self.shared.config.batch_names);
        let _turn = match &names {
            Some(names) => self.shared.gates.enter(names).await,
            None => None,
        };
        self.select(Selection::of_query(query), names.as_ref(), options).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        let names = Names::of_stream(stream);
        self.select(Selection::Stream(stream.clone()), Some(&names), options).await
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        Self::LIMITS.check(&events, &condition)?;
        let boundary = match &condition {
            AppendCondition::FailIfEventsMatch { .. } => Names::of_condition(&condition),
            _ => None,
        };
        let batch = Batch::new(events, condition, self.shared.config.batch_names)?;
        let Some(boundary) = boundary else { return self.submit(batch).await };
        let appending = self.shared.gates.append(&boundary);
        let verdict = self.submit(batch).await;
        appending.end(verdict.as_ref().is_err_and(AppendError::is_conflict));
        verdict
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        let head = self.shared.reader.head().await?;
        self.shared.head.publish(head);
        Ok(position(head))
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        let Shared { head, poll, reader, .. } = &*self.shared;
        let after = after.map_or(0, SequencePosition::get);
        if head.is_past(after) {
            return Ok(());
        }
        head.publish(reader.head().await?);
        while !head.is_past_within(after, poll.interval()).await {
            if poll.is_due() {
                head.publish(reader.head().await?);
            }
        }
        Ok(())
    }
}
