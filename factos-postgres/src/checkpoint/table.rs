use factos::CheckpointError;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::row::{Checkpoint, FORMAT, failed};
use crate::config::{Config, InvalidSchemaName};

/// Two processes that make the tables at once would fail one another; the first of the two numbers of its lock.
const LOCK: i32 = 1_178_796_035;

/// Where an application keeps its checkpoints: two tables in a schema, beside its read models.
///
/// The schema may be in another database than the log.
///
/// ```no_run
/// # async fn projector(store: factos_postgres::PostgresStore, pool: factos_postgres::sqlx::PgPool)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// use factos::{EventStoreExt, Query, SequencePosition};
/// use factos_postgres::{CheckpointTable, sqlx};
///
/// let table = CheckpointTable::in_schema("shop")?;
/// table.migrate(&mut *pool.acquire().await?).await?;
/// let checkpoint = table.checkpoint("orders");
///
/// let kept = checkpoint.load(&mut *pool.acquire().await?).await?;
/// let mut from = store.resume(kept).await?;
/// let mut events = store.subscribe(Query::all(), from);
/// loop {
///     let batch = events.next().await?;
///     let to = batch.anchor(&store).await?;
///     let mut transaction = pool.begin().await?;
///     for record in &batch.records {
///         sqlx::query("INSERT INTO shop.seen VALUES ($1)")
///             .bind(record.event_type.as_str())
///             .execute(&mut *transaction)
///             .await?;
///     }
///     if let Some(to) = &to {
///         checkpoint.advance(&mut transaction, from, to).await?;
///     }
///     transaction.commit().await?;
///     from = batch.through;
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointTable {
    schema: String,
}

impl CheckpointTable {
    /// The tables `factos_checkpoint` and `factos_checkpoint_format` in a schema that is there.
    ///
    /// # Errors
    /// [`InvalidSchemaName`], as [`Config::schema`] says.
    pub fn in_schema(name: &str) -> Result<Self, InvalidSchemaName> {
        Ok(Self { schema: Config::new().schema(name)?.schema })
    }

    /// The SQL that makes the tables, for an application's own migration tool. It runs once, in one transaction.
    #[must_use]
    pub fn sql(&self) -> String {
        let schema = &self.schema;
        format!(
            "CREATE TABLE \"{schema}\".factos_checkpoint_format (\n  \
               one    pg_catalog.bool PRIMARY KEY DEFAULT true CHECK (one),\n  \
               format pg_catalog.int4 NOT NULL);\n\
             CREATE TABLE \"{schema}\".factos_checkpoint (\n  \
               name      pg_catalog.text COLLATE \"C\" NOT NULL,\n  \
               version   pg_catalog.int8 NOT NULL,\n  \
               partition pg_catalog.int8 NOT NULL,\n  \
               log_id    pg_catalog.text NOT NULL,\n  \
               position  pg_catalog.int8 NOT NULL,\n  \
               event_id  pg_catalog.uuid NOT NULL,\n  \
               moved_at  pg_catalog.timestamptz NOT NULL,\n  \
               PRIMARY KEY (name, version, partition));\n\
             INSERT INTO \"{schema}\".factos_checkpoint_format (format) VALUES ({FORMAT});\n"
        )
    }

    /// Makes the tables if they are not there. Safe to call each time, and from several processes at once.
    ///
    /// In a transaction of the caller's it is part of that.
    ///
    /// # Errors
    /// [`CheckpointError::Database`].
    pub async fn migrate(&self, connection: &mut PgConnection) -> Result<(), CheckpointError> {
        self.make(connection).await.map_err(failed)
    }

    async fn make(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let mut transaction = connection.begin().await?;
        let lock = "SELECT pg_catalog.pg_advisory_xact_lock($1, pg_catalog.hashtext($2))";
        sqlx::query(lock).bind(LOCK).bind(&self.schema).execute(&mut *transaction).await?;
        let is_there = "SELECT pg_catalog.to_regclass($1) IS NOT NULL";
        let is_there: bool = sqlx::query_scalar(is_there)
            .bind(format!("\"{}\".factos_checkpoint_format", self.schema))
            .fetch_one(&mut *transaction)
            .await?;
        if !is_there {
            transaction.execute(sqlx::raw_sql(AssertSqlSafe(self.sql()))).await?;
        }
        transaction.commit().await
    }

    /// The checkpoint of a consumer, in version 1 and partition 0.
    pub fn checkpoint(&self, name: impl Into<String>) -> Checkpoint {
        Checkpoint::new(&self.schema, name)
    }
}
