//! Dispatching a command on one stream.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::sync::Arc;

use factos::{
    AppendCondition, Decider, Error, EventStore, EventType, Infrastructure, InvalidArgument,
    NewEvent, Retry, Revision, StreamName, dispatch, dispatch_stream, load_stream,
};
use factos_memory::MemoryStore;
use support::*;

const OFFICE: BoxOffice = BoxOffice { seats: 3 };

#[tokio::test]
async fn a_stream_is_its_own_boundary() {
    let store = Scripted::default();
    dispatch(&store.log, &OFFICE).stream("other").run(&buy("a", "w")).await.unwrap();
    let first = dispatch_stream(&store, &OFFICE, "cart").run(&buy("a", "x")).await.unwrap();
    let second = dispatch_stream(&store, &OFFICE, "cart").run(&buy("b", "y")).await.unwrap();
    assert_eq!((first.state, second.state, second.position), (1, 2, Some(position(3))));
    assert_eq!(second.records[0].revision, Some(1));
    assert_eq!(second.records[0].stream, Some(cart()));
    let expected = [Revision::NoEvents, Revision::Current(0)]
        .map(|revision| AppendCondition::expected_revision(cart(), revision));
    assert_eq!(store.conditions(), expected);
}

fn cart() -> StreamName {
    StreamName::new("cart").unwrap()
}

#[tokio::test]
async fn a_stream_that_went_on_is_read_and_decided_again() {
    let store = MemoryStore::new();
    let stale = load_stream(&store, &OFFICE, "cart").await.unwrap();
    assert_eq!((stale.state, stale.revision, stale.position), (0, Revision::NoEvents, None));
    dispatch_stream(&store, &OFFICE, "cart").run(&buy("a", "x")).await.unwrap();
    let event = NewEvent { stream: Some(cart()), ..new_event(&sold("a", "y")) };
    let refused = store.append(vec![event], stale.append_condition()).await;
    assert!(refused.unwrap_err().is_conflict());
    let loaded = load_stream(&store, &OFFICE, cart()).await.unwrap();
    assert_eq!(
        (loaded.state, loaded.revision, loaded.position),
        (1, Revision::Current(0), Some(position(1)))
    );
    assert_eq!(loaded.records[0].event, sold("a", "x"));
    assert_eq!(
        loaded.append_condition(),
        AppendCondition::expected_revision(cart(), Revision::Current(0))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tasks_on_one_stream_leave_revisions_without_gaps() {
    let store = Arc::new(Scripted::meeting(32));
    let tasks: Vec<_> = (0..32)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let office = BoxOffice { seats: 8 };
                let sale = dispatch_stream(&*store, &office, "cart").retry(Retry::attempts(9));
                sale.run(&buy("a", &n.to_string())).await.map(|done| done.records[0].revision)
            })
        })
        .collect();
    let mut revisions = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(revision) => revisions.extend(revision),
            Err(error) => assert!(matches!(error, Error::Domain(SoldOut))),
        }
    }
    revisions.sort_unstable();
    assert_eq!(revisions, (0..8).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_foreign_event_in_the_stream_is_named() {
    let store = MemoryStore::new();
    let foreign =
        NewEvent { stream: Some(cart()), ..NewEvent::new(EventType::from_static("Other"), "") };
    store.append(vec![foreign], AppendCondition::None).await.unwrap();
    let result = dispatch_stream(&store, &OFFICE, "cart").run(&buy("a", "x")).await;
    assert!(matches!(result, Err(Error::Decode(error)) if error.event_type == "Other"));
}

#[tokio::test]
async fn a_bad_name_is_told_and_never_panics() {
    let store = MemoryStore::new();
    let long = "x".repeat(256);
    for name in ["", "a\0", &long] {
        let result = dispatch_stream(&store, &OFFICE, name).run(&buy("a", "x")).await;
        assert!(matches!(result, Err(Error::InvalidArgument(InvalidArgument::StreamName(_)))));
        let result: Result<_, Infrastructure> = load_stream(&store, &OFFICE, name).await;
        assert!(matches!(result.unwrap_err().as_error(), Error::InvalidArgument(_)));
    }
    assert_eq!(store.head().await.unwrap(), None);
}

#[tokio::test]
async fn a_key_takes_effect_once_per_stream() {
    let store = MemoryStore::new();
    let run = async |stream: &str, office: &BoxOffice| {
        dispatch_stream(&store, office, stream)
            .idempotency_key("k")
            .run(&buy("a", "x"))
            .await
            .unwrap()
    };
    let first = run("cart", &OFFICE).await;
    // Without a seat left: a replay does not decide.
    let again = run("cart", &BoxOffice { seats: 0 }).await;
    let other = run("other", &OFFICE).await;
    assert_eq!((first.replayed, again.replayed, other.replayed), (false, true, false));
    assert_eq!((again.state, &again.records), (1, &first.records));
}

#[tokio::test]
async fn racing_twins_in_one_stream_write_once() {
    let store = Scripted::meeting(2);
    let twin = || dispatch_stream(&store, &OFFICE, "cart").idempotency_key("k");
    let command = buy("a", "x");
    let (one, two) = tokio::join!(twin().run(&command), twin().run(&command));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.records, two.records);
    assert!(one.replayed != two.replayed);
    assert_eq!(store.conditions().len(), 2);
    assert_eq!(log_of(&store.log).await.len(), 1);
}

#[tokio::test]
async fn a_mapped_decider_dispatches_to_a_stream_in_a_task() {
    let store = MemoryStore::new();
    let decider = OFFICE.map_command(|buyer: &String| buy("a", buyer));
    let task = tokio::spawn(async move {
        dispatch_stream(&store, &decider, String::from("cart")).run(&"x".to_owned()).await.is_ok()
    });
    assert!(task.await.unwrap());
}
