//! A file with a log and consumers.

use std::{error::Error, path::PathBuf, time::Duration};

use factos::{Anchor, EventId, SequencePosition};
use factos_consumer::{
    conformance::PortFixture,
    port::{
        Advance, ConsumerId, PartitionId, Port, ProcessId, Registration, Step, Succession, Token,
        Work,
    },
};
use factos_sqlite::{
    Config, Durability, SqliteConsumers, SqliteStore, WriteTransaction, rusqlite::Connection,
};
use futures_util::future::BoxFuture;
use tempfile::TempDir;

pub(crate) struct File {
    folder: TempDir,
}

impl File {
    /// With the tables of consumers, and one of the application's.
    pub(crate) async fn new() -> Self {
        let file = Self { folder: tempfile::tempdir().unwrap() };
        file.consumers().await.migrate().await.unwrap();
        file.sql()
            .execute_batch("CREATE TABLE written (id INTEGER PRIMARY KEY, row TEXT)")
            .unwrap();
        file
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("log.db")
    }

    pub(crate) async fn store(&self) -> SqliteStore {
        open(self.path()).await
    }

    pub(crate) async fn consumers(&self) -> SqliteConsumers {
        SqliteConsumers::new(&self.store().await)
    }

    /// A connection that knows nothing of logs.
    pub(crate) fn sql(&self) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        connection.busy_timeout(Duration::from_secs(60)).unwrap();
        connection
    }

    pub(crate) fn written(&self) -> Vec<String> {
        let connection = self.sql();
        let mut rows = connection.prepare("SELECT row FROM written ORDER BY id").unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

pub(crate) const LONG: Duration = Duration::from_secs(600);

pub(crate) fn partition() -> PartitionId {
    PartitionId { consumer: ConsumerId::new("orders", 1), number: 0 }
}

/// Registers a consumer with one partition, and leases that.
pub(crate) async fn lease(consumers: &SqliteConsumers) -> Token {
    let registration = Registration {
        consumer: partition().consumer,
        partitions: 1,
        succession: Succession::Rebuild,
        start: None,
    };
    consumers.register(&registration).await.unwrap();
    let process = ProcessId("a".to_owned());
    consumers.acquire(&process, &partition(), LONG).await.unwrap().unwrap().token
}

/// A step from one position to another, of which 0 is the start.
pub(crate) fn moves(token: Token, from: u64, to: u64) -> Step {
    let to = Anchor::new("log", SequencePosition::new(to).unwrap(), EventId::new());
    let advance = Some(Advance { from: SequencePosition::new(from), to });
    Step { advance, ..Step::new(partition(), token) }
}

/// Where the partition is; 0 at the start.
pub(crate) async fn position(consumers: &SqliteConsumers) -> u64 {
    let rows = consumers.consumers().await.unwrap();
    rows[0].position().map_or(0, |position| position.get())
}

/// Work that is done at once.
pub(crate) struct AtOnce<F>(pub(crate) F);

impl<F> Work<WriteTransaction> for AtOnce<F>
where
    F: FnOnce(&mut WriteTransaction) -> Result<(), Box<dyn Error + Send + Sync>> + Send + 'static,
{
    fn run<'t>(
        self: Box<Self>,
        tx: &'t mut WriteTransaction,
    ) -> BoxFuture<'t, Result<(), Box<dyn Error + Send + Sync>>> {
        Box::pin(async move { (self.0)(tx) })
    }
}

pub(crate) fn work<F>(f: F) -> Option<Box<dyn Work<WriteTransaction>>>
where
    F: FnOnce(&mut WriteTransaction) -> Result<(), Box<dyn Error + Send + Sync>> + Send + 'static,
{
    Some(Box::new(AtOnce(f)))
}

pub(crate) async fn open(path: PathBuf) -> SqliteStore {
    let config = Config::new(path).durability(Durability::LoseLatestOnPowerCut).readers(1);
    config.busy_timeout(Duration::from_secs(60)).open().await.unwrap()
}

pub(crate) fn write(tx: &WriteTransaction, row: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    tx.connection().execute("INSERT INTO written (row) VALUES (?1)", [row])?;
    Ok(())
}

impl PortFixture for File {
    type Port = SqliteConsumers;

    const WORK_MAY_WAIT: bool = false;

    async fn fresh() -> Self {
        Self::new().await
    }

    async fn connect(&self) -> SqliteConsumers {
        self.consumers().await
    }

    fn write<'t>(
        tx: &'t mut WriteTransaction,
        row: &'t str,
    ) -> BoxFuture<'t, Result<(), Box<dyn Error + Send + Sync>>> {
        Box::pin(async move { write(tx, row) })
    }

    async fn rows(&self) -> Vec<String> {
        self.written()
    }
}
