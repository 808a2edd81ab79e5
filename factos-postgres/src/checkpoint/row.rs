use std::sync::Arc;

use factos::{Anchor, CheckpointError, EventId, SequencePosition, backend::CheckpointKey};
use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};

use crate::error::of_caller;

/// The format of the tables.
pub(super) const FORMAT: i32 = 1;

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
    load: String,
    insert: String,
    update: String,
    remove: String,
}

impl Checkpoint {
    pub(super) fn new(schema: &str, name: impl Into<String>) -> Self {
        Self { key: CheckpointKey::new(name), sql: Arc::new(Sql::of(schema)) }
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
    pub async fn load(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Option<Anchor>, CheckpointError> {
        let row = self.keyed(&self.sql.load).fetch_one(connection).await.map_err(failed)?;
        let format: i32 = row.try_get(0).map_err(failed)?;
        if format != FORMAT {
            return Err(CheckpointError::Format { found: format.into(), known: FORMAT.into() });
        }
        let log_id: Option<String> = row.try_get(1).map_err(failed)?;
        log_id.map(|log_id| self.anchor(log_id, &row)).transpose()
    }

    /// Moves it, if it still is where it was `expected`: `None` if it has kept nothing yet.
    ///
    /// In a transaction the row stays locked until its end: another worker that moves the same checkpoint waits for
    /// that, and is then refused. After an error roll the transaction back.
    ///
    /// # Errors
    /// [`CheckpointError::Moved`] if another worker has moved it, [`CheckpointError::OtherLog`] if it is one of another
    /// log, [`CheckpointError::Backwards`] if `to` is below `expected`, and [`CheckpointError::Database`]. The last is of
    /// the kind [`Busy`](factos::ErrorKind::Busy) where another worker has moved it beside a transaction of the isolation
    /// level `REPEATABLE READ` or `SERIALIZABLE`.
    pub async fn advance(
        &self,
        connection: &mut PgConnection,
        expected: Option<SequencePosition>,
        to: &Anchor,
    ) -> Result<(), CheckpointError> {
        self.key.check_move(expected, to)?;
        let sql = if expected.is_some() { &self.sql.update } else { &self.sql.insert };
        let mut statement = self
            .keyed(sql)
            .bind(to.log_id())
            .bind(to.position().get().cast_signed())
            .bind(to.event_id().to_string());
        if let Some(expected) = expected {
            statement = statement.bind(expected.get().cast_signed());
        }
        let done = statement.execute(&mut *connection).await.map_err(failed)?;
        if done.rows_affected() == 1 {
            return Ok(());
        }
        let found = self.load(connection).await?;
        Err(self.key.refusal(expected, found.as_ref(), to))
    }

    /// Removes it, so that its consumer starts anew.
    ///
    /// # Errors
    /// [`CheckpointError::Database`].
    pub async fn remove(&self, connection: &mut PgConnection) -> Result<(), CheckpointError> {
        self.keyed(&self.sql.remove).execute(connection).await.map_err(failed)?;
        Ok(())
    }

    fn keyed<'q>(
        &'q self,
        sql: &'q str,
    ) -> sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments> {
        let CheckpointKey { name, version, partition, .. } = &self.key;
        sqlx::query(AssertSqlSafe(sql))
            .bind(name)
            .bind(i64::from(*version))
            .bind(i64::from(*partition))
    }

    fn anchor(&self, log_id: String, row: &PgRow) -> Result<Anchor, CheckpointError> {
        let damaged = |what| CheckpointError::Damaged { name: self.key.to_string(), what };
        let at: i64 = row.try_get(2).map_err(failed)?;
        let id: String = row.try_get(3).map_err(failed)?;
        let at =
            SequencePosition::new(at.cast_unsigned()).ok_or_else(|| damaged("its position"))?;
        let id: EventId = id.parse().map_err(|_| damaged("its event"))?;
        Ok(Anchor::new(log_id, at, id))
    }
}

impl Sql {
    fn of(schema: &str) -> Self {
        let table = format!("\"{schema}\".factos_checkpoint");
        let is_it = "c.name OPERATOR(pg_catalog.=) $1 AND c.version OPERATOR(pg_catalog.=) $2 \
                     AND c.partition OPERATOR(pg_catalog.=) $3";
        Self {
            load: format!(
                "SELECT f.format, c.log_id, c.position, c.event_id::pg_catalog.text \
                 FROM {table}_format f LEFT JOIN {table} c ON {is_it}"
            ),
            insert: format!(
                "INSERT INTO {table} VALUES ($1, $2, $3, $4, $5, $6::pg_catalog.text::pg_catalog.uuid, \
                 pg_catalog.clock_timestamp()) ON CONFLICT DO NOTHING"
            ),
            update: format!(
                "UPDATE {table} c SET position = $5, event_id = $6::pg_catalog.text::pg_catalog.uuid, \
                 moved_at = pg_catalog.clock_timestamp() WHERE {is_it} \
                 AND c.log_id OPERATOR(pg_catalog.=) $4 AND c.position OPERATOR(pg_catalog.=) $7"
            ),
            remove: format!("DELETE FROM {table} c WHERE {is_it}"),
        }
    }
}

pub(super) fn failed(error: sqlx::Error) -> CheckpointError {
    CheckpointError::Database(of_caller(error))
}
