//! What a long read holds in memory. The only test of its process, whose memory it measures.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

mod support;

use factos::{AppendCondition, Bytes, EventStore, NewEvent, Query, ReadOptions};
use factos_sqlite::SqliteStore;
use support::{SOLD, of_show, sold};

const MIB: usize = 1 << 20;
const EVENTS: usize = 256;

/// What this process has in memory, in bytes: now, and at most.
fn resident() -> (usize, usize) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    };
    (value("VmRSS:"), value("VmHWM:"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_read_holds_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("log.db")).await.unwrap();
    for _ in 0..EVENTS {
        let payload = Bytes::from(vec![b'x'; MIB]);
        let event = NewEvent { payload, ..sold("1") };
        store.append(vec![event], AppendCondition::None).await.unwrap();
    }
    let (before, _) = resident();
    for query in [Query::all(), of_show("1"), Query::from(factos::QueryItem::of_type(SOLD))] {
        for options in [ReadOptions::all(), ReadOptions::all().backwards()] {
            let mut events = store.read(&query, options).await.unwrap();
            let mut bytes = 0;
            while let Some(event) = events.next().await {
                bytes += event.unwrap().event.len();
            }
            assert_eq!(bytes, EVENTS * MIB);
        }
    }
    let (_, most) = resident();
    let grown = most.saturating_sub(before);
    println!("{} MiB of {EVENTS} MiB", grown / MIB);
    assert!(grown < EVENTS * MIB / 3, "{grown} bytes for a log of {} bytes", EVENTS * MIB);
}
