//! Tables that consumers write and requests read, with SQL that SQLite and PostgreSQL both understand.

use std::{
    error::Error,
    fmt,
    future::Future,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use factos::EventStore;
use factos_consumer::port::Port;
use factos_postgres::{
    Config, PostgresConsumers,
    sqlx::{
        self, AssertSqlSafe, PgConnection, PgPool, Postgres, Row,
        postgres::{PgArguments, PgConnectOptions, PgPoolOptions},
        query::Query,
    },
};
use factos_sqlite::{
    SqliteConsumers, SqliteStore, WriteTransaction,
    rusqlite::{Connection, params_from_iter, types},
};

/// A parameter of a statement, `$1` and so on.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// A text.
    Text(&'a str),
    /// A number.
    Integer(i64),
}

/// A port in whose transactions a consumer writes such tables.
pub trait Tables: Port {
    /// Runs a statement.
    ///
    /// # Errors
    /// That of the driver itself, by which the port knows a conflict or a lost connection from a mistake.
    fn write(
        tx: &mut Self::Tx,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send;
}

impl Tables for SqliteConsumers {
    async fn write(
        tx: &mut WriteTransaction,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let values = values.iter().copied().map(types::Value::from);
        tx.connection().prepare_cached(sql)?.execute(params_from_iter(values))?;
        Ok(())
    }
}

impl Tables for PostgresConsumers {
    async fn write(
        tx: &mut PgConnection,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        bound(sql, values).execute(tx).await?;
        Ok(())
    }
}

impl From<Value<'_>> for types::Value {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Text(text) => Self::Text(text.to_owned()),
            Value::Integer(number) => Self::Integer(number),
        }
    }
}

fn bound(sql: &'static str, values: &[Value<'_>]) -> Query<'static, Postgres, PgArguments> {
    values.iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Text(text) => query.bind((*text).to_owned()),
        Value::Integer(number) => query.bind(*number),
    })
}

/// A log, its consumers and their tables, all in one database.
pub struct Database<P> {
    /// The log.
    pub log: Arc<dyn EventStore>,
    /// Where consumers keep what they must not forget.
    pub port: P,
    /// Reads the tables.
    pub reader: Reader,
    /// Closed at the end, so that a failed write is reported.
    file: Option<SqliteStore>,
}

impl Database<SqliteConsumers> {
    /// That of a file, with these tables.
    ///
    /// # Errors
    /// It cannot be opened, or the tables cannot be made.
    pub async fn sqlite(path: &Path, tables: &'static str) -> anyhow::Result<Self> {
        let file = SqliteStore::open(path).await?;
        let port = SqliteConsumers::new(&file);
        port.migrate().await?;
        file.write(move |tx| tx.connection().execute_batch(tables)).await?;
        let reader = Reader::Sqlite(Arc::new(Mutex::new(Connection::open(path)?)));
        Ok(Self { log: Arc::new(file.clone()), port, reader, file: Some(file) })
    }
}

impl Database<PostgresConsumers> {
    /// That of a schema, which is made if it is not there, with these tables.
    ///
    /// # Errors
    /// It cannot be opened, or the tables cannot be made.
    pub async fn postgres(url: &str, schema: &str, tables: &'static str) -> anyhow::Result<Self> {
        let config = Config::new().create(true).schema(schema)?;
        let log = Arc::new(config.connect(url).await?);
        let options: PgConnectOptions = url.parse()?;
        let options = options.options([("search_path", schema)]);
        let pool = PgPoolOptions::new().max_connections(10).connect_with(options).await?;
        let port = PostgresConsumers::new(pool.clone(), schema)?;
        port.migrate().await?;
        let mut transaction = pool.begin().await?;
        // Two processes that make a table at once would fail one another.
        let lock = "SELECT pg_advisory_xact_lock(hashtext(current_schema()))";
        sqlx::query(lock).execute(&mut *transaction).await?;
        sqlx::raw_sql(AssertSqlSafe(tables)).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Self { log, port, reader: Reader::Postgres(pool), file: None })
    }
}

impl<P> Database<P> {
    /// Closes it, and reports a write that failed at the end.
    ///
    /// # Errors
    /// That one.
    pub async fn close(self) -> anyhow::Result<()> {
        match self.file {
            Some(file) => Ok(file.close().await?),
            None => Ok(()),
        }
    }
}

impl<P> fmt::Debug for Database<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("reader", &self.reader).finish_non_exhaustive()
    }
}

/// Reads tables, outside of the transactions of consumers.
#[derive(Debug, Clone)]
pub enum Reader {
    /// Those of a file.
    Sqlite(Arc<Mutex<Connection>>),
    /// Those of a schema.
    Postgres(PgPool),
}

impl Reader {
    /// The rows of a query whose columns are texts.
    ///
    /// # Errors
    /// That of the driver.
    pub async fn rows(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> anyhow::Result<Vec<Vec<String>>> {
        match self {
            Self::Sqlite(connection) => {
                let connection = Arc::clone(connection);
                let values: Vec<_> = values.iter().copied().map(types::Value::from).collect();
                let reading = move || {
                    let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                    let mut statement = connection.prepare_cached(sql)?;
                    let columns = statement.column_count();
                    let rows = statement.query_map(params_from_iter(values), |row| {
                        (0..columns).map(|column| row.get(column)).collect()
                    })?;
                    rows.collect::<Result<_, _>>()
                };
                let rows = tokio::task::spawn_blocking(reading).await?;
                Ok(rows.map_err(|error: factos_sqlite::rusqlite::Error| error)?)
            }
            Self::Postgres(pool) => {
                let rows = bound(sql, values).fetch_all(pool).await?;
                let texts = rows
                    .iter()
                    .map(|row| (0..row.len()).map(|column| row.try_get(column)).collect());
                Ok(texts.collect::<Result<_, _>>()?)
            }
        }
    }
}
