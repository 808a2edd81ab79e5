//! The figures that this store is held to, side by side with a bare INSERT + COMMIT in the same run.
//!
//! `cargo bench -p factos-sqlite --bench numbers [-- writes|hooks|reads|replay|follow] [--small]`

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use factos::{
    AppendCondition, EventId, EventStore, EventStoreExt, EventType, Metadata, NewEvent, Query,
    QueryItem, ReadOptions, SequencePosition, StreamName, Tag,
};
use factos_sqlite::{Config, Durability, SqliteStore};
use futures_util::TryStreamExt;
use rusqlite::Connection;

const REPEATS: usize = 5;
const SLICE: Duration = Duration::from_millis(800);
const PAYLOAD: [u8; 200] = [b'x'; 200];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let small = arguments.iter().any(|a| a == "--small");
    let named: Vec<_> = arguments.iter().filter(|a| !a.starts_with("--")).collect();
    let runs = |name: &str| named.is_empty() || named.iter().any(|a| *a == name);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let sizes = if small { [10_000, 50_000] } else { [100_000, 1_000_000] };
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let mut logs = Vec::new();
        for size in sizes {
            logs.push(filled(&folder.path().join(format!("{size}.db")), size).await);
        }
        if runs("reads") {
            reads(&logs).await;
        }
        if runs("replay") {
            replay(&logs[1]).await;
        }
        if runs("follow") {
            follow(&logs[0]).await;
            follow(&logs[1]).await;
        }
        if runs("writes") {
            writes(folder.path(), &logs[0]).await;
        }
        if runs("hooks") {
            hooks(&logs[0]).await;
        }
    });
}

struct Log {
    store: SqliteStore,
    size: u64,
}

fn tag(key: &str, value: u64) -> Tag {
    Tag::new(key, &value.to_string()).unwrap()
}

/// Ten events an entity, a hundredth of the log a group, a third tag on a tenth, eleven types.
fn event(n: u64) -> NewEvent {
    let event_type = EventType::new(format!("Type{}", n % 11)).unwrap();
    let mut event = NewEvent::new(event_type, PAYLOAD.to_vec());
    event.tags = [tag("entity", n / 10), tag("group", n % 100)].into_iter().collect();
    if n.is_multiple_of(10) {
        event.tags.insert(&tag("rare", n / 100));
    }
    event.stream = Some(StreamName::new(format!("entity-{}", n / 10)).unwrap());
    event.metadata = Metadata::new()
        .with_correlation_id(&format!("0190c0de-0000-7000-8000-{n:012x}"))
        .and_then(|metadata| metadata.with_actor("somebody"))
        .unwrap();
    event
}

async fn filled(path: &Path, size: u64) -> Log {
    let config = Config::new(path).durability(Durability::LoseLatestOnPowerCut);
    let store = config.open().await.unwrap();
    for start in (0..size).step_by(2000) {
        let batch = (start..start + 2000).map(event).collect();
        store.append(batch, AppendCondition::None).await.unwrap();
    }
    store.close().await.unwrap();
    Log { store: SqliteStore::open(path).await.unwrap(), size }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// INSERT + COMMIT of the same row, without index, tags or checks, on this thread, same pragmas.
fn bare_inserts(path: &Path) -> f64 {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
             PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384;
             CREATE TABLE IF NOT EXISTS event (
                 position INTEGER PRIMARY KEY, id BLOB NOT NULL, stream TEXT, revision INTEGER,
                 type INTEGER NOT NULL, version INTEGER NOT NULL, tags TEXT NOT NULL,
                 metadata TEXT NOT NULL, recorded_at INTEGER NOT NULL, payload BLOB NOT NULL
             ) STRICT;",
        )
        .unwrap();
    let mut insert = connection
        .prepare("INSERT INTO event VALUES (NULL, ?1, ?2, 0, 1, 1, ?3, ?4, 0, ?5)")
        .unwrap();
    let metadata =
        r#"{"actor":"somebody","correlation_id":"0190c0de-0000-7000-8000-000000000000"}"#;
    let (mut done, start) = (0, Instant::now());
    while start.elapsed() < SLICE {
        let id = EventId::new().to_bytes();
        insert.execute((id, "entity-1", "entity:1\ngroup:1", metadata, PAYLOAD)).unwrap();
        done += 1;
    }
    f64::from(done) / start.elapsed().as_secs_f64()
}

