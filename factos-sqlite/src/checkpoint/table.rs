use factos::CheckpointError;
use rusqlite::Connection;

use super::row::{Checkpoint, FORMAT, failed};

/// Where an application keeps its checkpoints: two tables in a SQLite file, beside its read models.
///
/// The file may be that of the log, or another one.
///
/// ```no_run
/// # async fn projector(store: factos_sqlite::SqliteStore, path: &str)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// use factos::{EventStoreExt, Query};
/// use factos_sqlite::{CheckpointTable, rusqlite::Connection};
///
/// let mut models = Connection::open(path)?;
/// let table = CheckpointTable::new();
/// table.migrate(&models)?;
/// let checkpoint = table.checkpoint("orders");
///
/// let mut from = store.resume(checkpoint.load(&models)?).await?;
/// let mut events = store.subscribe(Query::all(), from);
/// loop {
///     let batch = events.next().await?;
///     let to = batch.anchor(&store).await?;
///     let transaction = models.transaction()?;
///     for record in &batch.records {
///         transaction.execute("INSERT INTO seen VALUES (?1)", [record.event_type.as_str()])?;
///     }
///     if let Some(to) = &to {
///         checkpoint.advance(&transaction, from, to)?;
///     }
///     transaction.commit()?;
///     from = batch.through;
/// }
/// # }
/// ```
///
/// In the log's own file the read models are best written in [`SqliteStore::write`](crate::SqliteStore::write), with
/// [`connection`](crate::WriteTransaction::connection) as the connection, since a file has one writer at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointTable {
    database: String,
}

impl CheckpointTable {
    /// The tables `factos_checkpoint` and `factos_checkpoint_format` in the connection's own file.
    #[must_use]
    pub fn new() -> Self {
        Self::in_database("main")
    }

    /// The same in a file that is attached to the connection under a name.
    pub fn in_database(name: impl Into<String>) -> Self {
        Self { database: name.into().replace('"', "\"\"") }
    }

    /// The SQL that makes the tables, for an application's own migration tool. It may run again.
    #[must_use]
    pub fn sql(&self) -> String {
        let database = &self.database;
        format!(
            "CREATE TABLE IF NOT EXISTS \"{database}\".factos_checkpoint_format (\n  \
               one    INTEGER PRIMARY KEY DEFAULT 1 CHECK (one = 1),\n  \
               format INTEGER NOT NULL) STRICT;\n\
             CREATE TABLE IF NOT EXISTS \"{database}\".factos_checkpoint (\n  \
               name      TEXT NOT NULL,\n  \
               version   INTEGER NOT NULL,\n  \
               partition INTEGER NOT NULL,\n  \
               log_id    TEXT NOT NULL,\n  \
               position  INTEGER NOT NULL,\n  \
               event_id  BLOB NOT NULL,\n  \
               moved_at  TEXT NOT NULL,\n  \
               PRIMARY KEY (name, version, partition)) STRICT, WITHOUT ROWID;\n\
             INSERT INTO \"{database}\".factos_checkpoint_format (format)\n  \
               SELECT {FORMAT} WHERE NOT EXISTS (SELECT * FROM \"{database}\".factos_checkpoint_format);\n"
        )
    }

    /// Makes the tables if they are not there. Safe to call each time, and from several processes at once.
    ///
    /// In a transaction of the caller's it is part of that.
    ///
    /// # Errors
    /// [`CheckpointError::Database`].
    pub fn migrate(&self, connection: &Connection) -> Result<(), CheckpointError> {
        connection.execute_batch(&self.sql()).map_err(failed)
    }

    /// The checkpoint of a consumer, in version 1 and partition 0.
    pub fn checkpoint(&self, name: impl Into<String>) -> Checkpoint {
        Checkpoint::new(&self.database, name)
    }
}

impl Default for CheckpointTable {
    fn default() -> Self {
        Self::new()
    }
}
