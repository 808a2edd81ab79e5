//! A log of orders in a SQLite file, with read models in the same one.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use factos::{AppendCondition, Event, EventStore, QueryFor, Recorded, encode};
use factos_consumer::{Consumers, OnError, Options, PartitionKey, Projection, port::Port};
use factos_sqlite::{
    SqliteConsumers, SqliteStore, WriteTransaction,
    rusqlite::{self, Connection},
};
use tempfile::TempDir;
use tokio::task::JoinHandle;

#[derive(Debug, Event)]
pub(crate) enum Sales {
    Ordered {
        #[tag]
        order: u64,
    },
}

/// The position of each event, in a table of the version's.
pub(crate) struct Orders<const VERSION: u32>;

impl<const VERSION: u32> Projection for Orders<VERSION> {
    type Event = Sales;
    type Tx = WriteTransaction;
    type Error = rusqlite::Error;

    const NAME: &'static str = "orders";
    const VERSION: u32 = VERSION;

    fn query(&self) -> QueryFor<Sales> {
        QueryFor::all_types()
    }

    fn key(&self, record: &Recorded<Sales>) -> Option<PartitionKey> {
        let Sales::Ordered { order } = record.event;
        Some(PartitionKey::new(order))
    }

    async fn apply(
        &self,
        tx: &mut WriteTransaction,
        records: &[Recorded<Sales>],
    ) -> Result<(), rusqlite::Error> {
        let sql = format!("INSERT INTO applied_{VERSION} VALUES (?1, ?2)");
        let mut insert = tx.connection().prepare_cached(&sql)?;
        for record in records {
            let Sales::Ordered { order } = record.event;
            insert.execute((record.position.get().cast_signed(), order.cast_signed()))?;
        }
        Ok(())
    }
}

/// The consumers of these versions.
pub(crate) async fn consumers(
    store: &SqliteStore,
    lease: Duration,
    versions: &str,
) -> Consumers<SqliteConsumers> {
    let port = SqliteConsumers::new(store);
    let options = || Options::new(OnError::Stop).page(3).partitions(2);
    let mut consumers = Consumers::new(store.clone(), port).lease(lease);
    if versions.contains('1') {
        consumers = consumers.project(Orders::<1>, options());
    }
    if versions.contains('2') {
        consumers = consumers.project(Orders::<2>, options());
    }
    consumers
}

pub(crate) struct Shop {
    folder: TempDir,
    store: SqliteStore,
    ordered: Arc<AtomicU64>,
}

/// Orders that are made all the time.
pub(crate) struct Ordered {
    task: JoinHandle<()>,
    stop: Arc<AtomicBool>,
    ordered: Arc<AtomicU64>,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("shop.db")).await.unwrap();
        SqliteConsumers::new(&store).migrate().await.unwrap();
        let tables = "CREATE TABLE applied_1 (position INTEGER, ord INTEGER) STRICT;
                      CREATE TABLE applied_2 (position INTEGER, ord INTEGER) STRICT;";
        store.write(|tx| tx.connection().execute_batch(tables)).await.unwrap();
        Self { folder, store, ordered: Arc::default() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("shop.db")
    }

    pub(crate) fn store(&self) -> SqliteStore {
        self.store.clone()
    }

    pub(crate) fn port(&self) -> SqliteConsumers {
        SqliteConsumers::new(&self.store)
    }

    pub(crate) async fn order(&self) -> u64 {
        order(&self.store, &self.ordered).await
    }

    pub(crate) fn keep_ordering(&self) -> Ordered {
        let (store, ordered, stop) =
            (self.store.clone(), Arc::clone(&self.ordered), Arc::default());
        let is_stopped: Arc<AtomicBool> = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            while !is_stopped.load(Ordering::Relaxed) {
                order(&store, &ordered).await;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        Ordered { task, stop, ordered: Arc::clone(&self.ordered) }
    }

    /// What a version has written: position and order, in the order of writing.
    pub(crate) async fn applied(&self, version: u32) -> Vec<(u64, u64)> {
        let connection = Connection::open(self.path()).unwrap();
        let sql = format!("SELECT position, ord FROM applied_{version} ORDER BY rowid");
        let mut select = connection.prepare(&sql).unwrap();
        let rows = select.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
        let rows = rows.unwrap().map(Result::unwrap);
        rows.map(|(position, order)| (position.cast_unsigned(), order.cast_unsigned())).collect()
    }

    pub(crate) async fn applied_more_than(&self, version: u32, count: usize) {
        while self.applied(version).await.len() <= count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until a version has come to a position.
    pub(crate) async fn wait_for(&self, version: u32, position: u64) {
        let is_there = async || {
            let rows = self.port().consumers().await.unwrap();
            let row = rows.into_iter().find(|row| row.consumer.version == version);
            row.and_then(|row| row.position()).is_some_and(|at| at.get() >= position)
        };
        while !is_there().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The operating system's id of the process that has the partitions of a version.
    pub(crate) async fn owner(&self, version: u32) -> u32 {
        loop {
            let rows = self.port().consumers().await.unwrap();
            let row = rows.iter().find(|row| row.consumer.version == version).unwrap();
            let owner = row.partitions.iter().find_map(|partition| partition.owner.clone());
            if let Some(owner) = owner {
                return owner.0.split('-').next().unwrap().parse().unwrap();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Every event once, those of an order in the order of the log.
    pub(crate) async fn assert_exact(&self, version: u32, last: u64) {
        let applied = self.applied(version).await;
        let mut of_order = BTreeMap::<_, Vec<_>>::new();
        for (position, order) in &applied {
            of_order.entry(*order).or_default().push(*position);
        }
        for (order, positions) in of_order {
            assert!(positions.is_sorted(), "events of order {order} came as {positions:?}");
        }
        let mut positions: Vec<_> = applied.iter().map(|(position, _)| *position).collect();
        positions.sort_unstable();
        assert_eq!(positions, (1..=last).collect::<Vec<_>>());
    }
}

impl Ordered {
    /// The position of the last one.
    pub(crate) async fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.unwrap();
        self.ordered.load(Ordering::Relaxed)
    }

    /// Whether orders are made, or wait for the lock on the file.
    pub(crate) async fn goes_on(&self) -> bool {
        let before = self.ordered.load(Ordering::Relaxed);
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(5)).await;
            if self.ordered.load(Ordering::Relaxed) > before + 2 {
                return true;
            }
        }
        false
    }
}

async fn order(store: &SqliteStore, ordered: &AtomicU64) -> u64 {
    loop {
        let order = ordered.load(Ordering::Relaxed) % 7;
        let event = encode(&Sales::Ordered { order }).unwrap();
        // A worker that was stopped in a transaction has the lock.
        if let Ok(records) = store.append(vec![event], AppendCondition::None).await {
            ordered.store(records[0].position.get(), Ordering::Relaxed);
            return records[0].position.get();
        }
    }
}
