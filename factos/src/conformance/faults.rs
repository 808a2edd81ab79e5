//! Cases of faults: what a store says, and what it leaves behind, when its engine fails.

use std::sync::Arc;

use super::{
    difference::assert_same,
    fixture::{FAULTY, Fault, Fixture},
    not_tested::not_tested,
    parallel::at_once,
    sample_values::{event, query},
    store_calls::{append, begin, next, trace, whole_log},
};
use crate::{
    append::{AppendCondition, NewEvent},
    append_error::AppendError,
    events::Page,
    query::Query,
    read_options::ReadOptions,
    store::EventStore,
    store_error::StoreErrorKind,
};

/// So many batches of 3000 events that a store has not read all of them ahead when a read has shown its first.
const READ_BATCHES: usize = 3;

/// A read that fails is an error, at once or in the stream, and never a clean end before all of it was shown.
pub async fn a_read_that_fails_says_so<F: Fixture>(log: F) {
    let store = log.connect().await;
    let mut all = Page::new();
    for _ in 0..READ_BATCHES {
        all.extend(append(&store, (0..3000).map(|_| event("A", &["x:1"])).collect()).await);
    }
    let mut begun = begin(&store, &Query::all(), ReadOptions::all()).await;
    let mut seen = vec![next(&mut begun).await];
    if !injected(&log, Fault::Read).await {
        return;
    }
    let failed = loop {
        match begun.next().await {
            Some(Ok(record)) => seen.push(record),
            Some(Err(_)) => break true,
            None => break false,
        }
    };
    if !failed {
        assert_same("a read that ends cleanly has shown all", &seen, &all);
    }
    for (query, options) in [
        (Query::all(), ReadOptions::all()),
        (Query::all(), ReadOptions::all().backwards()),
        (query(&["A"], &["x:1"]), ReadOptions::all()),
    ] {
        if let Ok(events) = store.read(&query, options).await {
            let shown = events.collect().await.map(|page| page.len());
            assert!(
                shown.is_err(),
                "a read that fails says so, and this ended with {shown:?} records, {query}, {options:?}"
            );
        }
    }
    log.heal(Fault::Read).await;
    assert_same("nothing is lost", &whole_log(&log.connect().await).await, &all);
}

/// A batch of which an event cannot be written leaves nothing, and the appends beside it are accepted.
pub async fn a_failure_within_a_batch_leaves_nothing<F: Fixture>(log: F) {
    let store = Arc::new(log.connect().await);
    append(&store, vec![event("A", &[])]).await;
    if !injected(&log, Fault::Batch).await {
        return;
    }
    let before = trace(&store).await;
    let told = store_error(store.append(faulty(), AppendCondition::None).await);
    let rule = "where an event cannot be written, it is known that nothing was";
    assert_ne!(told, StoreErrorKind::OutcomeUnknown, "{rule}");
    before.assert_kept(&store, "an event of the batch cannot be written").await;
    let outcomes = at_once((0..16).map(|n| {
        let store = store.clone();
        let batch = if n % 8 == 3 { faulty() } else { vec![event("A", &[]), event("B", &[])] };
        async move { store.append(batch, AppendCondition::None).await.is_ok() }
    }));
    let accepted = outcomes.await.into_iter().filter(|accepted| *accepted).count();
    assert_eq!(accepted, 14, "the appends beside two that fail are accepted");
    let rule = "what is accepted beside batches that fail is written, and nothing of these";
    assert_eq!(whole_log(&store).await.len(), 1 + 14 * 2, "{rule}: events of the log");
    log.heal(Fault::Batch).await;
    append(&store, faulty()).await;
}

/// If the answer to a commit is lost, the append says so, and the same batch again tells what became of it.
pub async fn a_lost_answer_is_told_as_unknown<F: Fixture>(log: F) {
    let store = log.connect().await;
    append(&store, vec![event("A", &[])]).await;
    if !injected(&log, Fault::Answer).await {
        return;
    }
    let batch = faulty();
    let told = store_error(store.append(batch.clone(), AppendCondition::None).await);
    let rule = "an append whose answer is lost is told as unknown";
    assert_eq!(told, StoreErrorKind::OutcomeUnknown, "{rule}");
    log.heal(Fault::Answer).await;
    match store.append(batch.clone(), AppendCondition::None).await {
        Ok(_) | Err(AppendError::DuplicateEventId(_)) => {}
        Err(error) => {
            panic!("the same batch again is accepted or a duplicate, and came to {error:?}")
        }
    }
    let log = whole_log(&store).await;
    let rule = "a batch whose answer was lost and that is sent again is in the log once, and whole";
    let found: Vec<_> = log[1..].iter().map(|record| record.id).collect();
    assert_eq!(found, batch.iter().map(|event| event.id).collect::<Vec<_>>(), "{rule}");
}

/// While somebody holds what appends need, each of several appends is told that the store is busy, and leaves
/// nothing behind.
pub async fn a_busy_store_leaves_nothing_behind<F: Fixture>(log: F) {
    let store = Arc::new(log.connect().await);
    append(&store, vec![event("A", &[])]).await;
    let before = trace(&store).await;
    if !injected(&log, Fault::Lock).await {
        return;
    }
    let batches: Vec<_> = (0..4).map(|_| vec![event("A", &[]), event("B", &[])]).collect();
    let told = at_once(batches.clone().into_iter().map(|batch| {
        let store = store.clone();
        async move { store_error(store.append(batch, AppendCondition::None).await) }
    }));
    assert_eq!(told.await, [StoreErrorKind::Busy; 4], "appends that meet a lock are told so");
    log.heal(Fault::Lock).await;
    before.assert_kept(&store, "appends that were told that the store is busy").await;
    for batch in batches {
        append(&store, batch).await;
    }
}

/// Whether the fixture can cause the fault. If it cannot, the output says that this was not tested.
async fn injected<F: Fixture>(log: &F, fault: Fault) -> bool {
    let injected = log.inject(fault).await;
    if !injected {
        not_tested(&format!("{fault:?}, which the fixture cannot cause"));
    }
    injected
}

/// A batch whose second event meets the fault.
fn faulty() -> Vec<NewEvent> {
    vec![event("A", &[]), event("A", &[]).with_version(FAULTY), event("A", &[])]
}

fn store_error<T>(outcome: Result<T, AppendError>) -> StoreErrorKind {
    match outcome {
        Err(AppendError::Store(error)) => error.kind(),
        Err(error) => panic!("a fault is told as an error of the store, and not as {error:?}"),
        Ok(_) => panic!("an append that meets a fault is told so, and this was accepted"),
    }
}
