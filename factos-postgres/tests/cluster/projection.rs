//! A read model in the database of the log, which is changed together with its checkpoint.

use std::{collections::BTreeMap, time::Duration};

use factos::{
    Batch, Bytes, CheckpointError, ErrorKind, Event, EventStoreExt, Query, Recorded,
    SequencePosition, SubscribeError,
};
use factos_postgres::{
    Checkpoint, CheckpointTable, PostgresStore,
    sqlx::{self, AssertSqlSafe, Executor, PgConnection, PgPool, query, query_as, raw_sql},
};

use tokio::time::timeout;

use crate::{
    boundaries::{Sales, Show},
    followers::{End, is_reached},
    ledger::{Advice, Told, WentBack},
    patience::pause,
};

pub(crate) struct Projection {
    schema: String,
    checkpoint: Checkpoint,
    pool: PgPool,
    store: PostgresStore,
}

/// What is in the tables: how many seats of each show are sold, and which events were applied.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) sold: BTreeMap<u32, i64>,
    pub(crate) applied: Vec<i64>,
}

/// Why a batch was not applied.
#[derive(Debug)]
enum Failure {
    Database(sqlx::Error),
    Checkpoint(CheckpointError),
}

impl Projection {
    /// Of a log, in tables of this schema, which are made if they are not there.
    pub(crate) async fn of(store: PostgresStore, schema: &str, url: &str) -> Self {
        let pool = PgPool::connect(url).await.unwrap();
        let sql = format!(
            "CREATE SCHEMA IF NOT EXISTS {schema};
             CREATE TABLE IF NOT EXISTS {schema}.shows (show int4 PRIMARY KEY, sold int8 NOT NULL);
             CREATE TABLE IF NOT EXISTS {schema}.applied (position int8 PRIMARY KEY)"
        );
        pool.execute(raw_sql(AssertSqlSafe(sql))).await.unwrap();
        let table = CheckpointTable::in_schema(schema).unwrap();
        table.migrate(&mut pool.acquire().await.unwrap()).await.unwrap();
        Self { schema: schema.to_owned(), checkpoint: table.checkpoint("shows"), pool, store }
    }

    /// Applies the log up to the end, or until it has gone back. The tables, and what was told.
    pub(crate) async fn run(
        self,
        end: End,
        through: impl Fn(Option<SequencePosition>),
    ) -> (Result<Model, WentBack>, Told) {
        let mut told = Told::default();
        loop {
            let advice = match self.follow(&end, &through).await {
                Ok(()) => return (Ok(self.model().await.unwrap()), told),
                Err(failure) => failure.note(&mut told),
            };
            if advice == Advice::Open {
                return (Err(WentBack), told);
            }
            pause(100).await;
        }
    }

    async fn follow(
        &self,
        end: &End,
        through: &impl Fn(Option<SequencePosition>),
    ) -> Result<(), Failure> {
        let kept = self.checkpoint.load(&mut *self.pool.acquire().await?).await?;
        let mut from = self.store.resume(kept).await?;
        let mut events = self.store.subscribe(Query::all(), from).page(100);
        while !is_reached(end, from) {
            let Ok(next) = timeout(Duration::from_millis(500), events.next()).await else {
                continue;
            };
            let batch = next.map_err(|error| match error {
                SubscribeError::Store(error) => CheckpointError::Store(error),
                error => panic!("no error of a failover: {error:?}"),
            })?;
            self.apply(&batch, from).await?;
            from = batch.through;
            through(from);
        }
        Ok(())
    }

    async fn apply(&self, batch: &Batch, from: Option<SequencePosition>) -> Result<(), Failure> {
        let Some(to) = batch.anchor(&self.store).await.map_err(CheckpointError::Store)? else {
            return Ok(());
        };
        let mut transaction = self.pool.begin().await?;
        for record in &batch.records {
            self.apply_record(&mut transaction, record).await?;
        }
        self.checkpoint.advance(&mut transaction, from, &to).await?;
        Ok(transaction.commit().await?)
    }

    async fn apply_record(
        &self,
        connection: &mut PgConnection,
        record: &Recorded<Bytes>,
    ) -> Result<(), sqlx::Error> {
        let schema = &self.schema;
        let sql = format!("INSERT INTO {schema}.applied VALUES ($1)");
        let insert = query(AssertSqlSafe(sql)).bind(record.position.get().cast_signed());
        insert.execute(&mut *connection).await?;
        let Some((show, change)) = change(record) else { return Ok(()) };
        let sql = format!(
            "INSERT INTO {schema}.shows AS s VALUES ($1, $2)
             ON CONFLICT (show) DO UPDATE SET sold = s.sold + excluded.sold"
        );
        let update = query(AssertSqlSafe(sql)).bind(show.cast_signed()).bind(change);
        update.execute(connection).await?;
        Ok(())
    }

    async fn model(&self) -> Result<Model, sqlx::Error> {
        let schema = &self.schema;
        let shows = format!("SELECT show, sold FROM {schema}.shows");
        let shows: Vec<(i32, i64)> = query_as(AssertSqlSafe(shows)).fetch_all(&self.pool).await?;
        let applied = format!("SELECT position FROM {schema}.applied ORDER BY 1");
        let applied: Vec<(i64,)> = query_as(AssertSqlSafe(applied)).fetch_all(&self.pool).await?;
        let sold = shows.into_iter().map(|(show, sold)| (show.cast_unsigned(), sold)).collect();
        Ok(Model { sold, applied: applied.into_iter().map(|(position,)| position).collect() })
    }
}

impl Model {
    /// What a fold of the log makes.
    pub(crate) fn of(log: &[Recorded<Bytes>], shows: &BTreeMap<u32, Show>) -> Self {
        Self {
            sold: shows.iter().map(|(show, state)| (*show, seats(state))).collect(),
            applied: log.iter().map(|record| record.position.get().cast_signed()).collect(),
        }
    }
}

fn seats(show: &Show) -> i64 {
    i64::try_from(show.sold.len()).unwrap()
}

fn change(record: &Recorded<Bytes>) -> Option<(u32, i64)> {
    let event = Sales::decode(&record.event_type, record.version, &record.event).ok()?;
    match event {
        Sales::Sold { show, .. } => Some((show, 1)),
        Sales::Returned { show, .. } => Some((show, -1)),
    }
}

impl Failure {
    /// Unless the log went back there is one advice: load the checkpoint, and go on from there.
    fn note(self, told: &mut Told) -> Advice {
        match self {
            Self::Checkpoint(CheckpointError::Store(error)) => return told.note(&error),
            Self::Checkpoint(error) => {
                let is_expected = matches!(
                    error.kind(),
                    ErrorKind::Conflict | ErrorKind::Busy | ErrorKind::Unavailable
                );
                assert!(is_expected, "no error of a failover: {error:?}");
                told.count(format!("checkpoint {:?}", error.kind()));
            }
            Self::Database(error) => {
                let code = error.as_database_error().and_then(|error| error.code());
                told.count(format!("database {}", code.as_deref().unwrap_or("lost")));
            }
        }
        Advice::Try
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<CheckpointError> for Failure {
    fn from(error: CheckpointError) -> Self {
        Self::Checkpoint(error)
    }
}
