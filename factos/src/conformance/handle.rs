//! Cases of several handles, threads and runtimes on one log.

use std::{slice::from_ref, sync::Arc, thread};

use tokio::{runtime::Builder, task::spawn_blocking};

use super::{
    difference::assert_same,
    fixture::Fixture,
    parallel::{handles, rethrown, soon},
    sample_values::{event, query, unless},
    store_calls::{append, append_one, begin, head_of, next, of_stream, refused, whole_log},
};
use crate::{query::Query, read_options::ReadOptions, store::EventStore};

/// A handle reads its own acknowledged writes.
pub async fn a_handle_reads_its_own_writes<F: Fixture>(log: F) {
    let store = log.connect().await;
    let rule = "a handle reads its own acknowledged writes";
    for events in 1..=50 {
        let written = append_one(&store, event("A", &["x:1"])).await;
        assert_eq!(head_of(&store).await, Some(written.position), "{rule}: the head");
        assert_eq!(whole_log(&store).await.len(), events, "{rule}: events of the log");
    }
}

/// Every other handle reads a write once it is acknowledged.
pub async fn a_handle_reads_the_writes_of_others<F: Fixture>(log: F) {
    let handles = handles(&log, 3).await;
    for n in 0..30 {
        let written = append_one(&handles[n % 3], super::sample_values::in_stream("s", "A")).await;
        for store in &handles {
            let rule = "every handle reads a write once it is acknowledged";
            assert_eq!(head_of(store).await, Some(written.position), "{rule}: the head");
            let (last, written) = (ReadOptions::all().backwards().limit(1), from_ref(&written));
            let log = whole_log(store).await;
            assert_same(rule, log.last().map_or(&[], from_ref), written);
            assert_same(rule, &of_stream(store, "s", last).await, written);
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
    let rule = "each fixture has a log of its own";
    assert_same(rule, &whole_log(&other).await, &[]);
    assert_eq!(head_of(&other).await, None, "{rule}: the head of the other");
}

/// Every handle on a log tells the same identity, and another log has another one.
pub async fn a_log_has_one_identity<F: Fixture>(log: F) {
    let stores = handles(&log, 3).await;
    let id = stores[0].log_id().to_owned();
    assert!(!id.is_empty(), "a log has an identity, and it is empty");
    append(&stores[1], vec![event("A", &[])]).await;
    for store in &stores {
        assert_eq!(store.log_id(), id, "every handle on a log tells the same identity");
    }
    let elsewhere = F::fresh().await;
    let other = elsewhere.connect().await.log_id().to_owned();
    assert_ne!(other, id, "another log has another identity");
}

/// Dropping a handle does not disturb the others.
pub async fn a_dropped_handle_leaves_the_others_alone<F: Fixture>(log: F) {
    let store = log.connect().await;
    for n in 1..=5 {
        let other = log.connect().await;
        append(&other, vec![event("A", &[])]).await;
        drop(other);
        append(&store, vec![event("A", &[])]).await;
        let rule = "a handle that is dropped leaves the others alone";
        assert_eq!(whole_log(&store).await.len(), 2 * n, "{rule}: events of the log");
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
        acknowledged.extend(answer.unwrap_or_else(rethrown).into_iter().flatten());
    }
    acknowledged.push(append_one(&store, event("A", &[])).await);
    let page = whole_log(&log.connect().await).await;
    for record in acknowledged {
        let rule = "what was acknowledged to another runtime is in the log";
        assert!(page.contains(&record), "{rule}, and there is no {record:?}");
    }
}

/// A handle may be dropped on a thread outside of any runtime, after a read that was dropped before its
/// end.
pub async fn a_handle_may_be_dropped_anywhere<F: Fixture>(log: F) {
    let store = log.connect().await;
    append(&store, (0..2000).map(|_| event("A", &[])).collect()).await;
    let mut events = begin(&store, &Query::all(), ReadOptions::all()).await;
    next(&mut events).await;
    drop(events);
    let dropping = spawn_blocking(move || thread::spawn(move || drop(store)).join().is_ok());
    let dropped = soon::<F, _>("dropping a handle", dropping).await.unwrap_or_else(rethrown);
    assert!(dropped, "a handle may be dropped outside of a runtime, and it panicked");
    let other = log.connect().await;
    let rule = "what was acknowledged outlives its handle";
    assert_eq!(whole_log(&other).await.len(), 2000, "{rule}: events of the log");
}
