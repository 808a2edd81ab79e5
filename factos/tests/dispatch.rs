//! Dispatching a command on a boundary of facts.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::{convert::Infallible, error::Error as _, sync::Arc};

use factos::{
    AppendCondition, Decider, Error, Event, EventStore, InvalidArgument, InvalidQuery, Metadata,
    NewEvent, Query, QueryFor, Retry, Split, Undecodable, decider_fn, dispatch, read_context,
};
use factos_memory::MemoryStore;
use support::*;

const OFFICE: BoxOffice = BoxOffice { seats: 3 };

fn items(query: QueryFor<Ticketing>) -> Query {
    query.into_query().unwrap()
}

/// Decides upon the events of its command.
fn obedient()
-> impl Decider<Command = Vec<Ticketing>, Event = Ticketing, State = usize, Error = Infallible> {
    decider_fn(|| 0, |n, _: &Ticketing| n + 1, |_, events: &Vec<Ticketing>| Ok(events.clone()))
        .with_context(|_| about(&["Sold"], "a"))
}

#[tokio::test]
async fn a_decision_sees_its_context_and_nothing_else() {
    let store = MemoryStore::new();
    seed(&store, [sold("a", "x"), sold("b", "x"), noted("a"), sold("a", "y")]).await;
    let done = dispatch(&store, &OFFICE).run(&buy("a", "z")).await.unwrap();
    assert_eq!(
        (done.state, done.position, done.attempts, done.replayed),
        (3, Some(position(5)), 1, false)
    );
    let refused = dispatch(&store, &OFFICE).run(&buy("a", "z")).await;
    assert!(matches!(refused, Err(Error::Domain(SoldOut))));
    assert_eq!(log_of(&store).await.len(), 5);
}

#[tokio::test]
async fn a_context_of_many_pages_is_folded() {
    let store = MemoryStore::new();
    seed(&store, (0..3500).map(|n| sold("a", &n.to_string()))).await;
    let office = BoxOffice { seats: 3501 };
    let done = dispatch(&store, &office).run(&buy("a", "z")).await.unwrap();
    assert_eq!((done.state, done.position), (3501, Some(position(3501))));
}

#[tokio::test]
async fn committed_records_equal_a_later_read() {
    let store = MemoryStore::new();
    let meta = Metadata::new().with_actor("lucy").unwrap();
    let events = vec![sold("a", "x"), sold("a", "y")];
    let done = dispatch(&store, &obedient())
        .stream("a")
        .metadata(meta.clone())
        .run(&events)
        .await
        .unwrap();
    let context = read_context(&store, &obedient(), &events).await.unwrap();
    assert_eq!(done.records, context.records);
    assert_eq!((done.state, done.position), (context.state, context.position));
    let first = &done.records[0];
    assert_eq!((first.stream.as_ref().unwrap().as_str(), first.revision), ("a", Some(0)));
    assert_eq!((&first.metadata, first.version), (&meta, 1));
}

#[tokio::test]
async fn the_condition_is_the_guard_after_what_was_observed() {
    let store = Scripted::default();
    seed(&store.log, [sold("a", "x"), noted("u")]).await;
    dispatch(&store, &OFFICE).run(&buy("a", "z")).await.unwrap();
    let expected =
        AppendCondition::fail_if_events_match(items(about(&["Sold"], "a"))).after(position(2));
    assert_eq!(store.conditions(), [expected]);
}

#[tokio::test]
async fn a_fact_outside_of_the_guard_does_not_refuse_the_append() {
    let store = Scripted::new([Fault::Rival(returned("a"))]);
    let done = dispatch(&store, &OFFICE).run(&buy("a", "z")).await.unwrap();
    assert_eq!((done.attempts, done.position), (1, Some(position(2))));
}

