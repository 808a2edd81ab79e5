//! Many logs in one database, one schema each, behind one pool.

use std::time::{Duration, Instant};

use factos::{AppendCondition, EventStore, EventType, NewEvent, Query, QueryItem, Tag};
use factos_postgres::{
    Config, PostgresStore,
    sqlx::{PgPool, query_scalar},
};

use crate::{database::Database, median::median};

/// All handles of the process share these.
const CONNECTIONS: u32 = 16;

/// How many logs are looked at more closely at each count.
const SAMPLE: usize = 10;

pub(crate) async fn measure(counts: &[usize]) {
    let database = Database::create().await;
    let pool = database.pool(CONNECTIONS).await;
    let mut stores: Vec<PostgresStore> = Vec::new();
    let empty = database.bytes().await;
    for &count in counts {
        let mut times = Times::default();
        while stores.len() < count {
            let store = times.create(&pool, stores.len()).await;
            times.append(&store).await;
            stores.push(store);
        }
        for store in stores.iter().rev().take(SAMPLE) {
            times.append_again(store).await;
        }
        let relations = "SELECT count(*) FROM pg_class";
        let relations: i64 = query_scalar(relations).fetch_one(&pool).await.unwrap();
        let logs = i64::try_from(count).unwrap();
        println!(
            "{count} logs: {} kB each, {relations} relations, {} connections of up to {} MB, {times}",
            (database.bytes().await - empty) / logs / 1024,
            database.connections().await,
            memory(&pool).await / (1024 * 1024)
        );
    }
}

/// What the server keeps for the connection that has met most of the logs.
async fn memory(pool: &PgPool) -> i64 {
    let sql = "SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts";
    let (mut held, mut most) = (Vec::new(), 0);
    while let Some(mut connection) = pool.try_acquire() {
        most = most.max(query_scalar(sql).fetch_one(&mut *connection).await.unwrap());
        held.push(connection);
    }
    most
}

#[derive(Default)]
struct Times {
    migrate: Vec<Duration>,
    open: Vec<Duration>,
    first: Vec<Duration>,
    next: Vec<Duration>,
}

impl Times {
    async fn create(&mut self, pool: &PgPool, number: usize) -> PostgresStore {
        // Handles that share a pool must leave it to one another.
        let config = Config::new().schema(&format!("log_{number}")).unwrap().held_connections(0);
        let begun = Instant::now();
        config.migrate(pool).await.unwrap();
        self.migrate.push(begun.elapsed());
        let begun = Instant::now();
        let store = config.open(pool.clone()).await.unwrap();
        self.open.push(begun.elapsed());
        store
    }

    async fn append(&mut self, store: &PostgresStore) {
        let begun = Instant::now();
        append(store).await;
        self.first.push(begun.elapsed());
    }

    async fn append_again(&mut self, store: &PostgresStore) {
        let begun = Instant::now();
        append(store).await;
        self.next.push(begun.elapsed());
    }
}

async fn append(store: &PostgresStore) {
    let tag = Tag::new("entity", "1").unwrap();
    let query = Query::item(QueryItem::with_tag(tag.clone()));
    let head = store.head().await.unwrap();
    let condition = AppendCondition::fail_if_events_match(query).after(head);
    let mut event = NewEvent::new(EventType::from_static("bench.changed"), vec![b'x'; 200]);
    event.tags.insert(&tag);
    store.append(vec![event], condition).await.unwrap();
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of = |times: &Vec<Duration>| median(times.clone());
        let (migrate, open) = (of(&self.migrate), of(&self.open));
        let (first, next) = (of(&self.first), of(&self.next));
        write!(
            f,
            "medians: migrate {migrate:.1?}, open {open:.1?}, first append {first:.1?}, later {next:.1?}"
        )
    }
}
