//! Cases of waiting for the next event.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    fixture::Fixture,
    parallel::{at_once, handles, soon},
    sample_values::{LARGE, at, event, query},
    store_calls::{append, append_one, observed},
};
use crate::{query::Query, read_options::ReadOptions, store::EventStore};

/// Long enough for a waiter to have begun to wait.
const SETTLED: Duration = Duration::from_millis(50);

/// A wait ends at once if the log already has an event past the position.
pub async fn what_is_there_is_not_waited_for<F: Fixture>(log: F) {
    let (store, other) = (log.connect().await, log.connect().await);
    let first = append_one(&store, event("A", &[])).await.position;
    append(&other, vec![event("A", &[])]).await;
    for store in [&store, &other] {
        for after in [None, Some(first)] {
            soon::<F, _>("an event is there", store.wait_past(after)).await.unwrap();
        }
    }
}

/// A waiter wakes for the first event of a log.
pub async fn a_waiter_wakes_for_the_first_event<F: Fixture>(log: F) {
    for writer in 0..2 {
        let log = if writer == 0 { &log } else { &F::fresh().await };
        let handles = handles(log, 2).await;
        let waiter = wait(&handles[0], None);
        tokio::time::sleep(SETTLED).await;
        append(&handles[writer], vec![event("A", &[])]).await;
        soon::<F, _>("the first event", waiter).await.unwrap();
    }
}

/// A waiter wakes for an append of its own handle.
pub async fn a_waiter_wakes_for_its_own_handle<F: Fixture>(log: F) {
    wakes_for(&log, 0).await;
}

/// A waiter wakes for an append of another handle.
pub async fn a_waiter_wakes_for_another_handle<F: Fixture>(log: F) {
    wakes_for(&log, 1).await;
}

/// Every waiter wakes for an append, however many wait.
pub async fn every_waiter_wakes<F: Fixture>(log: F) {
    let handles = handles(&log, 3).await;
    let after = Some(append_one(&handles[0], event("A", &[])).await.position);
    let waiters: Vec<_> = (0..24).map(|n| wait(&handles[n % 3], after)).collect();
    tokio::time::sleep(SETTLED).await;
    append(&handles[0], vec![event("A", &[])]).await;
    for waiter in waiters {
        soon::<F, _>("24 waiters", waiter).await.unwrap();
    }
}

/// A waiter that is dropped does not keep another from waking.
pub async fn a_dropped_waiter_costs_nothing<F: Fixture>(log: F) {
    let store: Arc<dyn EventStore> = Arc::new(log.connect().await);
    for _ in 0..10 {
        let after = store.head().await.unwrap();
        let waiter = wait(&store, after);
        let dropped: Vec<_> = (0..4).map(|_| wait(&store, after)).collect();
        tokio::time::sleep(SETTLED / 10).await;
        dropped.iter().for_each(tokio::task::JoinHandle::abort);
        append(&store, vec![event("A", &[])]).await;
        soon::<F, _>("the waiter that was kept", waiter).await.unwrap();
    }
}

/// A wait does not miss an append of the same handle that lands between the read and the wait.
pub async fn an_append_before_the_wait_is_not_missed<F: Fixture>(log: F) {
    let store: Arc<dyn EventStore> = Arc::new(log.connect().await);
    misses_nothing::<F>(&store, &store, 300).await;
}

/// A wait does not miss an append of another handle that lands between the read and the wait.
pub async fn an_append_elsewhere_before_the_wait_is_not_missed<F: Fixture>(log: F) {
    let handles = handles(&log, 2).await;
    misses_nothing::<F>(&handles[0], &handles[1], 100).await;
}

/// A wait past a position above the head is no error, and ends once the log has an event past it.
pub async fn a_position_above_the_head_is_waited_for<F: Fixture>(log: F) {
    let store: Arc<dyn EventStore> = Arc::new(log.connect().await);
    let first = append_one(&store, event("A", &[])).await.position;
    let ahead = first.saturating_add(5);
    let waiter = wait(&store, Some(ahead));
    let far: Vec<_> = LARGE.map(|n| wait(&store, Some(at(n)))).into();
    tokio::time::sleep(SETTLED).await;
    // Each event has a position of its own.
    for _ in 0..6 {
        append(&store, vec![event("A", &[])]).await;
    }
    assert!(store.head().await.unwrap() > Some(ahead), "six events after the first");
    soon::<F, _>("an event past the position", waiter).await.unwrap();
    for waiter in far {
        waiter.abort();
        assert!(waiter.await.map_or_else(|e| e.is_cancelled(), |()| true), "an error");
    }
}

/// A wait on a log without appends does not return again and again.
pub async fn a_quiet_log_is_waited_for<F: Fixture>(log: F) {
    let store = log.connect().await;
    append(&store, vec![event("A", &[]), event("B", &[])]).await;
    let until = Instant::now() + Duration::from_millis(400);
    let mut early = 0;
    while Instant::now() < until {
        let seen = observed(&store, &query(&["A"], &[])).await;
        let nap = until.saturating_duration_since(Instant::now());
        early += u32::from(tokio::time::timeout(nap, store.wait_past(seen)).await.is_ok());
        assert!(early < 100, "woken 100 times for nothing");
    }
}

async fn wakes_for<F: Fixture>(log: &F, writer: usize) {
    let handles = handles(log, 2).await;
    let mut after = append_one(&handles[0], event("A", &[])).await.position;
    for _ in 0..5 {
        let waiter = wait(&handles[0], Some(after));
        tokio::time::sleep(SETTLED).await;
        after = append_one(&handles[writer], event("A", &[])).await.position;
        soon::<F, _>("an append", waiter).await.unwrap();
    }
}

/// Reads and waits until an event is found, `rounds` times, each time while an append starts at the
/// same moment.
async fn misses_nothing<F: Fixture>(
    store: &Arc<dyn EventStore>,
    writer: &Arc<dyn EventStore>,
    rounds: u64,
) {
    let mut cursor = None;
    for _ in 0..rounds {
        let (reader, writer) = (store.clone(), writer.clone());
        let reading = async move {
            for _ in 0..1000 {
                let options = ReadOptions::all().after(cursor);
                let events = reader.read(&Query::all(), options).await.unwrap();
                let seen = events.observed();
                if !events.collect().await.unwrap().is_empty() {
                    return seen;
                }
                soon::<F, _>("an append beside the wait", reader.wait_past(seen)).await.unwrap();
            }
            panic!("woken 1000 times for nothing");
        };
        let writing = async move { Some(append_one(&writer, event("A", &[])).await.position) };
        let tasks: [futures_util::future::BoxFuture<'static, _>; 2] =
            [Box::pin(reading), Box::pin(writing)];
        let ends = at_once(tasks).await;
        assert!(ends[0] >= ends[1], "{ends:?}");
        cursor = ends[0];
    }
}

fn wait(
    store: &Arc<dyn EventStore>,
    after: Option<crate::SequencePosition>,
) -> tokio::task::JoinHandle<()> {
    let store = store.clone();
    tokio::spawn(async move { store.wait_past(after).await.unwrap() })
}
