use std::{path::Path, time::Duration};

use factos::StoreError;
use factos_consumer::port::{
    Beat, ConsumerId, ConsumerRow, ConsumerState, Decision, Grant, Parked, ParkedCount,
    ParkedQuery, PartitionId, Port, PortError, ProcessId, Registration, Selection, Snapshot, Step,
    Token, Work,
};
use rusqlite::Connection;

use super::{clock::milliseconds, schema, tables::Tables, work};
use crate::{
    store::SqliteStore,
    write::{transaction::WriteTransaction, write_error::WriteError},
};

/// Where consumers keep what they must not forget: tables in the file of a log, beside read models.
///
/// The names of the tables begin with `factos_consumer`; [`migrate`](Self::migrate) makes them. A clone is the same
/// handle.
///
/// A consumer writes with the [`connection`](WriteTransaction::connection) of a [`WriteTransaction`], and may append. Its
/// changes and its position are committed together, so that each event is applied exactly once. As in
/// [`SqliteStore::write`], it holds the lock that all appends wait for, and must not wait itself: **a future that waits
/// is an error of the consumer's** ([`PortError::Work`]), and nothing is written. Statements that would end the
/// transaction, or write to the tables of the log or of the consumers, are refused.
///
/// ```
/// use factos::{Event, QueryFor, Recorded};
/// use factos_consumer::{Consumers, OnError, Projection};
/// use factos_sqlite::{SqliteConsumers, SqliteStore, WriteTransaction, rusqlite};
///
/// # #[derive(Debug, Event)]
/// # enum Ticketing { Sold { #[tag] show: String } }
/// struct SoldTickets;
///
/// impl Projection for SoldTickets {
///     type Event = Ticketing;
///     type Tx = WriteTransaction;
///     type Error = rusqlite::Error;
///     const NAME: &'static str = "sold-tickets";
///
///     fn query(&self) -> QueryFor<Ticketing> {
///         QueryFor::all_types()
///     }
///
///     async fn apply(
///         &self,
///         tx: &mut WriteTransaction,
///         records: &[Recorded<Ticketing>],
///     ) -> Result<(), rusqlite::Error> {
///         let mut insert = tx.connection().prepare_cached("INSERT INTO sold VALUES (?1)")?;
///         for record in records {
///             insert.execute([record.position.get() as i64])?;
///         }
///         Ok(())
///     }
/// }
///
/// # async fn example(store: SqliteStore) -> Result<(), Box<dyn std::error::Error>> {
/// let port = SqliteConsumers::new(&store);
/// port.migrate().await?;
/// let consumers = Consumers::new(store, port).project(SoldTickets, OnError::Stop);
/// consumers.run_until(std::future::pending()).await?;
/// # Ok(())
/// # }
/// ```
///
/// Where read models are to be in another file than the log, open that file as a [`SqliteStore`] of its own, and
/// take the consumers of that store: the log that is followed may be any other one. Appends to the log do not wait for
/// consumers then.
///
/// Steps, leases and signs of life are a transaction each, with a flush. What only looks, as
/// [`consumers`](Port::consumers) and [`parked`](Port::parked), runs on the threads that read.
///
/// Times are those of SQLite, which is the clock of the machine. If that is set back, leases that began later by it have
/// run out, and retries wait for as much longer.
#[derive(Debug, Clone)]
pub struct SqliteConsumers {
    store: SqliteStore,
}

impl SqliteConsumers {
    /// The consumers that are kept in the file of this store.
    ///
    /// What they append runs the [hook](SqliteStore::with_hook) of this handle.
    #[must_use]
    pub fn new(store: &SqliteStore) -> Self {
        Self { store: store.clone() }
    }