#[tokio::test]
async fn a_guard_wider_than_the_context_is_refused_before_anything_is_read() {
    struct Wide;
    impl Decider for Wide {
        type Command = ();
        type Event = Ticketing;
        type State = ();
        type Error = ();
        fn initial(&self) {}
        fn evolve(&self, (): (), _: &Ticketing) {}
        fn decide(&self, (): &(), (): &()) -> Result<Vec<Ticketing>, ()> {
            Ok(vec![sold("a", "x")])
        }
        fn context(&self, (): &()) -> QueryFor<Ticketing> {
            about(&["Sold"], "a")
        }
        fn guard(&self, (): &()) -> QueryFor<Ticketing> {
            QueryFor::all_types()
        }
    }
    let store = Scripted::default();
    store.fail_reads([factos::StoreErrorKind::Other]);
    let Err(Error::GuardNotCovered(error)) = dispatch(&store, &Wide).run(&()).await else {
        panic!("the guard is not covered");
    };
    assert_eq!(
        error.to_string(),
        "the guard (type Noted or Returned or Sold) is not covered by the context (type Sold, tag show:a)"
    );
    let context = read_context(&store, &Wide, &()).await;
    assert!(matches!(context.unwrap_err().as_error(), Error::GuardNotCovered(_)));
}

#[tokio::test]
async fn a_command_that_emits_nothing_succeeds_without_an_append() {
    let store = Scripted::default();
    seed(&store.log, [sold("a", "x"), noted("u")]).await;
    let done = dispatch(&store, &obedient()).idempotency_key("k").run(&vec![]).await.unwrap();
    assert_eq!((done.records.len(), done.state, done.position), (0, 1, Some(position(2))));
    assert!(store.conditions().is_empty());
}

#[tokio::test]
async fn events_outside_of_the_boundary_are_refused_before_the_append() {
    let store = Scripted::default();
    let Err(Error::OutsideBoundary(error)) =
        dispatch(&store, &obedient()).run(&vec![noted("u"), sold("b", "x")]).await
    else {
        panic!("no event is inside");
    };
    assert_eq!((error.event_type.as_str(), &error.tags), ("Noted", &noted("u").tags().unwrap()));
    assert_eq!(error.query, items(about(&["Sold"], "a")));
    assert_eq!(
        error.to_string(),
        "an event of type Noted with the tags {\"user:u\"} is outside of the boundary (type Sold, tag show:a)"
    );
    assert!(store.conditions().is_empty());
}

#[tokio::test]
async fn one_event_inside_carries_the_others_and_alone_is_folded() {
    let store = MemoryStore::new();
    let events = vec![noted("u"), sold("a", "x"), sold("b", "x")];
    let done = dispatch(&store, &obedient()).run(&events).await.unwrap();
    assert_eq!((done.records.len(), done.state), (3, 1));
    let context = read_context(&store, &obedient(), &events).await.unwrap();
    assert_eq!(done.state, context.state);
}

#[tokio::test]
async fn events_outside_of_the_boundary_can_be_allowed() {
    let store = MemoryStore::new();
    let done = dispatch(&store, &obedient())
        .allow_outside_boundary()
        .run(&vec![noted("u")])
        .await
        .unwrap();
    assert_eq!((done.records.len(), done.state), (1, 0));
}

#[tokio::test]
async fn a_record_that_does_not_decode_is_named() {
    let store = MemoryStore::new();
    seed(&store, [sold("a", "x")]).await;
    let newer = NewEvent { version: 7, ..new_event(&sold("a", "y")) };
    let id = newer.id;
    store.append(vec![newer], AppendCondition::None).await.unwrap();
    let Err(Error::Decode(error)) = dispatch(&store, &OFFICE).run(&buy("a", "z")).await else {
        panic!("version 7 is too new");
    };
    assert_eq!((error.id, error.position, error.version), (id, position(2), 7));
    assert!(matches!(error.cause, Undecodable::FutureVersion { stored: 7, known: 1 }));
    assert_eq!(log_of_len(&store).await, 2);
}

async fn log_of_len(store: &MemoryStore) -> u64 {
    store.head().await.unwrap().map_or(0, factos::SequencePosition::get)
}

#[tokio::test]
async fn an_event_that_does_not_encode_is_not_appended() {
    let store = Scripted::default();
    let result = dispatch(&store, &obedient()).run(&vec![sold("a", "x"), sold("a\n", "x")]).await;
    assert!(matches!(result, Err(Error::Encode(factos::EncodeError::Tag { key: "show", .. }))));
    assert!(store.conditions().is_empty());
}

