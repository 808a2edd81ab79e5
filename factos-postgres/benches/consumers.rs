//! A projection run by `factos-consumer`, beside the same writes by bare SQL.
//!
//! `scripts/with-postgres cargo bench -p factos-postgres --features consumer --bench consumers`

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::time::{Duration, Instant};

use factos::{AppendCondition, Event, EventStore, QueryFor, Recorded, encode};
use factos_consumer::{Consumers, OnError, Options, Projection};
use factos_postgres::{
    Config, PostgresConsumers, PostgresStore,
    sqlx::{self, AssertSqlSafe, Executor, PgConnection, PgPool, postgres::PgPoolOptions, raw_sql},
};

const REPEATS: usize = 5;
const EVENTS: u64 = 50_000;
const PAGE: usize = 500;

#[derive(Event)]
enum Bench {
    Happened {
        #[tag]
        entity: u64,
        text: String,
    },
}

/// A row for each event, by one statement for a page.
struct Seen {
    insert: String,
}

impl Projection for Seen {
    type Event = Bench;
    type Tx = PgConnection;
    type Error = sqlx::Error;

    const NAME: &'static str = "seen";

    fn query(&self) -> QueryFor<Bench> {
        QueryFor::all_types()
    }

    async fn apply(
        &self,
        tx: &mut PgConnection,
        records: &[Recorded<Bench>],
    ) -> Result<(), sqlx::Error> {
        let positions: Vec<_> = records.iter().map(|it| it.position.get().cast_signed()).collect();
        let payloads: Vec<_> = records
            .iter()
            .map(|it| {
                let Bench::Happened { text, .. } = &it.event;
                text.as_bytes()
            })
            .collect();
        let insert = sqlx::query(AssertSqlSafe(&*self.insert)).bind(positions).bind(payloads);
        insert.execute(tx).await.map(drop)
    }
}

#[tokio::main]
async fn main() {
    let url = std::env::var("FACTOS_POSTGRES_URL").expect("run through scripts/with-postgres");
    let pool = PgPoolOptions::new().max_connections(8).connect(&url).await.unwrap();
    let schema = format!("bench_{}", std::process::id());
    let config = Config::new().schema(&schema).unwrap().create(true);
    let store = config.open(pool.clone()).await.unwrap();
    for start in (0..EVENTS).step_by(1000) {
        let event = |n| Bench::Happened { entity: n / 50, text: "x".repeat(200) };
        let batch = (start..start + 1000).map(|n| encode(&event(n)).unwrap()).collect();
        store.append(batch, AppendCondition::None).await.unwrap();
    }
    let create = format!(
        "CREATE TABLE {schema}.seen (position int8 PRIMARY KEY, payload bytea);
         CREATE TABLE {schema}.place (position int8); INSERT INTO {schema}.place VALUES (0)"
    );
    pool.execute(raw_sql(AssertSqlSafe(create))).await.unwrap();
    let port = PostgresConsumers::new(pool.clone(), &schema).unwrap();
    port.migrate().await.unwrap();
    let insert = format!("INSERT INTO {schema}.seen SELECT * FROM unnest($1::int8[], $2::bytea[])");
    let (mut bare, mut consumer) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        bare.push(bare_writes(&pool, &schema, &insert).await);
        consumer.push(project(&store, &pool, &schema, &port, &insert).await);
    }
    let (bare, consumer) = (median(bare), median(consumer));
    println!("a row for each of {EVENTS} events, pages of {PAGE}, rows and position in one commit");
    println!("  bare SQL  {bare:>9.0} events a second");
    println!("  consumer  {consumer:>9.0} events a second, {:.2} (0.7)", consumer / bare);
    let drop = format!("DROP SCHEMA {schema} CASCADE");
    pool.execute(raw_sql(AssertSqlSafe(drop))).await.unwrap();
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn empty(pool: &PgPool, schema: &str) {
    let empty = format!(
        "TRUNCATE {schema}.seen; DELETE FROM {schema}.factos_consumer_partition; \
                         DELETE FROM {schema}.factos_consumer"
    );
    pool.execute(raw_sql(AssertSqlSafe(empty))).await.unwrap();
}

/// The same writes, without a log.
async fn bare_writes(pool: &PgPool, schema: &str, insert: &str) -> f64 {
    empty(pool, schema).await;
    let update = format!("UPDATE {schema}.place SET position = $1");
    let start = Instant::now();
    for first in (1..=EVENTS.cast_signed()).step_by(PAGE) {
        let positions: Vec<_> = (first..first + PAGE as i64).collect();
        let payloads: Vec<_> = positions.iter().map(|_| vec![b'x'; 200]).collect();
        let mut transaction = pool.begin().await.unwrap();
        let rows = sqlx::query(AssertSqlSafe(insert)).bind(positions).bind(payloads);
        rows.execute(&mut *transaction).await.unwrap();
        let update = sqlx::query(AssertSqlSafe(&*update)).bind(first);
        update.execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
    }
    EVENTS as f64 / start.elapsed().as_secs_f64()
}

async fn project(
    store: &PostgresStore,
    pool: &PgPool,
    schema: &str,
    port: &PostgresConsumers,
    insert: &str,
) -> f64 {
    empty(pool, schema).await;
    let seen = Seen { insert: insert.to_owned() };
    let consumers = Consumers::new(store.clone(), port.clone())
        .project(seen, Options::new(OnError::Stop).page(PAGE));
    let head = store.head().await.unwrap().unwrap();
    let start = Instant::now();
    let done = async { consumers.wait_for("seen", head, Duration::from_secs(600)).await.unwrap() };
    consumers.run_until(done).await.unwrap();
    EVENTS as f64 / start.elapsed().as_secs_f64()
}