/// Conditional single-event appends, each client on a boundary of its own, `after` its last position.
async fn appends(store: &SqliteStore, clients: u64, entity: &mut u64) -> f64 {
    let start = Instant::now();
    let tasks: Vec<_> = (0..clients)
        .map(|_| {
            *entity += 1;
            let (store, own) = (store.clone(), *entity);
            tokio::spawn(async move { client(&store, own, start).await })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await.unwrap();
    }
    f64::from(done) / start.elapsed().as_secs_f64()
}

async fn client(store: &SqliteStore, entity: u64, start: Instant) -> u32 {
    let query = Query::item(QueryItem::with_tag(tag("entity", entity)));
    let mut after = store.head().await.unwrap();
    let mut done = 0;
    while start.elapsed() < SLICE {
        let condition = AppendCondition::fail_if_events_match(query.clone()).after(after);
        let records = store.append(vec![event(entity * 10)], condition).await.unwrap();
        after = Some(records[0].position);
        done += 1;
    }
    done
}

async fn writes(folder: &Path, log: &Log) {
    let mut entity = 1_000_000;
    let mut bare = Vec::new();
    let mut by_clients = [1, 8, 64].map(|clients| (clients, Vec::new()));
    for _ in 0..REPEATS {
        bare.push(bare_inserts(&folder.join("bare.db")));
        for (clients, rates) in &mut by_clients {
            rates.push(appends(&log.store, *clients, &mut entity).await);
        }
    }
    let bare = median(bare);
    println!("conditional single-event appends, FULL, log of {}", log.size);
    println!("  bare INSERT + COMMIT, same thread {bare:>10.0}/s");
    for ((clients, rates), least) in by_clients.into_iter().zip([0.6, 1.6, 3.0]) {
        let rate = median(rates);
        println!(
            "  {clients:>2} clients                       {rate:>10.0}/s  {:>5.2} x (at least {least})",
            rate / bare
        );
    }
}

/// The same appends with a hook that inserts one row, and without.
async fn hooks(log: &Log) {
    let table = "CREATE TABLE seen (position INTEGER PRIMARY KEY, id BLOB NOT NULL)";
    log.store.write(|tx| tx.connection().execute_batch(table)).await.unwrap();
    let hooked = log.store.with_hook(|connection, records| {
        let mut insert = connection.prepare_cached("INSERT INTO seen VALUES (?1, ?2)")?;
        for record in records {
            insert.execute((i64::try_from(record.position.get())?, record.id.to_bytes()))?;
        }
        Ok(())
    });
    let mut entity = 2_000_000;
    let mut by_clients = [1, 8, 64].map(|clients| (clients, Vec::new(), Vec::new()));
    for _ in 0..REPEATS {
        for (clients, without, with) in &mut by_clients {
            without.push(appends(&log.store, *clients, &mut entity).await);
            with.push(appends(&hooked, *clients, &mut entity).await);
        }
    }
    println!(
        "the same appends with a hook that inserts one row (at most 1.5 x the time, 8 clients)"
    );
    for (clients, without, with) in by_clients {
        let (without, with) = (median(without), median(with));
        println!(
            "  {clients:>2} clients  {without:>10.0}/s without  {with:>10.0}/s with  {:>5.2} x the time",
            without / with
        );
    }
}

async fn microseconds<F: Future>(times: u32, mut f: impl FnMut(u32) -> F) -> f64 {
    let start = Instant::now();
    for i in 0..times {
        f(i).await;
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(times)
}

async fn context_read(log: &Log) -> f64 {
    microseconds(2000, async |i| {
        let entity = u64::from(i).wrapping_mul(7919) % (log.size / 10);
        let query = Query::item(QueryItem::with_tag(tag("entity", entity)));
        let events = log.store.read(&query, ReadOptions::all()).await.unwrap();
        assert_eq!(events.collect().await.unwrap().len(), 10);
    })
    .await
}

/// A check that finds a match among the last ten events: refused, so nothing is flushed.
async fn condition_check(log: &Log) -> f64 {
    let head = log.store.head().await.unwrap().unwrap().get();
    let last = tag("entity", (log.size - 1) / 10);
    let query = Query::item(QueryItem::with_tag(last));
    let after = SequencePosition::new(head - 10);
    microseconds(2000, async |_| {
        let condition = AppendCondition::fail_if_events_match(query.clone()).after(after);
        let refused = log.store.append(vec![event(1)], condition).await.unwrap_err();
        assert!(refused.is_conflict());
    })
    .await
}

async fn reads(logs: &[Log]) {
    let mut read = vec![Vec::new(); logs.len()];
    let mut check = vec![Vec::new(); logs.len()];
    for _ in 0..3 * REPEATS {
        for (i, log) in logs.iter().enumerate() {
            read[i].push(context_read(log).await);
            check[i].push(condition_check(log).await);
        }
    }
    let (read, check): (Vec<_>, Vec<_>) =
        (read.into_iter().map(median).collect(), check.into_iter().map(median).collect());
    println!("context read of 10 events by one tag (at most 60 us; growth at most 1.3 x)");
    for (log, us) in logs.iter().zip(&read) {
        println!("  log of {:>9} {us:>8.1} us  {:>5.2} x", log.size, us / read[0]);
    }
    println!("refused append, condition near the head (growth at most 1.3 x)");
    for (log, us) in logs.iter().zip(&check) {
        println!("  log of {:>9} {us:>8.1} us  {:>5.2} x", log.size, us / check[0]);
    }
}

/// All events by a read and by a subscription, in turns.
async fn follow(log: &Log) {
    let (mut read, mut followed) = (Vec::new(), Vec::new());
    for _ in 0..3 * REPEATS {
        let start = Instant::now();
        let mut events = log.store.read(&Query::all(), ReadOptions::all()).await.unwrap();
        let mut count = 0;
        while let Some(record) = events.try_next().await.unwrap() {
            count += usize::from(record.event.len() == PAYLOAD.len());
        }
        read.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        let (mut came, mut subscription) = (0, log.store.subscribe(Query::all(), None));
        while !subscription.is_live() {
            let records = subscription.next().await.unwrap().records;
            came += records.iter().filter(|record| record.event.len() == PAYLOAD.len()).count();
        }
        followed.push(start.elapsed().as_secs_f64());
        assert_eq!(came, count);
    }
    let (read, followed) = (median(read) * 1e3, median(followed) * 1e3);
    println!("catching up with {} events: subscribe at least 0.9 x of read", log.size);
    println!("  read {read:.1} ms, subscribe {followed:.1} ms, {:.2}", read / followed);
}

async fn replay(log: &Log) {
    let mut rates = Vec::new();
    for _ in 0..REPEATS {
        let start = Instant::now();
        let mut events = log.store.read(&Query::all(), ReadOptions::all()).await.unwrap();
        let mut count = 0_u64;
        while let Some(record) = events.try_next().await.unwrap() {
            count += u64::from(record.event.len() == PAYLOAD.len());
        }
        assert!(count >= log.size);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        rates.push(count as f64 / start.elapsed().as_secs_f64());
    }
    println!("full replay of {} events, 200-byte payloads (at least 1.2 M/s)", log.size);
    println!("  {:.2} M events/s", median(rates) / 1e6);
}