#[tokio::test]
async fn a_query_that_cannot_be_asked_is_an_error_of_its_own() {
    let decider = OFFICE.with_context(|_| QueryFor::from_query(Query::all()));
    let result = dispatch(&MemoryStore::new(), &decider).run(&buy("a", "z")).await;
    assert!(matches!(result, Err(Error::Query(InvalidQuery::Foreign { .. }))));
}

#[tokio::test]
async fn a_bad_stream_name_is_told_by_run() {
    let store = Scripted::default();
    let result = dispatch(&store, &OFFICE)
        .stream("a\nb")
        .idempotency_key("")
        .stream("c")
        .run(&buy("a", "z"))
        .await;
    let Err(Error::InvalidArgument(error @ InvalidArgument::StreamName(_))) = result else {
        panic!("a stream name holds no control character");
    };
    assert_eq!(error.to_string(), "the stream name cannot be used");
    assert!(error.source().unwrap().to_string().contains("control character"));
    assert!(store.conditions().is_empty());
}

#[tokio::test]
async fn a_chain_of_causes_keeps_one_correlation() {
    let store = MemoryStore::new();
    let first = dispatch(&store, &OFFICE).run(&buy("a", "x")).await.unwrap().records.remove(0);
    let next = dispatch(&store, &OFFICE)
        .caused_by(&first)
        .run(&buy("a", "y"))
        .await
        .unwrap()
        .records
        .remove(0);
    let own = Metadata::new().with_actor("lucy").unwrap().with_correlation_id("other").unwrap();
    let last = dispatch(&store, &OFFICE)
        .caused_by(&next)
        .metadata(own)
        .run(&buy("a", "z"))
        .await
        .unwrap()
        .records
        .remove(0);
    let root = first.id.to_string();
    assert_eq!(first.metadata, Metadata::new());
    assert_eq!(next.metadata.correlation_id(), Some(root.as_str()));
    assert_eq!(next.metadata.causation_id(), Some(root.as_str()));
    assert_eq!(last.metadata.correlation_id(), Some(root.as_str()));
    assert_eq!(last.metadata.causation_id(), Some(next.id.to_string().as_str()));
    assert_eq!(last.metadata.actor(), Some("lucy"));
}

#[tokio::test]
async fn a_context_tells_what_a_decision_of_ones_own_needs() {
    let store = MemoryStore::new();
    seed(&store, [sold("a", "x"), sold("b", "x"), returned("a")]).await;
    let context = read_context(&store, &OFFICE, &buy("a", "z")).await.unwrap();
    assert_eq!(context.query, items(about(&["Sold", "Returned"], "a")));
    assert_eq!((context.state, context.position), (0, Some(position(3))));
    assert_eq!(context.records.iter().map(|r| r.position.get()).collect::<Vec<_>>(), [1, 3]);
    seed(&store, [sold("a", "y")]).await;
    let stale = store.append(vec![new_event(&sold("a", "z"))], context.append_condition()).await;
    assert!(stale.unwrap_err().is_conflict());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_tasks_never_oversell_ten_seats() {
    let store = Arc::new(Scripted::meeting(64));
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                // Each conflict is another sale, so nobody sees more than ten of them.
                dispatch(&*store, &BoxOffice { seats: 10 })
                    .retry(Retry::attempts(11))
                    .run(&buy("a", &n.to_string()))
                    .await
                    .map(|done| done.records[0].event.clone())
                    .split()
                    .unwrap()
            })
        })
        .collect();
    let mut sales = Vec::new();
    for task in tasks {
        sales.extend(task.await.unwrap().ok());
    }
    assert_eq!(sales.len(), 10);
    let mut log = log_of(&store.log).await;
    let by_buyer = |event: &Ticketing| format!("{event:?}");
    log.sort_by_key(by_buyer);
    sales.sort_by_key(by_buyer);
    assert_eq!(log, sales);
}
