//! Cases of faults: what a store says, and what it leaves behind, when its engine fails.

use std::sync::Arc;

use super::{
    difference::assert_same,
    fixture::{FAULTY, Fault, Fixture},
    not_tested::not_tested,
    parallel::at_once,
    sample_values::{event, query},
    store_calls::{append, trace, whole_log},
};
use crate::{
    append::{AppendCondition, NewEvent},
    append_error::AppendError,
    query::Query,
    read_options::ReadOptions,
    store::EventStore,
    store_error::StoreErrorKind,
};

/// A read that fails is an error, at once or in the stream, and never a clean end before all of it was shown.
pub async fn a_read_that_fails_says_so<F: Fixture>(log: F) {
    let store = log.connect().await;
    let all = append(&store, (0..3000).map(|_| event("A", &["x:1"])).collect()).await;
    let mut begun = store.read(&Query::all(), ReadOptions::all()).await.unwrap();
    let mut seen = vec![begun.next().await.unwrap().unwrap()];
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
            assert!(shown.is_err(), "a read that fails came to {shown:?} records");
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
    let outcome = store.append(faulty(), AppendCondition::None).await;
    let error = store_error(outcome);
    assert!(
        !matches!(error, StoreErrorKind::OutcomeUnknown),
        "it is known that nothing was written"
    );
    assert!(trace(&store).await == before, "the batch that failed left something");
    let outcomes = at_once((0..16).map(|n| {
        let store = store.clone();
        let batch = if n % 8 == 3 { faulty() } else { vec![event("A", &[]), event("B", &[])] };
        async move { store.append(batch, AppendCondition::None).await.is_ok() }
    }));
    let accepted = outcomes.await.into_iter().filter(|accepted| *accepted).count();
    assert_eq!(accepted, 14, "the appends beside two that fail");
    assert_eq!(whole_log(&store).await.len(), 1 + 14 * 2);
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
    assert_eq!(told, StoreErrorKind::OutcomeUnknown, "an append whose answer is lost");
    log.heal(Fault::Answer).await;
    match store.append(batch.clone(), AppendCondition::None).await {
        Ok(_) | Err(AppendError::DuplicateEventId(_)) => {}
        Err(error) => panic!("the same batch again came to {error:?}"),
    }
    let log = whole_log(&store).await;
    let found: Vec<_> = log[1..].iter().map(|record| record.id).collect();
    assert_eq!(found, batch.iter().map(|event| event.id).collect::<Vec<_>>(), "once, and whole");
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
    assert_eq!(told.await, [StoreErrorKind::Busy; 4], "appends that met a lock");
    log.heal(Fault::Lock).await;
    assert!(trace(&store).await == before, "an append that was told to be busy was written");
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
        Err(error) => panic!("not an error of the store: {error:?}"),
        Ok(_) => panic!("accepted in spite of the fault"),
    }
}
