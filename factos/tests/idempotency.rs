//! A command with an idempotency key takes effect once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::{error::Error as _, sync::Arc};

use factos::{
    AppendCondition, Bytes, Decider, EncodeError, Error, Event, EventStore, EventStoreExt,
    EventType, InvalidArgument, KeyDifference, MAX_IDEMPOTENCY_KEY_BYTES, NewEvent, Query,
    QueryFor, Retry, Schema, Tags, TypeInfo, Undecodable, decider_fn, dispatch,
};
use factos_memory::MemoryStore;
use support::*;

const OFFICE: BoxOffice = BoxOffice { seats: 3 };

/// Tags as a store reads them: an application makes none under the library's keys.
fn stored(key: &str) -> Tags {
    Tags::from_lines(&format!("factos.key:{key}")).unwrap()
}

#[tokio::test]
async fn the_second_time_the_earlier_records_come_back() {
    let store = Scripted::default();
    let first =
        dispatch(&store, &OFFICE).idempotency_key("order:77").run(&buy("a", "x")).await.unwrap();
    seed(&store.log, [sold("a", "y"), sold("b", "y")]).await;
    // Without a seat left: a replay does not decide.
    let full = BoxOffice { seats: 0 };
    let again =
        dispatch(&store, &full).idempotency_key("order:77").run(&buy("a", "x")).await.unwrap();
    assert_eq!((first.replayed, again.replayed), (false, true));
    assert_eq!(again.records, first.records);
    assert_eq!((again.state, again.position, again.attempts), (2, Some(position(1)), 1));
    assert_eq!(store.conditions().len(), 1);
}

#[tokio::test]
async fn events_carry_the_key_as_a_tag_and_in_their_metadata() {
    let store = MemoryStore::new();
    let done = dispatch(&store, &OFFICE)
        .idempotency_key("k")
        .fingerprint("a for x")
        .run(&buy("a", "x"))
        .await
        .unwrap();
    let record = &done.records[0];
    assert_eq!(record.tags.iter().collect::<Vec<_>>(), ["factos.key:k", "show:a"]);
    assert_eq!(record.metadata.idempotency_key(), Some("k"));
    assert_eq!(record.metadata.get("idempotency_fingerprint"), Some("a for x"));
}

#[tokio::test]
async fn the_condition_is_the_guard_or_the_key() {
    let store = Scripted::default();
    dispatch(&store, &OFFICE).idempotency_key("k").run(&buy("a", "x")).await.unwrap();
    let [AppendCondition::FailIfEventsMatch { query, after: None }] = &store.conditions()[..]
    else {
        panic!("there is one condition");
    };
    let expected = "(type Sold, tag show:a) or (tag factos.key:k)";
    assert_eq!(query.to_string(), expected);
}

#[tokio::test]
async fn an_event_found_by_its_key_alone_is_not_folded() {
    let store = MemoryStore::new();
    let first = dispatch(&store, &OFFICE).idempotency_key("k").run(&buy("b", "x")).await.unwrap();
    seed(&store, [sold("a", "y")]).await;
    let again = dispatch(&store, &OFFICE).idempotency_key("k").run(&buy("a", "x")).await.unwrap();
    assert!(again.replayed);
    assert_eq!((again.records, again.state), (first.records, 1));
}

#[tokio::test]
async fn all_events_of_the_earlier_command_come_back_in_order() {
    let decider = decider_fn(
        || 0,
        |n, _: &Ticketing| n + 1,
        |_, events: &Vec<Ticketing>| Ok::<_, ()>(events.clone()),
    )
    .with_context(|_| about(&["Sold"], "a"));
    let store = MemoryStore::new();
    let events = vec![noted("u"), sold("a", "x"), sold("b", "x")];
    let first = dispatch(&store, &decider).idempotency_key("k").run(&events).await.unwrap();
    let again = dispatch(&store, &decider).idempotency_key("k").run(&events).await.unwrap();
    assert_eq!((again.replayed, &again.records), (true, &first.records));
    assert_eq!((first.state, again.state), (1, 1));
}

#[tokio::test]
async fn a_command_that_emitted_nothing_is_not_remembered() {
    let decider = decider_fn(
        || 0,
        |n, _: &Ticketing| n + 1,
        |n, (): &()| Ok::<_, ()>(if *n == 0 { vec![] } else { vec![noted("x")] }),
    );
    let store = MemoryStore::new();
    let nothing = dispatch(&store, &decider).idempotency_key("k").run(&()).await.unwrap();
    seed(&store, [noted("u")]).await;
    let something = dispatch(&store, &decider).idempotency_key("k").run(&()).await.unwrap();
    assert_eq!((nothing.records.len(), something.records.len()), (0, 1));
    assert!(!nothing.replayed && !something.replayed);
}

