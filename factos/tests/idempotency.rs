//! A command with an idempotency key takes effect once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::{error::Error as _, sync::Arc};

use factos::{
    AppendCondition, Bytes, Decider, EncodeError, Error, Event, EventType, InvalidArgument,
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
    let _ = dispatch(&store, &OFFICE).idempotency_key("k").run(&buy("a", "x")).await.unwrap();
    let [AppendCondition::FailIfEventsMatch { query, after: None }] = &store.conditions()[..]
    else {
        panic!("there is one condition");
    };
    let expected = "(type Sold, tag show:a) or (type Noted or Returned or Sold, tag factos.key:k)";
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
    assert!(run(None).await.unwrap().replayed);
    let Err(Error::KeyReused(error)) = run(Some("two")).await else {
        panic!("the request is another one");
    };
    assert_eq!(
        (error.key.as_str(), error.earlier.as_str(), error.given.as_str()),
        ("k", "one", "two")
    );
    assert_eq!(error.to_string(), "the idempotency key \"k\" was used for another request");
    assert_eq!(log_of(&store).await.len(), 1);
}

#[tokio::test]
async fn a_key_that_makes_no_tag_is_told_before_anything_is_read() {
    let store = Scripted::default();
    let longest = "k".repeat(244);
    let done = dispatch(&store, &OFFICE).idempotency_key(&longest).run(&buy("a", "x")).await;
    assert!(done.is_ok());
    for (key, problem) in
        [("", "is empty"), ("a\tb", "control character"), (&"k".repeat(245), "at most 255")]
    {
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
async fn an_event_type_outside_of_the_decider_does_not_share_its_key() {
    let store = MemoryStore::new();
    let mut foreign = factos::NewEvent::new(EventType::from_static("Other"), "");
    foreign.tags = stored("k");
    factos::EventStore::append(&store, vec![foreign], AppendCondition::None).await.unwrap();
    let done = dispatch(&store, &OFFICE).idempotency_key("k").run(&buy("a", "x")).await.unwrap();
    assert!(!done.replayed);
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
