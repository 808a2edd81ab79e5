//! Cases of conditions: when they hold, and what a refusal tells.

use super::{
    fixture::Fixture,
    random::Random,
    sample_values::{LARGE, at, event, expecting, in_stream, item, query, stream, unless},
    store_calls::{
        accepted, admitted, append, append_if, append_one, appended, begin, head_of, observed,
        refused, whole_log,
    },
};
use crate::{
    append::AppendCondition, append_error::Conflict, query::Query, read_options::ReadOptions,
    revision::Revision, store::EventStore,
};

/// Without `after`, any matching event breaks the condition, however long ago it was accepted.
pub async fn any_match_refuses<F: Fixture>(log: F) {
    let store = log.connect().await;
    append(&store, vec![event("A", &["x:1"])]).await;
    append(&store, (0..30).map(|_| event("B", &["y:1"])).collect()).await;
    for query in [query(&["A"], &[]), query(&[], &["x:1"]), query(&["A"], &["x:1"])] {
        refused(&store, event("C", &[]), unless(&query)).await;
    }
    refused(&store, event("C", &[]), unless(&Query::all())).await;
    let rule = "an append that is refused leaves nothing behind";
    assert_eq!(whole_log(&store).await.len(), 31, "{rule}: events of the log");
}

/// Events that do not match do not break the condition.
pub async fn other_events_do_not_refuse<F: Fixture>(log: F) {
    let store = log.connect().await;
    append(&store, vec![event("A", &["x:1"]), event("B", &["x:2"])]).await;
    for query in [query(&["C"], &[]), query(&[], &["x:3"]), query(&["A"], &["x:2"])] {
        admitted(&store, event("D", &[]), unless(&query)).await;
    }
}

/// An event that has only some of an item's tags does not break the condition.
pub async fn some_of_the_tags_do_not_refuse<F: Fixture>(log: F) {
    let store = log.connect().await;
    append(&store, vec![event("A", &["x:1"]), event("A", &["y:1"])]).await;
    let both = query(&[], &["x:1", "y:1"]);
    admitted(&store, event("A", &["x:1", "y:1", "z:1"]), unless(&both)).await;
    refused(&store, event("A", &[]), unless(&both)).await;
}

/// `after` is exclusive: a match at this position does not break the condition, a match after it does.
pub async fn after_is_exclusive<F: Fixture>(log: F) {
    let store = log.connect().await;
    let page = append(&store, vec![event("A", &["x:1", "y:1"]), event("A", &["x:1", "y:1"])]).await;
    let either = query(&["C"], &["x:1"]).or(item(&["A"], &["y:1"]));
    let (narrow, both) = (query(&["A"], &["x:1"]), query(&[], &["x:1", "y:1"]));
    for query in [query(&["A"], &[]), query(&[], &["x:1"]), narrow, both, either] {
        let (first, last) = (page[0].position, page[1].position);
        refused(&store, event("B", &[]), unless(&query).after(first)).await;
        admitted(&store, event("B", &[]), unless(&query).after(last)).await;
    }
    let head = head_of(&store).await;
    admitted(&store, event("B", &[]), unless(&Query::all()).after(head)).await;
    refused(&store, event("B", &[]), unless(&Query::all()).after(head)).await;
}

/// `after` may lie beyond the last match, with other events before it and after it.
pub async fn after_may_be_beyond_the_last_match<F: Fixture>(log: F) {
    let store = log.connect().await;
    append(&store, vec![event("A", &["x:1"])]).await;
    let between = append_one(&store, event("B", &["x:2"])).await.position;
    append(&store, vec![event("B", &["x:2"])]).await;
    for query in [query(&["A"], &[]), query(&[], &["x:1"])] {
        admitted(&store, event("C", &[]), unless(&query).after(between)).await;
    }
    append(&store, vec![event("A", &["x:1"])]).await;
    for query in [query(&["A"], &[]), query(&[], &["x:1"])] {
        refused(&store, event("C", &[]), unless(&query).after(between)).await;
    }
}

/// `after` may lie beyond the head, however far, and the condition then holds.
pub async fn after_may_be_beyond_the_head<F: Fixture>(log: F) {
    let store = log.connect().await;
    let head = append_one(&store, event("A", &["x:1"])).await.position;
    let near = head.saturating_add(1_000_000);
    for after in [near].into_iter().chain(LARGE.map(at).into_iter().filter(|far| *far > near)) {
        for query in [Query::all(), query(&["A"], &[]), query(&[], &["x:1"])] {
            let condition = unless(&query).after(after);
            admitted(&store, event("A", &["x:1"]), condition).await;
        }
    }
}

/// A match of any item of the query breaks the condition, wherever the item stands.
pub async fn each_item_counts<F: Fixture>(log: F) {
    let store = log.connect().await;
    append(&store, vec![event("A", &["x:1"])]).await;
    let others = || [item(&["B"], &[]), item(&[], &["y:1"]), item(&["A"], &["x:2"])];
    let miss = Query::any_of(others()).unwrap();
    admitted(&store, event("C", &[]), unless(&miss)).await;
    for place in 0..=3 {
        for hit in [item(&["A"], &[]), item(&[], &["x:1"])] {
            let mut items = others().to_vec();
            items.insert(place, hit);
            let query = Query::any_of(items).unwrap();
            refused(&store, event("C", &[]), unless(&query)).await;
        }
    }
}