#[tokio::test]
async fn one_key_for_two_requests_is_an_error_of_its_own() {
    let store = MemoryStore::new();
    let run = async |fingerprint: Option<&str>| {
        let keyed = dispatch(&store, &OFFICE).idempotency_key("k");
        match fingerprint {
            Some(text) => keyed.fingerprint(text).run(&buy("a", "x")).await,
            None => keyed.run(&buy("a", "x")).await,
        }
    };
    assert!(!run(Some("one")).await.unwrap().replayed);
    assert!(run(Some("one")).await.unwrap().replayed);
    for (given, difference) in
        [(Some("two"), KeyDifference::OtherFingerprint), (None, KeyDifference::NoFingerprint)]
    {
        let Err(Error::KeyReused(error)) = run(given).await else {
            panic!("the request is another one");
        };
        assert_eq!((error.key.as_str(), &error.difference), ("k", &difference));
        let text = "the idempotency key \"k\" was used for another request: ";
        assert_eq!(error.to_string(), format!("{text}{difference}"));
    }
    assert_eq!(log_of(&store).await.len(), 1);
}

#[tokio::test]
async fn a_fingerprint_where_there_was_none_is_of_another_request() {
    let store = MemoryStore::new();
    let keyed = || dispatch(&store, &OFFICE).idempotency_key("k");
    assert!(!keyed().run(&buy("a", "x")).await.unwrap().replayed);
    assert!(keyed().run(&buy("a", "x")).await.unwrap().replayed);
    let Err(Error::KeyReused(error)) = keyed().fingerprint("one").run(&buy("a", "x")).await else {
        panic!("the request is another one");
    };
    assert_eq!(error.difference, KeyDifference::NewFingerprint);
}

#[derive(serde::Serialize)]
struct Request<'a> {
    show: &'a str,
    buyer: &'a str,
}

#[tokio::test]
async fn a_key_does_not_replay_another_command() {
    let store = MemoryStore::new();
    let run = async |show: &'static str| {
        let request = Request { show, buyer: "x" };
        let keyed = dispatch(&store, &OFFICE).idempotency_key("k").fingerprint_of(&request);
        keyed.run(&buy(show, "x")).await
    };
    let first = run("a").await.unwrap();
    let fingerprint = first.records[0].metadata.get("idempotency_fingerprint").unwrap();
    assert_eq!(fingerprint.len(), 32, "a hash, and no payload: {fingerprint}");
    assert!(run("a").await.unwrap().replayed);
    assert!(matches!(run("b").await, Err(Error::KeyReused(_))));
}

#[tokio::test]
async fn a_command_without_events_is_remembered_if_it_is_to_be() {
    let decider = decider_fn(
        || 0,
        |n, _: &Ticketing| n + 1,
        |n, (): &()| Ok::<_, ()>(if *n == 0 { vec![] } else { vec![noted("x")] }),
    );
    let store = MemoryStore::new();
    let put = || {
        let keyed = dispatch(&store, &decider).idempotency_key("k").fingerprint("f");
        keyed.remember_no_op().run(&())
    };
    let nothing = put().await.unwrap();
    assert_eq!((nothing.records.len(), nothing.replayed), (0, false));
    assert_eq!((nothing.position, nothing.state), (Some(position(1)), 0));
    // By now the same command would lead to an event.
    seed(&store, [noted("u")]).await;
    let again = put().await.unwrap();
    assert_eq!((again.records.len(), again.replayed), (0, true));
    assert_eq!((again.position, again.state), (Some(position(1)), 1));
    assert_eq!(store.head().await.unwrap(), Some(position(2)));
    let other = dispatch(&store, &decider).idempotency_key("k").fingerprint("g").run(&()).await;
    assert!(matches!(other, Err(Error::KeyReused(_))));
    let marker = &store.read_all(&Query::all()).await.unwrap()[0];
    assert_eq!((marker.event_type.as_str(), &marker.event[..]), ("factos.nothing", &b"null"[..]));
    assert_eq!(marker.tags.iter().collect::<Vec<_>>(), ["factos.key:k"]);
}

