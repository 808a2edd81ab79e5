//! How often a command is tried, and what it waits for.

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use factos::{AppendCondition, Error, Retry, StoreErrorKind, dispatch, dispatch_stream};
use support::*;

const OFFICE: BoxOffice = BoxOffice { seats: 9 };

fn rivals(sales: usize) -> Scripted {
    Scripted::new((0..sales).map(|n| Fault::Rival(sold("a", &n.to_string()))))
}

#[tokio::test]
async fn a_conflict_is_read_and_decided_again() {
    let store = rivals(2);
    let done = dispatch(&store, &OFFICE).run(&buy("a", "z")).await.unwrap();
    assert_eq!((done.attempts, done.state, done.position), (3, 3, Some(position(3))));
    let guard = about(&["Sold"], "a").into_query().unwrap();
    let after = [None, Some(position(1)), Some(position(2))];
    let expected =
        after.map(|after| AppendCondition::fail_if_events_match(guard.clone()).after(after));
    assert_eq!(store.conditions(), expected);
    let ids = store.ids();
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
}

#[tokio::test]
async fn a_new_decision_may_be_another_one() {
    let store = rivals(1);
    let refused = dispatch(&store, &BoxOffice { seats: 1 }).run(&buy("a", "z")).await;
    assert!(matches!(refused, Err(Error::Domain(SoldOut))));
    assert_eq!(log_of(&store.log).await, [sold("a", "0")]);
}

#[tokio::test]
async fn attempts_are_used_up_and_the_conflict_is_told() {
    for (attempts, tried) in [(0, 1), (1, 1), (3, 3)] {
        let store = rivals(9);
        let result =
            dispatch(&store, &OFFICE).retry(Retry::attempts(attempts)).run(&buy("a", "z")).await;
        let error = result.unwrap_err();
        assert!(error.is_conflict() && error.is_retryable());
        assert_eq!(store.conditions().len(), tried);
    }
    let store = rivals(9);
    assert!(dispatch(&store, &OFFICE).run(&buy("a", "z")).await.unwrap_err().is_conflict());
    assert_eq!(store.conditions().len(), 5);
}

#[tokio::test]
async fn a_busy_store_is_tried_again_within_the_same_attempts() {
    let store = Scripted::new([Fault::Busy, Fault::Rival(sold("a", "x"))]);
    store.fail_reads([StoreErrorKind::Busy]);
    let done =
        dispatch(&store, &OFFICE).retry(Retry::attempts(4)).run(&buy("a", "z")).await.unwrap();
    assert_eq!(done.attempts, 4);
    let store = Scripted::new([Fault::Busy, Fault::Busy]);
    let result = dispatch(&store, &OFFICE).retry(Retry::attempts(2)).run(&buy("a", "z")).await;
    assert!(matches!(result, Err(Error::Store(error)) if error.kind() == StoreErrorKind::Busy));
    assert_eq!(store.conditions().len(), 2);
}

#[tokio::test]
async fn any_other_failure_ends_at_once() {
    let store = Scripted::new([Fault::Full]);
    let error = dispatch(&store, &OFFICE).run(&buy("a", "z")).await.unwrap_err();
    assert!(!error.is_retryable() && !error.is_conflict());
    assert!(matches!(error, Error::Store(error) if error.kind() == StoreErrorKind::Full));
    store.fail_reads([StoreErrorKind::Corrupt]);
    let error = dispatch(&store, &OFFICE).run(&buy("a", "z")).await.unwrap_err();
    assert!(matches!(error, Error::Store(error) if error.kind() == StoreErrorKind::Corrupt));
    assert_eq!(store.conditions().len(), 1);
}

#[tokio::test]
async fn a_backoff_waits_between_attempts_with_the_callers_sleep() {
    let slept = Arc::new(Mutex::new(Vec::new()));
    let (base, max) = (Duration::from_millis(10), Duration::from_millis(25));
    let sleep = {
        let slept = Arc::clone(&slept);
        move |time| {
            slept.lock().unwrap().push(time);
            std::future::ready(())
        }
    };
    let retry = Retry::attempts(4).backoff(base, max, sleep);
    let store = rivals(9);
    let task = tokio::spawn(async move {
        let result = dispatch(&store, &OFFICE).retry(retry).run(&buy("a", "z")).await;
        result.is_err_and(|error| error.is_conflict())
    });
    assert!(task.await.unwrap());
    let slept = slept.lock().unwrap();
    assert_eq!(slept.len(), 3);
    assert!(
        slept.iter().zip([base, base * 2, max]).all(|(time, ceiling)| *time <= ceiling),
        "{slept:?}"
    );
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn the_tokio_backoff_sleeps_between_attempts() {
    let before = std::time::Instant::now();
    let ceiling = Duration::from_millis(20);
    let store = rivals(8);
    let retry = Retry::attempts(9).tokio_backoff(ceiling, ceiling);
    let done = dispatch(&store, &OFFICE).retry(retry).run(&buy("a", "z")).await;
    assert_eq!(done.unwrap().attempts, 9);
    // Eight random waits below 20 ms, all of them near to nothing, do not happen.
    assert!(before.elapsed() > Duration::from_millis(2));
}

#[tokio::test]
async fn a_further_attempt_reads_only_what_came_after_the_last_one() {
    let rival = |n: u32| Fault::Rival(sold("a", &n.to_string()));
    let store = Scripted::new([rival(1), Fault::Busy, rival(2)]);
    seed(&store.log, [sold("a", "0"), sold("b", "0")]).await;
    let office = BoxOffice { seats: 9 };
    let done = dispatch(&store, &office).run(&buy("a", "z")).await.unwrap();
    // Each event of the boundary was folded once.
    assert_eq!((done.state, done.attempts), (4, 4));
    assert_eq!(store.read_after(), [None, Some(2), Some(3), Some(3)]);
}

#[tokio::test]
async fn a_read_that_failed_half_done_is_begun_anew() {
    let store = Scripted::new([Fault::Rival(sold("a", "x"))]);
    store.fail_reads([StoreErrorKind::Busy]);
    let done = dispatch(&store, &OFFICE).run(&buy("a", "z")).await.unwrap();
    assert_eq!((done.state, done.attempts), (2, 3));
    assert_eq!(store.read_after(), [None, None, None]);
}

#[tokio::test]
async fn a_further_attempt_on_a_stream_goes_on_from_its_revision() {
    let store = Scripted::new([Fault::Pass, Fault::Busy]);
    let run = |buyer: &'static str| async {
        let office = BoxOffice { seats: 9 };
        let store = &store;
        dispatch_stream(store, &office, "s").run(&buy("a", buyer)).await.unwrap()
    };
    assert_eq!(run("x").await.records[0].revision, Some(0));
    let second = run("y").await;
    assert_eq!((second.records[0].revision, second.state), (Some(1), 2));
    assert_eq!(store.read_after(), [None, None, Some(1)]);
}
