//! What comes after an append: catching up beside a read, a projection with its checkpoint beside the same writes by bare
//! SQL, how soon a follower of a quiet log is woken, and appends beside subscriptions to other boundaries.
//!
//! `scripts/with-postgres cargo bench -p factos-postgres --bench projection`

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use factos::{
    AppendCondition, EventStore, EventStoreExt, EventType, NewEvent, Query, QueryItem, ReadOptions,
    Tag,
};
use factos_postgres::{
    CheckpointTable, Config, PostgresStore,
    sqlx::{self, AssertSqlSafe, Executor, PgPool, postgres::PgPoolOptions, raw_sql},
};
use tokio::task::JoinSet;

const REPEATS: usize = 5;
const EVENTS: u64 = 50_000;
const PAGE: usize = 500;
const SUBSCRIBERS: u64 = 1_000;
const SLICE: Duration = Duration::from_millis(800);

#[tokio::main]
async fn main() {
    let url = std::env::var("FACTOS_POSTGRES_URL").expect("run through scripts/with-postgres");
    let pool = PgPoolOptions::new().max_connections(32).connect(&url).await.unwrap();
    let schema = format!("bench_{}", std::process::id());
    let config = Config::new().schema(&schema).unwrap().create(true);
    let store = config.open(pool.clone()).await.unwrap();
    for start in (0..EVENTS).step_by(1000) {
        let batch = (start..start + 1000).map(|n| event(n / 50)).collect();
        store.append(batch, AppendCondition::None).await.unwrap();
    }
    catching_up(&store).await;
    projection(&store, &pool, &schema).await;
    let other = Config::new().schema(&schema).unwrap().open(pool.clone()).await.unwrap();
    wake_ups(&store, &other).await;
    subscribers(&store).await;
    let drop = format!("DROP SCHEMA {schema} CASCADE");
    pool.execute(raw_sql(AssertSqlSafe(drop))).await.unwrap();
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn tag(value: u64) -> Tag {
    Tag::new("entity", &value.to_string()).unwrap()
}

fn event(entity: u64) -> NewEvent {
    let mut event = NewEvent::new(EventType::from_static("Happened"), vec![b'x'; 200]);
    event.tags.insert(&tag(entity));
    event
}

async fn catching_up(store: &PostgresStore) {
    let (mut read, mut followed) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        let start = Instant::now();
        let mut events = store.read(&Query::all(), ReadOptions::all()).await.unwrap();
        while let Some(record) = events.next().await {
            record.unwrap();
        }
        read.push(start.elapsed().as_secs_f64());
        let (start, mut events) = (Instant::now(), store.subscribe(Query::all(), None));
        while !events.is_live() {
            events.next().await.unwrap();
        }
        followed.push(start.elapsed().as_secs_f64());
    }
    let (read, followed) = (median(read), median(followed));
    let (slow, fast) = (followed * 1e3, read * 1e3);
    println!("catching up with {EVENTS} events");
    println!("  read {fast:.1} ms, subscribe {slow:.1} ms, {:.2} (0.9)", read / followed);
}

async fn projection(store: &PostgresStore, pool: &PgPool, schema: &str) {
    let table = CheckpointTable::in_schema(schema).unwrap();
    table.migrate(&mut pool.acquire().await.unwrap()).await.unwrap();
    let create = format!("CREATE TABLE {schema}.seen (position int8 PRIMARY KEY, payload bytea)");
    pool.execute(raw_sql(AssertSqlSafe(create))).await.unwrap();
    let (mut bare, mut followed) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        bare.push(project(store, pool, schema, None).await);
        followed.push(project(store, pool, schema, Some(&table)).await);
    }
    let (bare, followed) = (median(bare), median(followed));
    println!(
        "a row for each of {EVENTS} events, pages of {PAGE}, rows and checkpoint in one commit"
    );
    println!("  bare SQL   {bare:>9.0} events a second");
    println!("  projection {followed:>9.0} events a second, {:.2} (0.7)", followed / bare);
}