#[tokio::test]
async fn without_a_key_nothing_is_remembered() {
    let decider = decider_fn(|| (), |(), _: &Ticketing| (), |(), (): &()| Ok::<_, ()>(vec![]));
    let store = MemoryStore::new();
    dispatch(&store, &decider).remember_no_op().run(&()).await.unwrap();
    assert_eq!(store.head().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_twins_without_events_one_is_remembered() {
    let store = Arc::new(Scripted::meeting(32));
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let decider =
                    decider_fn(|| (), |(), _: &Ticketing| (), |(), (): &()| Ok::<_, ()>(vec![]));
                let keyed = dispatch(&*store, &decider).idempotency_key("k").remember_no_op();
                keyed.retry(Retry::attempts(2)).run(&()).await.unwrap()
            })
        })
        .collect();
    let mut fresh = 0;
    for task in tasks {
        fresh += usize::from(!task.await.unwrap().replayed);
    }
    assert_eq!((fresh, store.head().await.unwrap()), (1, Some(position(1))));
}

#[tokio::test]
async fn a_domain_error_is_not_remembered() {
    let store = MemoryStore::new();
    let run = async |seats| {
        let office = BoxOffice { seats };
        let keyed = dispatch(&store, &office).idempotency_key("k").remember_no_op();
        keyed.run(&buy("a", "x")).await
    };
    assert!(matches!(run(0).await, Err(Error::Domain(SoldOut))));
    assert_eq!(store.head().await.unwrap(), None);
    assert!(!run(1).await.unwrap().replayed);
}

#[tokio::test]
async fn narrow_and_wide_deciders_agree_on_a_key() {
    let narrow = decider_fn(|| 0, |n, _: &Only| n + 1, |_, (): &()| Ok::<_, ()>(vec![Only]));
    let wide = OFFICE;
    // Wide first: its event is not one of the narrow decider.
    let store = MemoryStore::new();
    dispatch(&store, &wide).idempotency_key("k").run(&buy("a", "x")).await.unwrap();
    let Err(Error::KeyReused(error)) =
        dispatch(&store, &narrow).idempotency_key("k").run(&()).await
    else {
        panic!("the key is that of a sale");
    };
    assert_eq!(
        error.difference,
        KeyDifference::OtherEvents { event_type: EventType::from_static("Sold") }
    );
    // And the other way round.
    let store = MemoryStore::new();
    dispatch(&store, &narrow).idempotency_key("k").run(&()).await.unwrap();
    let reused = dispatch(&store, &wide).idempotency_key("k").run(&buy("a", "x")).await;
    assert!(matches!(reused, Err(Error::KeyReused(_))), "{reused:?}");
    assert_eq!(log_length(&store).await, 1);
}

#[tokio::test]
async fn a_key_that_makes_no_tag_is_told_before_anything_is_read() {
    let store = Scripted::default();
    let longest = "k".repeat(244);
    let done = dispatch(&store, &OFFICE).idempotency_key(&longest).run(&buy("a", "x")).await;
    assert!(done.is_ok());
    let result =
        dispatch(&store, &OFFICE).idempotency_key("k".repeat(245)).run(&buy("a", "x")).await;
    let Err(Error::InvalidArgument(error)) = result else { panic!("the key is too long") };
    assert_eq!(error, InvalidArgument::IdempotencyKeyTooLong { bytes: 245 });
    let text = "the idempotency key has 245 bytes, at most 244 are allowed";
    assert_eq!(error.to_string(), text);
    assert_eq!(MAX_IDEMPOTENCY_KEY_BYTES, 244);
    for (key, problem) in [("", "is empty"), ("a\tb", "control character")] {
        let result = dispatch(&store, &OFFICE).idempotency_key(key).run(&buy("a", "x")).await;
        let Err(Error::InvalidArgument(error @ InvalidArgument::IdempotencyKey(_))) = result else {
            panic!("{key:?} makes no tag");
        };
        assert_eq!(error.to_string(), "the idempotency key cannot be used");
        assert!(error.source().unwrap().to_string().contains(problem), "{key:?}");
    }
    let nul =
        dispatch(&store, &OFFICE).idempotency_key("k").fingerprint("\0").run(&buy("a", "x")).await;
    assert!(matches!(nul, Err(Error::InvalidArgument(InvalidArgument::Fingerprint(_)))));
    assert_eq!(store.conditions().len(), 1);
}

#[tokio::test]
async fn a_key_on_an_event_that_the_decider_does_not_know_is_of_another_request() {
    let store = MemoryStore::new();
    let mut foreign = NewEvent::new(EventType::from_static("Other"), "");
    foreign.tags = stored("k");
    store.append(vec![foreign], AppendCondition::None).await.unwrap();
    let reused = dispatch(&store, &OFFICE).idempotency_key("k").run(&buy("a", "x")).await;
    assert!(matches!(reused, Err(Error::KeyReused(_))), "{reused:?}");
}

