//! Reads of ten events that are spread over the whole log, of two sizes in turns, and what a replay holds in memory.
//!
//! `cargo bench -p factos-sqlite --bench spread [-- SMALL LARGE]`

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{path::Path, time::Instant};

use factos::{
    AppendCondition, EventStore, EventType, NewEvent, Query, QueryItem, ReadOptions, Tag,
};
use factos_sqlite::{Config, Durability, SqliteStore};
use futures_util::TryStreamExt;

const EVENTS: u64 = 10;
const READS: u64 = 2000;
const REPEATS: usize = 9;
const PAYLOAD: [u8; 200] = [b'x'; 200];

struct Log {
    store: SqliteStore,
    size: u64,
}

impl Log {
    const fn entities(&self) -> u64 {
        self.size / EVENTS
    }
}

fn main() {
    let sizes: Vec<u64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let sizes = if let [small, large] = *sizes { [small, large] } else { [100_000, 5_000_000] };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let mut logs = Vec::new();
        for size in sizes {
            logs.push(filled(&folder.path().join(format!("{size}.db")), size).await);
        }
        replay(&logs[1]).await;
        reads(&logs).await;
    });
}

fn entity(number: u64) -> Tag {
    Tag::new("entity", &number.to_string()).unwrap()
}

/// A log in which two events of an entity are a tenth of the log apart.
async fn filled(path: &Path, size: u64) -> Log {
    let config = Config::new(path).durability(Durability::LoseLatestOnPowerCut);
    let store = config.open().await.unwrap();
    for start in (0..size).step_by(2000) {
        let events = (start..start + 2000).map(|number| {
            let event_type = EventType::new(format!("Type{}", number % 11)).unwrap();
            let mut event = NewEvent::new(event_type, PAYLOAD.to_vec());
            event.tags = [entity(number % (size / EVENTS))].into_iter().collect();
            event
        });
        store.append(events.collect(), AppendCondition::None).await.unwrap();
    }
    store.close().await.unwrap();
    Log { store: SqliteStore::open(path).await.unwrap(), size }
}

async fn reads(logs: &[Log]) {
    let mut times = vec![Vec::new(); logs.len()];
    for _ in 0..REPEATS {
        for (log, times) in logs.iter().zip(&mut times) {
            times.push(read_some(log).await);
        }
    }
    println!("read of {EVENTS} spread events by one tag (growth at most 1.5 x)");
    let medians: Vec<f64> = times.into_iter().map(median).collect();
    for (log, time) in logs.iter().zip(&medians) {
        println!("  log of {:>9} {time:>8.1} us  {:>5.2} x", log.size, time / medians[0]);
    }
}

/// Microseconds of one read.
async fn read_some(log: &Log) -> f64 {
    let start = Instant::now();
    for number in 0..READS {
        let asked = entity(number.wrapping_mul(7_919) % log.entities());
        let query = Query::item(QueryItem::with_tag(asked));
        let events = log.store.read(&query, ReadOptions::all()).await.unwrap();
        assert_eq!(events.collect().await.unwrap().len() as u64, EVENTS);
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let reads = READS as f64;
    start.elapsed().as_secs_f64() * 1e6 / reads
}

/// Bytes in memory: the most while all events are read, above what there was before.
async fn replay(log: &Log) {
    let before = resident();
    let (mut most, mut count) = (0, 0_u64);
    let mut events = log.store.read(&Query::all(), ReadOptions::all()).await.unwrap();
    while let Some(record) = events.try_next().await.unwrap() {
        count += u64::from(record.event.len() == PAYLOAD.len());
        if count.is_multiple_of(5_000) {
            most = resident().max(most);
        }
    }
    assert_eq!(count, log.size);
    println!(
        "replay of {count} events: {} KiB more in memory (at most 8192)",
        most.saturating_sub(before)
    );
}

/// KiB of this process in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
