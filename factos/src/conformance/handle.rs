//! Cases of several handles, threads and runtimes on one log.

use std::{sync::Arc, thread};

use tokio::{runtime::Builder, task::spawn_blocking};

use super::{
    fixture::Fixture,
    parallel::{handles, soon},
    sample_values::{event, query, unless},
    store_calls::{append, append_one, of_stream, refused, whole_log},
};
use crate::store::EventStore;
use crate::{query::Query, read_options::ReadOptions};

/// A handle reads its own acknowledged writes.
pub async fn a_handle_reads_its_own_writes<F: Fixture>(log: F) {
    let store = log.connect().await;
    for events in 1..=50 {
        let written = append_one(&store, event("A", &["x:1"])).await;
        assert_eq!(store.head().await.unwrap(), Some(written.position));
        assert_eq!(whole_log(&store).await.len(), events);
    }
}

/// Every other handle reads a write once it is acknowledged.
pub async fn a_handle_reads_the_writes_of_others<F: Fixture>(log: F) {
    let handles = handles(&log, 3).await;
    for n in 0..30 {
        let written = append_one(&handles[n % 3], super::sample_values::in_stream("s", "A")).await;
        for store in &handles {
            assert_eq!(store.head().await.unwrap(), Some(written.position));
            assert_eq!(whole_log(store).await.last(), Some(&written));
            let last = ReadOptions::all().backwards().limit(1);
            assert_eq!(of_stream(store, "s", last).await, std::slice::from_ref(&written));
        }
    }
}

/// A condition is checked against the events that other handles wrote.
pub async fn a_condition_counts_the_writes_of_others<F: Fixture>(log: F) {
    let handles = handles(&log, 2).await;
    for n in 0..10 {
        let tag = format!("n:{n}");
        let query = query(&[], &[&tag]);
        append(&handles[n % 2], vec![event("A", &[&tag])]).await;
        refused(&handles[(n + 1) % 2], event("A", &[]), unless(&query)).await;
    }
}

/// Each fixture has a log of its own.
pub async fn fixtures_are_isolated<F: Fixture>(log: F) {
    let elsewhere = F::fresh().await;
    let (store, other) = (log.connect().await, elsewhere.connect().await);
    append(&store, vec![event("A", &[])]).await;
    assert_eq!(whole_log(&other).await, []);
    assert_eq!(other.head().await.unwrap(), None);
}

/// Every handle on a log tells the same identity, and another log has another one.
pub async fn a_log_has_one_identity<F: Fixture>(log: F) {
    let stores = handles(&log, 3).await;
    let id = stores[0].log_id().to_owned();
    assert!(!id.is_empty());
    append(&stores[1], vec![event("A", &[])]).await;
    assert!(stores.iter().all(|store| store.log_id() == id), "the handles tell several identities");
    let elsewhere = F::fresh().await;
    assert_ne!(elsewhere.connect().await.log_id(), id);
}

/// Dropping a handle does not disturb the others.
pub async fn a_dropped_handle_leaves_the_others_alone<F: Fixture>(log: F) {
    let store = log.connect().await;
    for n in 1..=5 {
        let other = log.connect().await;
        append(&other, vec![event("A", &[])]).await;
        drop(other);
        append(&store, vec![event("A", &[])]).await;
        assert_eq!(whole_log(&store).await.len(), 2 * n);
    }
}

/// Used from another runtime, a store works or answers with an error, and never hangs.
pub async fn a_store_outlives_a_runtime<F: Fixture>(log: F) {
    let store = Arc::new(log.connect().await);
    let mut acknowledged = vec![append_one(&store, event("A", &[])).await];
    for _ in 0..3 {
        let store = store.clone();
        let elsewhere = spawn_blocking(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let batch = vec![event("A", &[])];
            runtime.block_on(store.append(batch, crate::AppendCondition::None))
        });
        let answer = soon::<F, _>("an append from another runtime", elsewhere).await;
        acknowledged.extend(answer.unwrap().into_iter().flatten());
    }
    acknowledged.push(append_one(&store, event("A", &[])).await);
    let page = whole_log(&log.connect().await).await;
    assert!(acknowledged.iter().all(|record| page.contains(record)), "{page:?}");
}

/// A handle may be dropped on a thread outside of any runtime, after a read that was dropped before its
/// end.
pub async fn a_handle_may_be_dropped_anywhere<F: Fixture>(log: F) {
    let store = log.connect().await;
    append(&store, (0..2000).map(|_| event("A", &[])).collect()).await;
    let mut events = store.read(&Query::all(), ReadOptions::all()).await.unwrap();
    events.next().await.unwrap().unwrap();
    drop(events);
    let dropping = spawn_blocking(move || thread::spawn(move || drop(store)).join().is_ok());
    assert!(soon::<F, _>("dropping a handle", dropping).await.unwrap(), "dropping panicked");
    let other = log.connect().await;
    assert_eq!(whole_log(&other).await.len(), 2000);
}
