//! Cases of queries: which events match.

use super::{
    difference::assert_same,
    fixture::Fixture,
    pages::{expected, types},
    random::Random,
    sample_values::{event, item, query},
    store_calls::{append, matching, read, whole_log},
};
use crate::{query::Query, store::EventStore};

/// Every event matches `Query::all`, whatever it carries.
pub async fn all_matches_every_event<F: Fixture>(log: F) {
    let store = sampled(&log).await;
    let matching = matching(&store, &Query::all()).await.len();
    assert_eq!(matching, 7, "every event matches a query of every event");
}

/// The types of an item are alternatives: an event matches if it has one of them.
pub async fn types_are_alternatives<F: Fixture>(log: F) {
    let store = sampled(&log).await;
    assert_found(&store, &query(&["A", "C"], &[]), &["A", "A", "C"]).await;
    assert_found(&store, &query(&["C", "none"], &[]), &["C"]).await;
}

/// An item without tags matches events with any tags, or none.
pub async fn no_tags_is_no_constraint<F: Fixture>(log: F) {
    let store = sampled(&log).await;
    assert_found(&store, &query(&["A"], &[]), &["A", "A"]).await;
    assert_found(&store, &query(&["E"], &[]), &["E"]).await;
}

/// An item without types matches events of any type.
pub async fn no_types_is_any_type<F: Fixture>(log: F) {
    let store = sampled(&log).await;
    assert_found(&store, &query(&[], &["x:1"]), &["A", "B", "D", "F"]).await;
}

/// An event must have all tags of an item; it may have more.
pub async fn tags_must_all_be_there<F: Fixture>(log: F) {
    let store = sampled(&log).await;
    assert_found(&store, &query(&[], &["x:1", "y:1"]), &["B", "D"]).await;
    assert_found(&store, &query(&[], &["x:1", "y:1", "z:1"]), &["D"]).await;
    assert_found(&store, &query(&[], &["x:1", "none:1"]), &[]).await;
}

/// Both the type and the tags of an item must match.
pub async fn type_and_tags_must_both_match<F: Fixture>(log: F) {
    let store = sampled(&log).await;
    assert_found(&store, &query(&["A"], &["x:1"]), &["A"]).await;
    assert_found(&store, &query(&["A", "B", "C"], &["y:1"]), &["B", "C"]).await;
    assert_found(&store, &query(&["E"], &["x:1"]), &[]).await;
}

/// The items of a query are alternatives, and none is ignored, the last one included.
pub async fn items_are_alternatives<F: Fixture>(log: F) {
    let store = sampled(&log).await;
    let three = [item(&["E"], &[]), item(&["A"], &["x:2"]), item(&[], &["z:1"])];
    assert_found(&store, &Query::any_of(three).unwrap(), &["A", "D", "E"]).await;
    let none = Query::any_of([item(&["none"], &[]), item(&["C"], &[])]).unwrap();
    assert_found(&store, &none, &["C"]).await;
}

/// Two values under one key are two tags.
pub async fn a_key_may_have_two_values<F: Fixture>(log: F) {
    let store = sampled(&log).await;
    assert_found(&store, &query(&[], &["x:1", "x:2"]), &["F"]).await;
    assert_found(&store, &query(&[], &["x:2"]), &["A", "F"]).await;
}

/// A name matches only as a whole, and no character of it is a pattern.
pub async fn names_match_as_a_whole<F: Fixture>(log: F) {
    let store = log.connect().await;
    let names = ["Sold", "Sol", "SoldOut", "sold", "So_d", "S%", "*", "UnSold", "Sold,Sol"];
    let batch = names.map(|name| event(name, &[&format!("k:{name}"), &format!("{name}:k")]));
    append(&store, batch.into()).await;
    for name in names {
        let (value, key) = (format!("k:{name}"), format!("{name}:k"));
        for query in [query(&[name], &[]), query(&[], &[&value]), query(&[], &[&key])] {
            assert_found(&store, &query, &[name]).await;
        }
    }
}

/// A generated query selects from a generated log exactly the events for which `Query::matches` is
/// true.
pub async fn generated_queries_match_by_the_reference<F: Fixture>(log: F) {
    let store = log.connect().await;
    let mut random = Random::new::<F>();
    for _ in 0..12 {
        let events = random.within(1..=10);
        append(&store, (0..events).map(|_| random.event()).collect()).await;
    }
    let log = whole_log(&store).await;
    let mut shown = 0;
    for _ in 0..300 {
        let (query, options) = (random.query(), random.options(&log));
        let page = read(&store, &query, options).await;
        let rule = format!("an event is selected if it matches, {query}, {options:?}");
        assert_same(&rule, &page, &expected(&log, &query, options));
        shown += usize::from(!page.is_empty());
    }
    assert!(shown > 0, "no generated query showed an event");
}

async fn sampled<F: Fixture>(log: &F) -> F::Store {
    let store = log.connect().await;
    let batch = [
        event("A", &["x:1"]),
        event("A", &["x:2"]),
        event("B", &["x:1", "y:1"]),
        event("C", &["y:1"]),
        event("D", &["w:1", "x:1", "y:1", "z:1"]),
        event("E", &[]),
        event("F", &["x:1", "x:2"]),
    ];
    append(&store, batch.into()).await;
    store
}

/// Asserts that a query selects the events of these types.
async fn assert_found(store: &dyn EventStore, query: &Query, right: &[&str]) {
    let page = matching(store, query).await;
    assert_eq!(types(&page), right, "types of the events that {query} selects, found and right");
}
