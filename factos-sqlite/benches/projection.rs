//! What comes after an append: a projection with its checkpoint beside the same writes by bare SQL, appends beside
//! subscriptions to other boundaries, and a subscription to a log in which nothing happens.
//!
//! `cargo bench -p factos-sqlite --bench projection [-- project|subscribers|idle]`

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use factos::{
    AppendCondition, EventStore, EventStoreExt, EventType, NewEvent, Query, QueryItem,
    Subscription, Tag,
};
use factos_sqlite::{CheckpointTable, Config, Durability, SqliteStore, rusqlite::Connection};
use tokio::task::JoinSet;

const REPEATS: usize = 5;
const EVENTS: u64 = 200_000;
const PAGE: usize = 500;
const SUBSCRIBERS: u64 = 1_000;
const SLICE: Duration = Duration::from_millis(800);

fn main() {
    let named: Vec<_> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let runs = |name: &str| named.is_empty() || named.iter().any(|a| a == name);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        // The first: the time of threads that have ended is not counted.
        if runs("idle") {
            idle(folder.path()).await;
        }
        if runs("project") {
            projection(folder.path()).await;
        }
        if runs("subscribers") {
            for durability in [Durability::Full, Durability::LoseLatestOnPowerCut] {
                subscribers(folder.path(), durability).await;
            }
        }
    });
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

fn models(path: &Path, name: &str) -> Connection {
    let connection = Connection::open(path.join(name)).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection
        .execute_batch(
            "DROP TABLE IF EXISTS seen;
             CREATE TABLE seen (position INTEGER PRIMARY KEY, payload BLOB NOT NULL)",
        )
        .unwrap();
    CheckpointTable::new().migrate(&connection).unwrap();
    connection
}

const INSERT: &str = "INSERT INTO seen VALUES (?1, ?2)";

async fn projection(folder: &Path) {
    let config = Config::new(folder.join("log.db")).durability(Durability::LoseLatestOnPowerCut);
    let store = config.open().await.unwrap();
    for start in (0..EVENTS).step_by(2000) {
        let batch = (start..start + 2000).map(|n| event(n / 10)).collect();
        store.append(batch, AppendCondition::None).await.unwrap();
    }
    let (mut bare, mut followed) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        bare.push(bare_writes(folder));
        followed.push(follow(folder, &store).await);
    }
    let (bare, followed) = (median(bare), median(followed));
    println!(
        "a row for each of {EVENTS} events, pages of {PAGE}, rows and checkpoint in one commit"
    );
    println!("  bare SQL   {bare:>9.0} events a second");
    println!("  projection {followed:>9.0} events a second, {:.2} (0.7)", followed / bare);
}

/// The same writes, without a log.
fn bare_writes(folder: &Path) -> f64 {
    let mut models = models(folder, "bare.db");
    models.execute_batch("DELETE FROM factos_checkpoint").unwrap();
    models
        .execute(
            "INSERT INTO factos_checkpoint VALUES ('bare', 1, 0, 'log', 0, zeroblob(16), '')",
            [],
        )
        .unwrap();
    let (start, payload) = (Instant::now(), vec![b'x'; 200]);
    for first in (1..=EVENTS).step_by(PAGE) {
        let transaction = models.transaction().unwrap();
        let last = first + PAGE as u64 - 1;
        for position in first..=last {
            let mut insert = transaction.prepare_cached(INSERT).unwrap();
            insert.execute((position.cast_signed(), &payload)).unwrap();
        }
        let sql = "UPDATE factos_checkpoint SET position = ?1 WHERE name = 'bare'";
        transaction.prepare_cached(sql).unwrap().execute([last.cast_signed()]).unwrap();
        transaction.commit().unwrap();
    }
    EVENTS as f64 / start.elapsed().as_secs_f64()
}

async fn follow(folder: &Path, store: &SqliteStore) -> f64 {
    let mut models = models(folder, "models.db");
    let checkpoint = CheckpointTable::new().checkpoint("seen");
    checkpoint.remove(&models).unwrap();
    let start = Instant::now();
    let mut from = store.resume(checkpoint.load(&models).unwrap()).await.unwrap();
    let mut events = store.subscribe(Query::all(), from).page(PAGE);
    while !events.is_live() {
        let batch = events.next().await.unwrap();
        let to = batch.anchor(store).await.unwrap().unwrap();
        let transaction = models.transaction().unwrap();
        for record in &batch.records {
            let mut insert = transaction.prepare_cached(INSERT).unwrap();
            insert.execute((record.position.get().cast_signed(), &*record.event)).unwrap();
        }
        checkpoint.advance(&transaction, from, &to).unwrap();
        transaction.commit().unwrap();
        from = batch.through;
    }
    EVENTS as f64 / start.elapsed().as_secs_f64()
}

