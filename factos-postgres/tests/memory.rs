//! What a long read holds in memory. The only test of its process, whose memory it measures.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

mod support;

use std::time::Duration;

use factos::{EventStore, Events, Query, QueryItem, ReadOptions};
use factos_postgres::Mode;
use support::{SOLD, Schema, of_show};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const EVENTS: usize = 300_000;

/// A few pages, and what their rows take besides.
const BOUND: usize = 64 * MIB;

/// What this process has in memory, in bytes: now, and at most.
fn resident() -> (usize, usize) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * KIB
    };
    (value("VmRSS:"), value("VmHWM:"))
}

/// Events of 1 KiB, made by the server.
async fn fill(schema: &Schema) {
    let sql = format!(
        "INSERT INTO log.events (position, id, type, version, tags, recorded_at, payload)
          SELECT n, gen_random_uuid(), '{}', 1, '{{show:1}}', now(), convert_to(repeat('x', {KIB}), 'UTF8')
          FROM generate_series(1, {EVENTS}) n;
         INSERT INTO log.tags SELECT 'show:1', n FROM generate_series(1, {EVENTS}) n;
         SELECT setval('log.position_seq', {EVENTS});
         ANALYZE log.events; ANALYZE log.tags",
        SOLD.as_str()
    );
    schema.run(&sql).await;
}

async fn count(events: &mut Events<'_>, most: usize) -> usize {
    let (mut events_seen, mut bytes) = (0, 0);
    while events_seen < most {
        let Some(event) = events.next().await else { break };
        bytes += event.unwrap().event.len();
        events_seen += 1;
    }
    assert_eq!(bytes, events_seen * KIB);
    events_seen
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_long_read_holds_bounded_memory() {
    let schema = Schema::new(Mode::Keyed).await;
    fill(&schema).await;
    let store = schema.open().await;
    let (before, _) = resident();
    let of_type = Query::from(QueryItem::of_type(SOLD));
    let reads = [
        (Query::all(), ReadOptions::all(), EVENTS),
        (Query::all(), ReadOptions::all().backwards(), EVENTS / 10),
        (of_show("1"), ReadOptions::all(), EVENTS),
        (of_type, ReadOptions::all(), EVENTS / 10),
    ];
    for (query, options, most) in reads {
        let mut events = store.read(&query, options).await.unwrap();
        // The store holds no more for a slow consumer than for a fast one.
        assert_eq!(count(&mut events, 1000).await, 1000);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (waiting, _) = resident();
        assert!(waiting.saturating_sub(before) < BOUND, "{waiting} bytes after {before}");
        assert_eq!(count(&mut events, most - 1000).await, most - 1000);
        let ended = events.next().await.is_none();
        assert_eq!(ended, most == EVENTS);
    }
    let (_, most) = resident();
    let grown = most.saturating_sub(before);
    println!("{} MiB of {}", grown / MIB, EVENTS * KIB / MIB);
    assert!(grown < BOUND, "{grown} bytes for a log of {} bytes", EVENTS * KIB);
}