#[tokio::test]
async fn a_racing_twin_conflicts_and_is_replayed() {
    let store = Scripted::meeting(2);
    let twin = || dispatch(&store, &OFFICE).idempotency_key("k");
    let command = buy("a", "x");
    let (one, two) = tokio::join!(twin().run(&command), twin().run(&command));
    let (mut one, mut two) = (one.unwrap(), two.unwrap());
    if one.replayed {
        std::mem::swap(&mut one, &mut two);
    }
    assert_eq!(one.records, two.records);
    assert_eq!((one.replayed, one.attempts), (false, 1));
    assert_eq!((two.replayed, two.attempts), (true, 2));
    assert_eq!(log_of(&store.log).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_twins_with_boundaries_of_their_own_write_once() {
    let store = Arc::new(Scripted::meeting(32));
    let tasks: Vec<_> = (0..32)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                dispatch(&*store, &OFFICE)
                    .idempotency_key("k")
                    .retry(Retry::attempts(2))
                    .run(&buy(&n.to_string(), "x"))
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut fresh = 0;
    for task in tasks {
        fresh += usize::from(!task.await.unwrap().replayed);
    }
    assert_eq!((fresh, log_of(&store.log).await.len()), (1, 1));
    assert_eq!(store.conditions().len(), 32);
}

#[tokio::test]
async fn a_context_of_all_types_covers_the_key() {
    let decider = OFFICE.with_context(|_| QueryFor::all_types());
    let store = MemoryStore::new();
    let first = dispatch(&store, &decider).idempotency_key("k").run(&buy("a", "x")).await.unwrap();
    let again = dispatch(&store, &decider).idempotency_key("k").run(&buy("a", "x")).await.unwrap();
    assert_eq!((again.replayed, again.state), (true, 1));
    assert_eq!(first.records, again.records);
}

async fn log_length(store: &MemoryStore) -> usize {
    store.read_all(&Query::all()).await.unwrap().len()
}

/// Written by hand, and the only event of its decider.
#[derive(Debug, Clone, PartialEq)]
struct Only;

impl Event for Only {
    const SCHEMA: &'static Schema = &Schema::new(const { &[TypeInfo::new("Only", 1, "")] });

    fn event_type(&self) -> EventType {
        EventType::from_static("Only")
    }

    fn version(&self) -> u32 {
        1
    }

    fn tags(&self) -> Result<Tags, EncodeError> {
        Ok(Tags::new())
    }

    fn encode(&self) -> Result<Bytes, EncodeError> {
        Ok(Bytes::new())
    }

    fn decode(_: &EventType, _: u32, _: &[u8]) -> Result<Self, Undecodable> {
        Ok(Self)
    }
}

/// Written by hand, with whatever tags.
#[derive(Debug, Clone, PartialEq)]
struct Spoofing(&'static str);

impl Event for Spoofing {
    const SCHEMA: &'static Schema = &Schema::new(const { &[TypeInfo::new("Spoofing", 1, "")] });

    fn event_type(&self) -> EventType {
        EventType::from_static("Spoofing")
    }

    fn version(&self) -> u32 {
        1
    }

    fn tags(&self) -> Result<Tags, EncodeError> {
        Ok(Tags::from_lines(self.0).unwrap())
    }

    fn encode(&self) -> Result<Bytes, EncodeError> {
        Ok(Bytes::new())
    }

    fn decode(_: &EventType, _: u32, _: &[u8]) -> Result<Self, Undecodable> {
        Ok(Self("show:a"))
    }
}

#[tokio::test]
async fn an_event_written_by_hand_cannot_take_the_key_of_a_command() {
    let store = MemoryStore::new();
    let text = "an event of type Spoofing cannot have the tag \"factos.key:order-1\"";
    let spoof = Spoofing("factos.key:order-1\nshow:a");
    let error = factos::encode(&spoof).unwrap_err();
    assert_eq!(error.to_string(), text);
    assert_eq!(error.source().unwrap().to_string(), "tag key \"factos.key\" is reserved");
    let decider = decider_fn(
        || (),
        |(): (), _: &Spoofing| (),
        |(): &(), event: &Spoofing| Ok::<_, SoldOut>(vec![event.clone()]),
    );
    let refused = dispatch(&store, &decider).run(&spoof).await;
    assert!(matches!(refused, Err(Error::Encode(EncodeError::ReservedTag { .. }))), "{refused:?}");
    // The library's own key is taken, and the log reads.
    let free = Spoofing("show:a");
    for replayed in [false, true] {
        let done = dispatch(&store, &decider).idempotency_key("order-1").run(&free).await.unwrap();
        assert_eq!(done.replayed, replayed);
    }
}
