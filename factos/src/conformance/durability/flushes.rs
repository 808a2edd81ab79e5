//! Whether what is acknowledged has been flushed to stable storage.

use std::sync::Arc;

use crate::{
    append::NewEvent,
    conformance::{
        fixture::Fixture,
        not_tested::not_tested,
        parallel::at_once,
        sample_values::{event, in_stream},
        store_calls::append,
    },
    store::EventStore,
};

/// How many appends follow one another.
const APPENDS: u64 = 20;
/// How many tasks append at once.
const WRITERS: u64 = 8;

/// Between the call of an append and its return, the log is flushed.
pub async fn an_acknowledged_append_was_flushed<F: Fixture>(log: F) {
    if is_counted(&log).await {
        let store = log.connect().await;
        append_flushed(&log, &store, 0).await;
    }
}

/// Of many appends at once on one handle, which may share a flush, none is acknowledged without one that began after its
/// call.
pub async fn appends_at_once_were_flushed<F: Fixture>(log: F) {
    if is_counted(&log).await {
        let store = Arc::new(log.connect().await);
        let log = Arc::new(log);
        let writers = (0..WRITERS).map(|writer| {
            let (log, store) = (log.clone(), store.clone());
            async move { append_flushed(&*log, &store, writer).await }
        });
        at_once(writers).await;
    }
}

async fn append_flushed<F: Fixture>(log: &F, store: &dyn EventStore, writer: u64) {
    for n in 0..APPENDS {
        let before = log.flushes().await;
        append(store, batch(writer + n)).await;
        let after = log.flushes().await;
        assert!(
            after > before,
            "a log is flushed before an append is acknowledged, and append {n} of writer {writer} was \
             acknowledged without: flushes were {before:?}, then {after:?}"
        );
    }
}

async fn is_counted<F: Fixture>(log: &F) -> bool {
    let counted = log.flushes().await.is_some();
    if !counted {
        not_tested("flushes, the fixture cannot count them");
    }
    counted
}

fn batch(n: u64) -> Vec<NewEvent> {
    match n % 2 {
        0 => vec![event("A", &["x:1"])],
        _ => vec![in_stream("s", "A"), event("B", &[])],
    }
}
