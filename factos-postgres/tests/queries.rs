//! Queries on a log that is long enough for it to matter by which type or tag the events are looked up.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use factos::{
    AppendCondition, AppendError, Conflict, EventStore, EventStoreExt, EventType, NewEvent, Page,
    Query, QueryItem, ReadOptions, SequencePosition, Tag, Tags,
};
use factos_postgres::{
    Mode, PostgresStore,
    sqlx::{AssertSqlSafe, Executor, raw_sql},
};
use fastrand::Rng;
use futures_util::future::join_all;
use support::{Schema, pool};

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
    // A tag that is frequent in one part of the log only.
    if n.is_multiple_of(90) || n > EVENTS / 4 * 3 {
        event.tags.insert(&tag("rare", n % 4));
    }
    event
}

/// A log of which stretches of one and two events are looked at, so that every query takes many.
async fn made_of_short_stretches(mode: Mode) -> Schema {
    let schema = Schema::named(mode);
    let mut sql = schema.config().sql();
    for (from, to) in [
        ("256 << (2 * least(turn, 6))", "1 + turn % 2"),
        ("fewest <= 16", "fewest = 0"),
        ("high - low <= 16", "high - low <= 1"),
        ("counted <= 16", "counted = 0"),
        ("cardinality(first.positions) = 16", "cardinality(first.positions) = 1"),
        ("first.positions[16]", "first.positions[1]"),
        ("LIMIT 16) AS positions", "LIMIT 1) AS positions"),
    ] {
        assert_eq!(sql.matches(from).count(), 1, "{from}");
        sql = sql.replace(from, to);
    }
    pool(1).await.execute(raw_sql(AssertSqlSafe(sql))).await.unwrap();
    schema
}

async fn filled(schema: &Schema) -> (PostgresStore, Page) {
    let store = schema.open().await;
    let events: Vec<_> = (0..EVENTS).map(event).collect();
    for batch in events.chunks(1000) {
        store.append(batch.to_vec(), AppendCondition::None).await.unwrap();
    }
    let log = store.read_all(&Query::all()).await.unwrap();
    (store, log)
}

fn random_item(rng: &mut Rng) -> QueryItem {
    let types = ["Every1", "Every2", "Every7", "Every100", "Every1500", "Never"];
    let (some_types, some_tags) = (rng.usize(0..4), rng.usize(0..4));
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
    let items = if rng.bool() { 1 } else { rng.usize(2..5) };
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

fn positions(page: &Page) -> Vec<u64> {
    page.iter().map(|record| record.position.get()).collect()
}

/// Reads and conditions by themselves and, where `together`, in groups that share a statement.
async fn finds_what_the_reference_finds(schema: Schema, rounds: usize, together: usize) {
    let (store, log) = &filled(&schema).await;
    let seed = fastrand::u64(..);
    let mut rng = Rng::with_seed(seed);
    for _ in 0..rounds {
        let asked: Vec<_> =
            (0..together).map(|_| (random_query(&mut rng), random_options(&mut rng))).collect();
        let reads = asked.iter().map(|(query, options)| async {
            store.read(query, *options).await.unwrap().collect().await.unwrap()
        });
        for ((query, options), found) in asked.iter().zip(join_all(reads).await) {
            let expected = expected(log, query, *options);
            assert_eq!(
                positions(&found),
                positions(&expected),
                "seed {seed}: {query}, {options:?}"
            );
            assert_eq!(found, expected);
        }
        // What is written where a condition holds matches no query.

        let conditions = asked.iter().map(|(query, options)| async move {
            let after = options.after;
            let condition = AppendCondition::fail_if_events_match(query.clone()).after(after);
            let other = NewEvent::new(EventType::from_static("Other"), "");
            let mut matching = expected(log, query, ReadOptions::all().after(after)).into_iter();
            match store.append(vec![other], condition).await {
                Ok(_) => {
                    let missed = matching.next();
                    assert!(missed.is_none(), "seed {seed}: {query} after {after:?}: {missed:?}");
                }
                Err(AppendError::Conflict(Conflict::EventsMatch { position, .. })) => {
                    let is_one = matching.any(|record| record.position == position);
                    assert!(is_one, "seed {seed}: {query} after {after:?} finds {position}");
                }
                Err(error) => panic!("seed {seed}: {query} after {after:?}: {error:?}"),
            }
        });
        join_all(conditions).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn every_part_of_an_item_finds_what_the_reference_finds() {
    for mode in [Mode::Keyed, Mode::Portable] {
        finds_what_the_reference_finds(Schema::new(mode).await, 60, 1).await;
        finds_what_the_reference_finds(Schema::new(mode).await, 12, 24).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn short_stretches_find_what_the_reference_finds() {
    for mode in [Mode::Keyed, Mode::Portable] {
        finds_what_the_reference_finds(made_of_short_stretches(mode).await, 30, 1).await;
        finds_what_the_reference_finds(made_of_short_stretches(mode).await, 3, 24).await;
    }
}