/// The rows of the log, or without a table of checkpoints as many by the same statements without a log.
async fn project(
    store: &PostgresStore,
    pool: &PgPool,
    schema: &str,
    table: Option<&CheckpointTable>,
) -> f64 {
    let insert = format!("INSERT INTO {schema}.seen SELECT * FROM unnest($1::int8[], $2::bytea[])");
    let update = format!("UPDATE {schema}.factos_checkpoint SET position = $1 WHERE name = 'seen'");
    pool.execute(raw_sql(AssertSqlSafe(format!("TRUNCATE {schema}.seen")))).await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let checkpoint = table.map(|table| table.checkpoint("seen"));
    if let Some(checkpoint) = &checkpoint {
        checkpoint.remove(&mut connection).await.unwrap();
    }
    drop(connection);
    let (start, mut from) = (Instant::now(), None);
    let mut events = store.subscribe(Query::all(), None).page(PAGE);
    for first in (1..=EVENTS.cast_signed()).step_by(PAGE) {
        let (positions, payloads, to): (Vec<i64>, Vec<Vec<u8>>, _) = if checkpoint.is_some() {
            let batch = events.next().await.unwrap();
            let to = batch.anchor(store).await.unwrap();
            let rows = batch.records.into_iter();
            let rows = rows.map(|r| (r.position.get().cast_signed(), r.event.to_vec()));
            let (positions, payloads) = rows.unzip();
            (positions, payloads, to)
        } else {
            let positions: Vec<_> = (first..first + PAGE as i64).collect();
            let payloads = positions.iter().map(|_| vec![b'x'; 200]).collect();
            (positions, payloads, None)
        };
        let mut transaction = pool.begin().await.unwrap();
        let rows = sqlx::query(AssertSqlSafe(insert.clone())).bind(positions).bind(payloads);
        rows.execute(&mut *transaction).await.unwrap();
        if let (Some(checkpoint), Some(to)) = (&checkpoint, &to) {
            checkpoint.advance(&mut transaction, from, to).await.unwrap();
            from = Some(to.position());
        } else {
            let update = sqlx::query(AssertSqlSafe(update.clone())).bind(first);
            update.execute(&mut *transaction).await.unwrap();
        }
        transaction.commit().await.unwrap();
    }
    EVENTS as f64 / start.elapsed().as_secs_f64()
}

async fn subscribers(store: &PostgresStore) {
    let seen = Arc::new(AtomicU64::new(0));
    let (mut without, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        without.push(appends(store).await);
        let mut following = JoinSet::new();
        let from = store.head().await.unwrap();
        for entity in 0..SUBSCRIBERS {
            let (store, seen) = (store.clone(), Arc::clone(&seen));
            following.spawn(async move {
                let query = Query::item(QueryItem::with_tag(tag(entity)));
                let mut events = store.subscribe(query, from);
                loop {
                    let came = events.next().await.unwrap().records.len() as u64;
                    seen.fetch_add(came, Ordering::Relaxed);
                }
            });
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        beside.push(appends(store).await);
    }
    let (without, beside) = (median(without), median(beside));
    println!("an append to the boundary of one of {SUBSCRIBERS} subscriptions, one client");
    println!("  without {without:>6.0} us");
    println!("  beside  {beside:>6.0} us, {:.2} (at most 1.2)", beside / without);
    println!("  {} events were given out", seen.load(Ordering::Relaxed));
}

/// How long an append takes.
async fn appends(store: &PostgresStore) -> f64 {
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < SLICE {
        store.append(vec![event(count % SUBSCRIBERS)], AppendCondition::None).await.unwrap();
        count += 1;
    }
    start.elapsed().as_secs_f64() / count as f64 * 1e6
}

async fn wake_ups(store: &PostgresStore, other: &PostgresStore) {
    let from = store.head().await.unwrap();
    let mut events = store.subscribe(Query::all(), from);
    events.next().await.unwrap();
    println!("a subscription to a log in which nothing happened for 130 ms");
    for (whose, handle) in [("its own", store), ("another", other)] {
        let mut took = Vec::new();
        for _ in 0..50 {
            let quiet = tokio::time::timeout(Duration::from_millis(130), events.next());
            assert!(quiet.await.is_err(), "something has come");
            let (appended, came) = tokio::join!(
                async {
                    let batch = vec![event(0)];
                    handle.append(batch, AppendCondition::None).await.unwrap();
                    Instant::now()
                },
                async {
                    events.next().await.unwrap();
                    Instant::now()
                }
            );
            took.push(came.saturating_duration_since(appended).as_secs_f64() * 1e3);
        }
        println!("  an append of {whose} handle is given out after {:.1} ms", median(took));
    }
}