async fn subscribers(folder: &Path, durability: Durability) {
    let config = Config::new(folder.join(format!("{durability:?}.db"))).durability(durability);
    let store = config.open().await.unwrap();
    let batch = (0..SUBSCRIBERS).map(event).collect();
    store.append(batch, AppendCondition::None).await.unwrap();
    let seen = Arc::new(AtomicU64::new(0));
    let (mut without, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        without.push(appends(&store).await);
        let mut following = JoinSet::new();
        for entity in 0..SUBSCRIBERS {
            let (store, seen) = (store.clone(), Arc::clone(&seen));
            following.spawn(async move {
                let query = Query::item(QueryItem::with_tag(tag(entity)));
                let from = store.head().await.unwrap();
                let mut events = store.subscribe(query, from);
                loop {
                    let came = events.next().await.unwrap().records.len() as u64;
                    seen.fetch_add(came, Ordering::Relaxed);
                }
            });
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        beside.push(appends(&store).await);
    }
    let (without, beside) = (median(without), median(beside));
    println!(
        "an append to the boundary of one of {SUBSCRIBERS} subscriptions, one client, {durability:?}"
    );
    println!("  without {without:>6.0} us");
    println!("  beside  {beside:>6.0} us, {:.2} (at most 1.2)", beside / without);
    println!("  {} events were given out", seen.load(Ordering::Relaxed));
}

/// How long an append takes.
async fn appends(store: &SqliteStore) -> f64 {
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < SLICE {
        store.append(vec![event(count % SUBSCRIBERS)], AppendCondition::None).await.unwrap();
        count += 1;
    }
    start.elapsed().as_secs_f64() / count as f64 * 1e6
}

async fn idle(folder: &Path) {
    /// After that the log is looked at as seldom as it ever is.
    const UNTIL_STILL: Duration = Duration::from_secs(11);
    const TIME: Duration = Duration::from_secs(10);
    let store = SqliteStore::open(folder.join("idle.db")).await.unwrap();
    store.append(vec![event(1)], AppendCondition::None).await.unwrap();
    let mut events = store.subscribe(Query::all(), None);
    events.next().await.unwrap();
    nothing_comes(&mut events, UNTIL_STILL).await;
    let before = processor_time();
    nothing_comes(&mut events, TIME).await;
    let used = processor_time() - before;
    let share = used.as_secs_f64() / TIME.as_secs_f64() * 100.0;
    println!("a subscription to a log in which nothing has happened for a while");
    println!("  {share:.2} % of a core (at most 0.2)");
    let other = SqliteStore::open(folder.join("idle.db")).await.unwrap();
    for (whose, handle) in [("its own", &store), ("another", &other)] {
        let mut took = Vec::new();
        for _ in 0..50 {
            tokio::time::sleep(Duration::from_millis(130)).await;
            let appended = handle.append(vec![event(1)], AppendCondition::None).await.unwrap();
            let acknowledged = Instant::now();
            while events.next().await.unwrap().through < Some(appended[0].position) {}
            took.push(acknowledged.elapsed().as_secs_f64() * 1e3);
        }
        println!("  an append of {whose} handle is given out after {:.1} ms", median(took));
    }
    let mut took = Vec::new();
    for _ in 0..9 {
        nothing_comes(&mut events, UNTIL_STILL).await;
        other.append(vec![event(1)], AppendCondition::None).await.unwrap();
        let acknowledged = Instant::now();
        events.next().await.unwrap();
        took.push(acknowledged.elapsed().as_secs_f64() * 1e3);
    }
    let most = took.iter().copied().fold(0.0, f64::max);
    println!(
        "  an append of another handle after {} s of nothing: {:.1} ms, at most {most:.1} ms",
        UNTIL_STILL.as_secs(),
        median(took)
    );
}

async fn nothing_comes(events: &mut Subscription<'_, SqliteStore>, time: Duration) {
    let waited = tokio::time::timeout(time, events.next()).await;
    assert!(waited.is_err(), "something has come");
}

/// What all threads have used so far, as Linux counts it.
fn processor_time() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let used = threads.filter_map(|thread| {
        let told = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        told.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(used.sum())
}
