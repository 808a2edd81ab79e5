use std::sync::Arc;

use factos::{Anchor, CheckpointError, EventId, SequencePosition, backend::CheckpointKey};
use rusqlite::{Connection, OptionalExtension, Row, ToSql};

use crate::error::of_caller;

/// The format of the tables.
pub(super) const FORMAT: i64 = 1;

/// How far a consumer has come, in one row.
///
/// Made by [`CheckpointTable::checkpoint`](crate::CheckpointTable::checkpoint). It is moved in the transaction
/// that holds what the consumer made of the events: then each event is applied once, whatever fails and
/// however many workers there are. Where that is elsewhere, move it afterwards: events may be applied again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    key: CheckpointKey,
    sql: Arc<Sql>,
}

#[derive(Debug, PartialEq, Eq)]
struct Sql {
    format: String,
    load: String,
    insert: String,
    update: String,
    remove: String,
}

/// A row as it is stored.
struct Stored {
    log_id: String,
    position: i64,
    event_id: Vec<u8>,
}

impl Checkpoint {
    pub(super) fn new(database: &str, name: impl Into<String>) -> Self {
        Self { key: CheckpointKey::new(name), sql: Arc::new(Sql::of(database)) }
    }

    /// A further version of the consumer has a checkpoint of its own, and so starts anew; 1 by default.
    #[must_use]
    pub const fn version(mut self, version: u32) -> Self {
        self.key.version = version;
        self
    }

    /// Each partition of the consumer has a checkpoint of its own; 0 by default.
    #[must_use]
    pub const fn partition(mut self, partition: u32) -> Self {
        self.key.partition = partition;
        self
    }

    /// What it has kept; `None` before its first move. Pass it to
    /// [`EventStoreExt::resume`](factos::EventStoreExt::resume), which compares it with the log.
    ///
    /// # Errors
    /// [`CheckpointError::Database`], [`CheckpointError::Format`], or [`CheckpointError::Damaged`].
    pub fn load(&self, connection: &Connection) -> Result<Option<Anchor>, CheckpointError> {
        let format = connection.prepare_cached(&self.sql.format).map_err(failed)?;
        let format: i64 = { format }.query_row([], |row| row.get(0)).map_err(failed)?;
        if format != FORMAT {
            return Err(CheckpointError::Format { found: format, known: FORMAT });
        }
        let mut load = connection.prepare_cached(&self.sql.load).map_err(failed)?;
        let stored =
            load.query_row(self.key().as_slice(), Stored::of).optional().map_err(failed)?;
        stored.map(|stored| self.anchor(stored)).transpose()
    }

    /// Moves it, if it still is where it was `expected`: `None` if it has kept nothing yet.
    ///
    /// In a transaction it is moved once that is committed. Only one transaction writes to a file at a time, so another
    /// worker that moves the same checkpoint waits for that, as long as its busy timeout says, and is then refused.
    /// After an error roll the transaction back.
    ///
    /// # Errors
    /// [`CheckpointError::Moved`] if another worker has moved it, [`CheckpointError::OtherLog`] if it is one of another
    /// log, [`CheckpointError::Backwards`] if `to` is below `expected`, and [`CheckpointError::Database`]. The last is of
    /// the kind [`Busy`](factos::ErrorKind::Busy) where another worker has written to the file since this transaction first
    /// read; one that is begun with `BEGIN IMMEDIATE` waits instead.
    pub fn advance(
        &self,
        connection: &Connection,
        expected: Option<SequencePosition>,
        to: &Anchor,
    ) -> Result<(), CheckpointError> {
        self.key.check_move(expected, to)?;
        let [name, version, partition] = self.key();
        let (position, event_id) = (number(to.position()), to.event_id().to_bytes());
        let log_id = to.log_id();
        let moved = match expected.map(number) {
            None => connection.prepare_cached(&self.sql.insert).and_then(|mut insert| {
                insert.execute((name, version, partition, log_id, position, event_id))
            }),
            Some(expected) => connection.prepare_cached(&self.sql.update).and_then(|mut update| {
                update.execute((name, version, partition, log_id, position, event_id, expected))
            }),
        };
        if moved.map_err(failed)? == 1 {
            return Ok(());
        }
        let found = self.load(connection)?;
        Err(self.key.refusal(expected, found.as_ref(), to))
    }

    /// Removes it, so that its consumer starts anew.
    ///
    /// # Errors
    /// [`CheckpointError::Database`].
    pub fn remove(&self, connection: &Connection) -> Result<(), CheckpointError> {
        let removed = connection.execute(&self.sql.remove, self.key().as_slice());
        removed.map(|_| ()).map_err(failed)
    }

    fn key(&self) -> [&dyn ToSql; 3] {
        [&self.key.name, &self.key.version, &self.key.partition]
    }

    fn anchor(&self, stored: Stored) -> Result<Anchor, CheckpointError> {
        let damaged = |what| CheckpointError::Damaged { name: self.key.to_string(), what };
        let position = SequencePosition::new(stored.position.cast_unsigned());
        let event_id = <[u8; 16]>::try_from(stored.event_id).ok().map(EventId::from_bytes);
        Ok(Anchor::new(
            stored.log_id,
            position.ok_or_else(|| damaged("its position"))?,
            event_id.ok_or_else(|| damaged("its event"))?,
        ))
    }
}

impl Stored {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { log_id: row.get(0)?, position: row.get(1)?, event_id: row.get(2)? })
    }
}

impl Sql {
    fn of(database: &str) -> Self {
        let table = format!("\"{database}\".factos_checkpoint");
        let is_it = "name = ?1 AND version = ?2 AND partition = ?3";
        let now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";
        Self {
            format: format!("SELECT format FROM {table}_format"),
            load: format!("SELECT log_id, position, event_id FROM {table} WHERE {is_it}"),
            insert: format!(
                "INSERT INTO {table} VALUES (?1, ?2, ?3, ?4, ?5, ?6, {now}) ON CONFLICT DO NOTHING"
            ),
            update: format!(
                "UPDATE {table} SET position = ?5, event_id = ?6, moved_at = {now} \
                 WHERE {is_it} AND log_id = ?4 AND position = ?7"
            ),
            remove: format!("DELETE FROM {table} WHERE {is_it}"),
        }
    }
}

fn number(position: SequencePosition) -> i64 {
    position.get().cast_signed()
}

pub(super) fn failed(error: rusqlite::Error) -> CheckpointError {
    CheckpointError::Database(of_caller(error))
}