/// The events of the batch itself do not break its condition.
pub async fn the_batch_does_not_count<F: Fixture>(log: F) {
    let store = log.connect().await;
    let batch = || vec![event("A", &["x:1"]), event("A", &["x:1"]), event("B", &["x:1"])];
    let mut after = None;
    for query in [Query::all(), query(&["A"], &[]), query(&[], &["x:1"])] {
        let condition = unless(&query).after(after);
        let page = appended(&store, batch(), condition).await;
        after = Some(page[2].position);
    }
}

/// A refusal names the condition, and the position of an event that broke it.
pub async fn a_refusal_names_its_condition<F: Fixture>(log: F) {
    let store = log.connect().await;
    let first = append_one(&store, event("A", &["x:1"])).await.position;
    let second = append_one(&store, event("A", &["x:1"])).await.position;
    append(&store, vec![event("B", &[])]).await;
    let asked = Query::item(item(&["Z"], &[])).or(item(&["A"], &["x:1"]));
    for (from, matches) in [(None, vec![first, second]), (Some(first), vec![second])] {
        match refused(&store, event("C", &[]), unless(&asked).after(from)).await {
            Conflict::EventsMatch { query, after, position } => {
                let rule = "a refusal names the query and the position that were given";
                assert_eq!((query, after), (asked.clone(), from), "{rule}");
                assert!(
                    matches.contains(&position),
                    "a refusal names the position of an event that broke the condition: {position}, \
                     which is none of {matches:?}"
                );
            }
            other => panic!("a refusal names the kind of condition that was given: {other:?}"),
        }
    }
}

/// A refusal of a revision names the stream, the expected revision and the actual one.
pub async fn a_refusal_names_the_revision<F: Fixture>(log: F) {
    let store = log.connect().await;
    append(&store, vec![in_stream("s", "A"), in_stream("s", "A")]).await;
    for (name, expected, actual) in [
        ("s", Revision::NoEvents, Revision::Current(1)),
        ("s", Revision::Current(0), Revision::Current(1)),
        ("t", Revision::Current(2), Revision::NoEvents),
    ] {
        let conflict = refused(&store, event("B", &[]), expecting(name, expected)).await;
        let stream = stream(name);
        let right = Conflict::Revision { stream, expected, actual };
        assert_eq!(conflict, right, "a refusal names the stream, and both revisions");
    }
}

/// The position that a read observed is sound as `after` of the same query, even if nothing matched.
pub async fn observed_is_sound_as_after<F: Fixture>(log: F) {
    let (store, other) = (log.connect().await, log.connect().await);
    append(&store, vec![event("A", &["x:1"]), event("Z", &[])]).await;
    for query in [query(&["A"], &["x:1"]), query(&["B"], &[]), query(&[], &["y:1"])] {
        let seen = observed(&store, &query).await;
        append(&other, vec![event("Z", &["z:1"])]).await;
        admitted(&store, event("Z", &[]), unless(&query).after(seen)).await;
        append(&other, vec![event("A", &["x:1"]), event("B", &["y:1"])]).await;
        refused(&store, event("Z", &[]), unless(&query).after(seen)).await;
    }
}

/// The position that a read observed is sound as `after` even if the bounds of the read left out
/// matches.
pub async fn observed_does_not_depend_on_the_bounds<F: Fixture>(log: F) {
    let store = log.connect().await;
    let page = append(&store, (0..4).map(|_| event("A", &[])).collect()).await;
    let query = query(&["A"], &[]);
    let options = ReadOptions::all();
    for options in [options.limit(1), options.before(page[1].position), options.backwards()] {
        let seen = begin(&store, &query, options).await.observed();
        admitted(&store, event("B", &[]), unless(&query).after(seen)).await;
    }
}

/// A generated condition holds exactly if no event after its position matches.
pub async fn generated_conditions_hold_by_the_reference<F: Fixture>(log: F) {
    let store = log.connect().await;
    let mut random = Random::new::<F>();
    for _ in 0..20 {
        append(&store, vec![random.event(), random.event()]).await;
    }
    let (mut held, mut broken) = (0, 0);
    for _ in 0..150 {
        let log = whole_log(&store).await;
        let after = random.position(&log);
        let query = random.query();
        let holds = !log.iter().any(|record| {
            Some(record.position) > after && query.matches(&record.event_type, &record.tags)
        });
        let condition = unless(&query).after(after);
        let accepted = accepts(&store, condition.clone()).await;
        assert_eq!(
            accepted, holds,
            "an append is accepted exactly if its condition holds: accepted, and right, {condition:?}"
        );
        (held, broken) = (held + u32::from(holds), broken + u32::from(!holds));
    }
    assert!(held > 0 && broken > 0, "{held} conditions held, {broken} did not");
}

async fn accepts(store: &dyn EventStore, condition: AppendCondition) -> bool {
    accepted(append_if(store, event("other", &["other:1"]), condition).await)
}
