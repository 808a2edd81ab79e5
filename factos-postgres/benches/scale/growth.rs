//! A log that grows: the bytes of its tables and indexes, and what reads and appends cost.

use std::time::{Duration, Instant};

use factos::{
    AppendCondition, EventStore, EventStoreExt, EventType, NewEvent, Query, QueryItem, ReadOptions,
    SequencePosition, Tag,
};
use factos_postgres::{
    Config, PostgresStore,
    sqlx::{Executor, PgPool, query_as, raw_sql},
};

use crate::{database::Database, median::median};

/// Events of one entity.
const ENTITY: u64 = 10;
const BATCH: u64 = 1000;
const PAYLOAD: usize = 200;
const SAMPLE: usize = 200;

/// How long a session of the server waits before it tells what it has counted.
const COUNTED: Duration = Duration::from_secs(12);

pub(crate) async fn measure(counts: &[u64]) {
    let database = Database::create().await;
    let pool = database.pool(16).await;
    let store = Config::new().create(true).open(pool.clone()).await.unwrap();
    let mut events = 0;
    for &count in counts {
        let begun = Instant::now();
        let from = events;
        while events < count {
            fill(&store, events, count).await;
            events += BATCH;
        }
        println!("\n{count} events of {PAYLOAD} bytes with 2 tags each");
        println!(
            "  filled at {:.0} a second",
            (count - from) as f64 / begun.elapsed().as_secs_f64()
        );
        sizes(&pool, count).await;
        // Each is a message of its own: VACUUM cannot be part of a transaction.
        for sql in ["VACUUM ANALYZE factos.events", "VACUUM ANALYZE factos.tags"] {
            pool.execute(raw_sql(sql)).await.unwrap();
        }
        costs(&database, &store, count).await;
    }
}

async fn fill(store: &PostgresStore, from: u64, count: u64) {
    let event = |number: u64| {
        let mut event = NewEvent::new(EventType::from_static("bench.changed"), vec![b'x'; PAYLOAD]);
        event.tags = [entity(number / ENTITY), region(number)].iter().collect();
        event
    };
    let batch = (from..count.min(from + BATCH)).map(event).collect();
    store.append(batch, AppendCondition::None).await.unwrap();
}

fn entity(number: u64) -> Tag {
    Tag::new("entity", &number.to_string()).unwrap()
}

fn region(number: u64) -> Tag {
    Tag::new("region", &(number % 10).to_string()).unwrap()
}

/// What each table and index takes for an event.
async fn sizes(pool: &PgPool, count: u64) {
    let sql = "SELECT relname::text, pg_relation_size(oid) FROM pg_class
        WHERE relnamespace = 'factos'::regnamespace AND relkind IN ('r', 'i')
        AND pg_relation_size(oid) > 1000000 ORDER BY 2 DESC";
    let sizes: Vec<(String, i64)> = query_as(sql).fetch_all(pool).await.unwrap();
    let mut sum = 0.0;
    for (name, bytes) in sizes {
        let each = bytes as f64 / count as f64;
        sum += each;
        println!("  {each:>7.1} bytes an event: {name}");
    }
    println!("  {sum:>7.1} bytes an event in all");
}

async fn costs(database: &Database, store: &PostgresStore, count: u64) {
    let any = || Query::item(QueryItem::with_tag(entity(fastrand::u64(..count / ENTITY))));
    tokio::time::sleep(COUNTED).await;
    each(database, "read the 10 events of a tag", async || {
        assert_eq!(store.read_all(&any()).await.unwrap().len(), 10);
    })
    .await;
    each(database, "read the 10 events of a tag with a frequent one", async || {
        let number = fastrand::u64(..count / ENTITY);
        let item = QueryItem::with_tag(entity(number)).tagged(&region(3));
        assert_eq!(store.read_all(&Query::item(item)).await.unwrap().len(), 1);
    })
    .await;
    each(database, "read 100 events of everything, from anywhere", async || {
        let after = SequencePosition::new(1 + fastrand::u64(..count - 200));
        let options = ReadOptions::all().after(after).limit(100);
        let events = store.read(&Query::all(), options).await.unwrap();
        assert_eq!(events.collect().await.unwrap().len(), 100);
    })
    .await;
    each(database, "ask for the head", async || assert!(store.head().await.unwrap().is_some()))
        .await;
    each(database, "append under a condition on a tag, after the head", async || {
        let number = fastrand::u64(..count / ENTITY);
        let query = Query::item(QueryItem::with_tag(entity(number)));
        let head = store.head().await.unwrap();
        let condition = AppendCondition::fail_if_events_match(query).after(head);
        let event = NewEvent::new(EventType::from_static("bench.noted"), vec![b'x'; PAYLOAD]);
        store.append(vec![event], condition).await.unwrap();
    })
    .await;
}

async fn each(database: &Database, what: &str, mut work: impl AsyncFnMut()) {
    let before = database.pages().await;
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..SAMPLE {
        let begun = Instant::now();
        work().await;
        times.push(begun.elapsed());
    }
    tokio::time::sleep(COUNTED).await;
    let pages = (database.pages().await - before) as f64 / SAMPLE as f64;
    println!("  {:>9.0?}, {pages:.0} pages: {what}", median(times));
}
