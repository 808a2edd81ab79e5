//! Followers of one log: what they ask of the server while nothing happens, and for each append.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use factos::{
    AppendCondition, EventStore, EventStoreExt, EventType, NewEvent, Query, QueryItem, Tag,
};
use factos_postgres::{Config, PostgresStore};
use tokio::task::JoinHandle;

use crate::{database::Database, median::median};

const CONNECTIONS: u32 = 8;
const QUIET: Duration = Duration::from_secs(10);
const APPENDS: usize = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// The server counts transactions late.
const COUNTED: Duration = Duration::from_secs(2);

/// What a follower asks for.
#[derive(Debug, Clone, Copy)]
enum Follows {
    Everything,
    /// A tag of its own, which none of the events has.
    OneTag,
}

pub(crate) async fn measure(counts: &[usize], handles: usize) {
    let database = Database::create().await;
    for follows in [Follows::Everything, Follows::OneTag] {
        for &count in counts {
            run(&database, follows, count, handles).await;
        }
    }
}

async fn run(database: &Database, follows: Follows, count: usize, handles: usize) {
    let schema = format!("log_{count}_{follows:?}").to_lowercase();
    let config = Config::new().schema(&schema).unwrap().create(true);
    let writer = config.clone().open(database.pool(CONNECTIONS).await).await.unwrap();
    let mut stores = Vec::new();
    for _ in 0..handles {
        stores.push(config.clone().open(database.pool(CONNECTIONS).await).await.unwrap());
    }
    let seen = Arc::new(AtomicUsize::new(0));
    let followers: Vec<_> =
        (0..count).map(|n| follow(stores[n % handles].clone(), follows, n, &seen)).collect();
    tokio::time::sleep(Duration::from_secs(5)).await;

    let before = database.transactions().await;
    tokio::time::sleep(QUIET).await;
    let quiet = database.transactions().await - before;
    let connections = database.connections().await;

    let mut times = Vec::new();
    let before = database.transactions().await;
    for number in 1..=APPENDS {
        let begun = Instant::now();
        append(&writer).await;
        if matches!(follows, Follows::Everything) {
            while seen.load(Ordering::Relaxed) < number * count {
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
            times.push(begun.elapsed());
        }
        tokio::time::sleep(PAUSE).await;
    }
    tokio::time::sleep(COUNTED).await;
    let busy = database.transactions().await - before;
    let each = busy as f64 / APPENDS as f64;
    println!(
        "{count} followers of {follows:?} on {handles} handles: {connections} connections, {:.1} \
         transactions a second while nothing happens, {each:.1} for each append{}",
        quiet as f64 / QUIET.as_secs_f64(),
        if times.is_empty() {
            String::new()
        } else {
            format!(", all told within {:.1?} (median)", median(times))
        }
    );
    followers.iter().for_each(JoinHandle::abort);
    for store in stores.iter().chain([&writer]) {
        store.pool().close().await;
    }
}

fn follow(
    store: PostgresStore,
    follows: Follows,
    number: usize,
    seen: &Arc<AtomicUsize>,
) -> JoinHandle<()> {
    let seen = Arc::clone(seen);
    let query = match follows {
        Follows::Everything => Query::all(),
        Follows::OneTag => {
            Query::item(QueryItem::with_tag(Tag::new("entity", &number.to_string()).unwrap()))
        }
    };
    tokio::spawn(async move {
        let mut events = store.subscribe(query, None);
        loop {
            let batch = events.next().await.unwrap();
            seen.fetch_add(batch.records.len(), Ordering::Relaxed);
        }
    })
}

async fn append(store: &PostgresStore) {
    let event = NewEvent::new(EventType::from_static("bench.changed"), vec![b'x'; 200]);
    store.append(vec![event], AppendCondition::None).await.unwrap();
}
