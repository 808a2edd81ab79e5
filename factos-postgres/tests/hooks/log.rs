//! A log beside a table to which hooks copy what is appended.

use std::sync::Arc;

use factos::{AppendCondition, AppendError, Bytes, EventStore, NewEvent, Recorded};
use factos_postgres::{
    HookFuture, Mode, PostgresStore,
    sqlx::{self, AssertSqlSafe, Connection, PgConnection, PgPool, Row, postgres::PgPoolOptions},
};
use futures_util::FutureExt;

use crate::support::{Schema, eventually, pool, sold, url};

pub(crate) const NONE: AppendCondition = AppendCondition::None;

pub(crate) type Verdict = Result<Vec<Recorded<Bytes>>, AppendError>;

pub(crate) struct Log {
    pub(crate) schema: Schema,
    pub(crate) store: PostgresStore,
    /// Of its own.
    pool: PgPool,
}

/// Where the hooks of a log write.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    insert: Arc<str>,
    schema: Arc<str>,
}

impl Log {
    pub(crate) async fn new(mode: Mode) -> Self {
        let schema = Schema::new(mode).await;
        schema
            .run("CREATE TABLE log.seen (position bigint PRIMARY KEY, id text, tags text, transaction bigint)")
            .await;
        let store = schema.open().await;
        Self { schema, store, pool: pool(2).await }
    }

    pub(crate) fn table(&self) -> Table {
        Table::of(&self.schema.name)
    }

    /// A handle that copies what is appended, and then refuses the show "bad".
    pub(crate) fn copying(&self) -> PostgresStore {
        copying(&self.store, &self.table())
    }

    /// A handle that copies what is appended, and runs this SQL besides where it appends the show "bad", of which it
    /// says nothing if it fails.
    pub(crate) fn running(&self, sql: &str) -> PostgresStore {
        let (table, sql): (_, Arc<str>) = (self.table(), self.sql(sql).into());
        self.store.with_hook(move |connection, records| {
            let (table, sql) = (table.clone(), Arc::clone(&sql));
            Box::pin(async move {
                if table.copy(connection, records).await.is_err() {
                    for statement in sql.split("; ") {
                        drop(run(connection, statement).await);
                    }
                }
                Ok(())
            })
        })
    }

    pub(crate) fn sql(&self, sql: &str) -> String {
        sql.replace("log.", &format!("\"{}\".", self.schema.name))
    }

    /// How many events there are, all of which must be in the table, and nothing else.
    pub(crate) async fn equal(&self) -> i64 {
        self.pool.equal(&self.schema.name).await
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(self.sql(sql));
        sqlx::query(sql).fetch_one(&self.pool).await.unwrap().get(0)
    }

    /// Has all of these appends wait together: the statements of two appends before them are held up until they are in
    /// the queue.
    pub(crate) async fn in_one_group(
        &self,
        store: &PostgresStore,
        appends: &[&[&str]],
    ) -> Vec<Verdict> {
        let mut holder = PgConnection::connect(&url()).await.unwrap();
        run(&mut holder, "BEGIN").await.unwrap();
        run(&mut holder, &self.sql("LOCK TABLE log.events IN ACCESS EXCLUSIVE MODE"))
            .await
            .unwrap();
        let mut queued = Vec::new();
        // A portable log sends none ahead.
        let before = if self.schema.mode == Mode::Keyed { 2 } else { 1 };
        for number in 1..=i64::try_from(before).unwrap() {
            queued.push(append(store, vec![sold("before")]));
            let waiting = format!(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '\"{}\".events'::regclass",
                self.schema.name
            );
            eventually("the statement waits", || async { self.number(&waiting).await == number })
                .await;
        }
        for shows in appends {
            queued.push(append(store, shows.iter().map(|show| sold(show)).collect()));
        }
        run(&mut holder, "ROLLBACK").await.unwrap();
        let mut outcomes = Vec::new();
        for append in queued {
            outcomes.push(append.await.unwrap());
        }
        for before in outcomes.drain(..before) {
            before.unwrap();
        }
        outcomes
    }
}

fn append(store: &PostgresStore, events: Vec<NewEvent>) -> tokio::task::JoinHandle<Verdict> {
    let store = store.clone();
    let mut append = async move { store.append(events, NONE).await }.boxed();
    assert!((&mut append).now_or_never().is_none());
    tokio::spawn(append)
}

pub(crate) fn copying(store: &PostgresStore, table: &Table) -> PostgresStore {
    let table = table.clone();
    store.with_hook(move |connection, records| table.copy(connection, records))
}

impl Table {
    pub(crate) fn of(schema: &str) -> Self {
        let insert = format!("INSERT INTO \"{schema}\".seen VALUES ($1, $2, $3, txid_current())");
        Self { insert: insert.into(), schema: schema.into() }
    }

    /// Copies the records, and then refuses the show "bad".
    pub(crate) fn copy<'a>(
        &self,
        connection: &'a mut PgConnection,
        records: &'a [Recorded<Bytes>],
    ) -> HookFuture<'a> {
        let insert = Arc::clone(&self.insert);
        Box::pin(async move {
            for record in records {
                let insert = sqlx::query(AssertSqlSafe(Arc::clone(&insert)))
                    .bind(i64::try_from(record.position.get())?)
                    .bind(record.id.to_string())
                    .bind(record.tags.as_lines());
                insert.execute(&mut *connection).await?;
            }
            if has(records, "bad") { Err("bad".into()) } else { Ok(()) }
        })
    }

    pub(crate) fn sql(&self, sql: &str) -> String {
        sql.replace("log.", &format!("\"{}\".", self.schema))
    }
}

pub(crate) trait Equal {
    /// How many events of the log in this schema there are, all of which must be in its table, and nothing else.
    async fn equal(&self, schema: &str) -> i64;
}

impl Equal for PgPool {
    async fn equal(&self, schema: &str) -> i64 {
        let sql = format!(
            "SELECT count(*) FILTER (WHERE e.position IS NULL OR s.position IS NULL), count(e.position)
             FROM \"{schema}\".events e FULL JOIN \"{schema}\".seen s
               ON s.position = e.position AND s.id = e.id::text AND s.tags = array_to_string(e.tags, E'\\n')"
        );
        let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(self).await.unwrap();
        assert_eq!(row.get::<i64, _>(0), 0, "events without a row, or rows without an event");
        row.get(1)
    }
}

pub(crate) async fn run(connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(connection).await.map(drop)
}

pub(crate) fn has(records: &[Recorded<Bytes>], show: &str) -> bool {
    let tag = format!("show:{show}");
    records.iter().any(|record| record.tags.as_lines().lines().any(|line| line == tag))
}

pub(crate) fn hook_error<T: std::fmt::Debug>(outcome: Result<T, AppendError>) -> String {
    match outcome {
        Err(AppendError::Hook(error)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// A pool of so few connections, none of which is ever made anew without a word.
pub(crate) async fn small_pool(connections: u32) -> PgPool {
    PgPoolOptions::new().max_connections(connections).connect(&url()).await.unwrap()
}