    /// The SQL that makes the tables, for an application's own migration tool. It may run again.
    #[must_use]
    pub const fn sql() -> &'static str {
        schema::SQL
    }

    /// Makes the tables if they are not there. Safe to call each time, and from several processes at once.
    ///
    /// # Errors
    /// [`PortError::Format`] if they were made by another version of this crate, and [`PortError::Database`].
    pub async fn migrate(&self) -> Result<(), PortError> {
        let made = self.store.write(|tx| tx.own(schema::migrate));
        made.await.map_err(WriteError::into_caller)
    }

    /// Looks, in one snapshot.
    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Tables<'_>) -> Result<T, PortError> + Send + 'static,
    ) -> Result<T, PortError> {
        let looked = move |connection: &Connection, path: &Path| {
            Tables::open(connection, path).and_then(|tables| look(&tables))
        };
        self.store.look(looked).await.map_err(StoreError::from)?
    }

    /// Changes the tables, in a transaction of its own.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Tables<'_>) -> Result<T, PortError> + Send + 'static,
    ) -> Result<T, PortError> {
        let changed = self.store.write(move |tx| within(tx, change));
        changed.await.map_err(WriteError::into_caller)
    }
}

/// Works on the tables within the transaction.
fn within<T>(
    tx: &WriteTransaction,
    f: impl FnOnce(&Tables<'_>) -> Result<T, PortError>,
) -> Result<T, PortError> {
    tx.own(|connection, path| f(&Tables::open(connection, path)?))
}

impl Port for SqliteConsumers {
    type Tx = WriteTransaction;

    async fn register(&self, registration: &Registration) -> Result<ConsumerState, PortError> {
        let registration = registration.clone();
        self.change(move |tables| tables.register(&registration)).await
    }

    async fn beat(&self, beat: &Beat) -> Result<Snapshot, PortError> {
        let beat = beat.clone();
        self.change(move |tables| tables.beat(&beat)).await
    }

    async fn acquire(
        &self,
        process: &ProcessId,
        partition: &PartitionId,
        lease: Duration,
    ) -> Result<Option<Grant>, PortError> {
        let (process, partition, lease) = (process.clone(), partition.clone(), milliseconds(lease));
        self.change(move |tables| tables.acquire(&process, &partition, lease)).await
    }

    async fn release(&self, partition: &PartitionId, token: Token) -> Result<(), PortError> {
        let partition = partition.clone();
        self.change(move |tables| tables.release(&partition, token)).await
    }

    async fn leave(&self, process: &ProcessId) -> Result<(), PortError> {
        let process = process.clone();
        self.change(move |tables| tables.leave(&process)).await
    }

    async fn commit(
        &self,
        step: Step,
        work: Option<Box<dyn Work<WriteTransaction>>>,
    ) -> Result<(), PortError> {
        let committed = self.store.write(move |tx| {
            within(tx, |tables| tables.check_step(&step))?;
            work::run(tx, work)?;
            within(tx, |tables| tables.keep_step(&step))
        });
        committed.await.map_err(work::error_of)
    }

    async fn report(
        &self,
        partition: &PartitionId,
        token: Token,
        error: &str,
    ) -> Result<(), PortError> {
        let (partition, error) = (partition.clone(), error.to_owned());
        self.change(move |tables| tables.report(&partition, token, &error)).await
    }

    async fn consumers(&self) -> Result<Vec<ConsumerRow>, PortError> {
        self.look(|tables| tables.consumer_rows()).await
    }

    async fn parked(&self, query: &ParkedQuery, most: u32) -> Result<Vec<Parked>, PortError> {
        let query = query.clone();
        self.look(move |tables| tables.parked(&query, most)).await
    }

    async fn count_parked(&self, consumer: &ConsumerId) -> Result<ParkedCount, PortError> {
        let consumer = consumer.clone();
        self.look(move |tables| tables.count_parked(&consumer)).await
    }

    async fn decide(
        &self,
        consumer: &ConsumerId,
        selection: &Selection,
        decision: &Decision,
    ) -> Result<u64, PortError> {
        let (consumer, selection) = (consumer.clone(), selection.clone());
        let decision = decision.clone();
        self.change(move |tables| tables.decide(&consumer, &selection, &decision)).await
    }

    async fn promote(
        &self,
        consumer: &ConsumerId,
        work: Option<Box<dyn Work<WriteTransaction>>>,
    ) -> Result<(), PortError> {
        let consumer = consumer.clone();
        let promoted = self.store.write(move |tx| {
            within(tx, |tables| tables.promote(&consumer))?;
            work::run(tx, work)
        });
        promoted.await.map_err(work::error_of)
    }

    async fn retire(&self, consumer: &ConsumerId) -> Result<(), PortError> {
        let consumer = consumer.clone();
        self.change(move |tables| tables.retire(&consumer)).await
    }
}
