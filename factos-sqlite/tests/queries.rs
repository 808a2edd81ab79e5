//! Queries on a log that is long enough for it to matter by which type or tag the events are looked up.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use factos::{
    AppendCondition, AppendError, Conflict, EventStore, EventStoreExt, EventType, NewEvent, Page,
    Query, QueryItem, ReadOptions, SequencePosition, Tag, Tags,
};
use factos_sqlite::SqliteStore;
use fastrand::Rng;

const EVENTS: u64 = 4_000;

fn tag(key: &str, value: u64) -> Tag {
    Tag::new(key, &value.to_string()).unwrap()
}

/// Wide and narrow tags, common and rare types.
fn event(n: u64) -> NewEvent {
    let rarity = [1, 2, 7, 100, 1500].into_iter().rev().find(|every| n.is_multiple_of(*every));
    let event_type = EventType::new(format!("Every{}", rarity.unwrap())).unwrap();
    let mut event = NewEvent::new(event_type, "");
    event.tags = Tags::from_iter([tag("entity", n / 10), tag("group", n % 3), tag("all", 0)]);
    if n.is_multiple_of(90) {
        event.tags.insert(&tag("rare", n % 4));
    }
    event
}

async fn filled(folder: &tempfile::TempDir) -> (SqliteStore, Page) {
    let store = SqliteStore::open(folder.path().join("log.db")).await.unwrap();
    store.append((0..EVENTS).map(event).collect(), AppendCondition::None).await.unwrap();
    let log = store.read_all(&Query::all()).await.unwrap();
    (store, log)
}

fn random_item(rng: &mut Rng) -> QueryItem {
    let types = ["Every1", "Every2", "Every7", "Every100", "Every1500", "Never"];
    let (some_types, some_tags) = (rng.usize(0..4), rng.usize(0..3));
    let types: Vec<_> = rng.choose_multiple(types, some_types);
    let tags = [
        tag("entity", rng.u64(0..EVENTS / 10)),
        tag("group", rng.u64(0..3)),
        tag("all", 0),
        tag("rare", rng.u64(0..5)),
        tag("never", 0),
    ];
    let tags: Tags = rng.choose_multiple(tags, some_tags).into_iter().collect();
    let types = types.into_iter().map(|name| EventType::new(name).unwrap());
    match (QueryItem::of_types(types), tags) {
        (Ok(item), tags) => tags.iter().fold(item, |i, tag| i.tagged(&Tag::parse(tag).unwrap())),
        (Err(_), tags) => {
            QueryItem::with_tags(tags).unwrap_or_else(|_| QueryItem::with_tag(tag("group", 1)))
        }
    }
}

fn random_query(rng: &mut Rng) -> Query {
    let items = if rng.u8(0..20) == 0 { 230 } else { rng.usize(1..5) };
    Query::any_of((0..items).map(|_| random_item(rng))).unwrap()
}

fn random_options(rng: &mut Rng) -> ReadOptions {
    let mut options = ReadOptions::all();
    if rng.bool() {
        options = options.after(SequencePosition::new(rng.u64(1..EVENTS + 50)));
    }
    if rng.bool() {
        options = options.before(SequencePosition::new(rng.u64(1..EVENTS + 50)));
    }
    if rng.bool() {
        options = options.limit(rng.u64(0..1500));
    }
    if rng.bool() { options.backwards() } else { options }
}

fn expected(log: &Page, query: &Query, options: ReadOptions) -> Page {
    let inside = |at: SequencePosition| {
        options.after.is_none_or(|after| at > after)
            && options.before.is_none_or(|before| at < before)
    };
    let mut page: Page = log
        .iter()
        .filter(|r| inside(r.position) && query.matches(&r.event_type, &r.tags))
        .cloned()
        .collect();
    if options.backwards {
        page.reverse();
    }
    page.truncate(usize::try_from(options.limit.unwrap_or(u64::MAX)).unwrap());
    page
}

#[tokio::test]
async fn every_driver_finds_what_the_reference_finds() {
    let folder = tempfile::tempdir().unwrap();
    let (store, log) = filled(&folder).await;
    let seed = fastrand::u64(..);
    let mut rng = Rng::with_seed(seed);
    for _ in 0..300 {
        let (query, options) = (random_query(&mut rng), random_options(&mut rng));
        let found = store.read(&query, options).await.unwrap().collect().await.unwrap();
        let positions = |page: &Page| page.iter().map(|r| r.position.get()).collect::<Vec<_>>();
        let expected = expected(&log, &query, options);
        assert_eq!(positions(&found), positions(&expected), "seed {seed}: {query}, {options:?}");
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn every_driver_checks_what_the_reference_checks() {
    let folder = tempfile::tempdir().unwrap();
    let (store, log) = filled(&folder).await;
    let seed = fastrand::u64(..);
    let mut rng = Rng::with_seed(seed);
    for _ in 0..300 {
        let query = random_query(&mut rng);
        let after = SequencePosition::new(rng.u64(0..EVENTS + 50));
        let condition = AppendCondition::fail_if_events_match(query.clone()).after(after);
        // Each attempt appends a new event, for a duplicate would be refused for its id. No query
        // selects these events, so that the log is compared as it was before.
        let attempt = store.append(vec![NewEvent::new(support::SOLD, "")], condition).await;
        let matching = expected(&log, &query, ReadOptions::all().after(after));
        match attempt {
            Ok(_) => assert_eq!(matching, [], "seed {seed}: {query} after {after:?}"),
            Err(AppendError::Conflict(Conflict::EventsMatch { position, .. })) => assert!(
                matching.iter().any(|record| record.position == position),
                "seed {seed}: {query} after {after:?}, refused at {position}"
            ),
            Err(other) => panic!("seed {seed}: {query} after {after:?}: {other:?}"),
        }
    }
}
