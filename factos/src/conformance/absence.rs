//! Cases of appends under two conditions at once: no event of one query exists, however old, and none of another one
//! was accepted after a position.

use super::{
    difference::assert_same,
    fixture::Fixture,
    not_tested::not_tested,
    parallel::{at_once, handles},
    random::Random,
    sample_values::{event, item, query},
    store_calls::{
        accepted, append, append_one, assert_duplicate, brief, head_of, matching, trace, whole_log,
    },
};
use crate::{
    append::NewEvent,
    append_error::{AppendError, Conflict, InvalidEvent},
    events::Page,
    limits::Limits,
    position::SequencePosition,
    query::Query,
    store::EventStore,
};

/// An event that exists refuses the append, however old it is and wherever the position of the guard is.
pub async fn an_old_event_refuses<F: Fixture>(log: F) {
    let store = log.connect().await;
    let old = append_one(&store, event("Used", &["key:1"])).await.position;
    append(&store, (0..30).map(|_| event("B", &["y:1"])).collect()).await;
    let (exists, head) = (query(&[], &["key:1"]), head_of(&store).await);
    for (guard, after) in [
        (query(&["B"], &["y:1"]), head),
        (query(&["C"], &[]), None),
        (query(&[], &["key:1"]), head),
        (Query::all(), head),
    ] {
        let before = trace(&store).await;
        let what = format!("unless {exists} exists or {guard} after {after:?}");
        let conflict = refused(&store, &exists, &guard, after).await;
        assert_eq!(position_of(&conflict), old, "a refusal names the event that exists, {what}");
        before.assert_kept(&store, &what).await;
    }
}

/// An event of the guard after its position refuses the append, and one up to it does not.
pub async fn the_guard_is_checked_as_well<F: Fixture>(log: F) {
    let store = log.connect().await;
    let page = append(&store, vec![event("A", &["x:1"]), event("A", &["x:1"])]).await;
    let (first, last) = (page[0].position, page[1].position);
    let (exists, guard) = (query(&[], &["key:1"]), query(&["A"], &["x:1"]));
    for after in [None, Some(first)] {
        let before = trace(&store).await;
        let conflict = refused(&store, &exists, &guard, after).await;
        let position = position_of(&conflict);
        let is_right = Some(position) > after && position <= last;
        assert!(is_right, "a refusal names an event of the guard after {after:?}: {position}");
        before.assert_kept(&store, &format!("unless {guard} after {after:?}")).await;
    }
    admitted(&store, vec![event("B", &["key:1"])], &exists, &guard, Some(last)).await;
}

/// The events of the batch itself break neither condition.
pub async fn the_batch_does_not_count<F: Fixture>(log: F) {
    let store = log.connect().await;
    let mut after = None;
    for key in ["key:1", "key:2", "key:3"] {
        let batch = vec![event("A", &["x:1", key]), event("A", &["x:1", key])];
        let (exists, guard) = (query(&[], &[key]), query(&["A"], &["x:1"]));
        let page = admitted(&store, batch, &exists, &guard, after).await;
        assert_same("an append returns its records", &matching(&store, &exists).await, &page);
        after = Some(page[1].position);
    }
}

/// A refusal names a query that the event at its position matches, and the guard only with an event that came after
/// its position.
pub async fn a_refusal_names_what_was_matched<F: Fixture>(log: F) {
    let store = log.connect().await;
    append_one(&store, event("Used", &["key:1"])).await;
    let after = Some(append_one(&store, event("A", &["x:1"])).await.position);
    append(&store, vec![event("A", &["x:1"]), event("Used", &["key:2"])]).await;
    let log = whole_log(&store).await;
    for (key, guard) in [
        ("key:1", query(&["C"], &[])),
        ("key:2", query(&["C"], &[])),
        ("key:3", query(&["A"], &["x:1"])),
        ("key:2", query(&["A"], &["x:1"])),
    ] {
        let exists = query(&[], &[key]);
        let Conflict::EventsMatch { query, after: from, position } =
            refused(&store, &exists, &guard, after).await
        else {
            panic!("a refusal names a query that an event matched");
        };
        let record = log.iter().find(|record| record.position == position);
        let matches = |query: &Query| {
            record.is_some_and(|record| query.matches(&record.event_type, &record.tags))
        };
        let what =
            format!("unless {exists} exists or {guard} after {after:?}: {query}, {position}");
        assert!(
            matches(&query),
            "the event at the position that is told matches the query, {what}"
        );
        let breaks = matches(&exists) || (matches(&guard) && Some(position) > after);
        assert!(breaks, "the event at the position that is told breaks a condition, {what}");
        if query == guard {
            let is_guards = from == after && Some(position) > after;
            assert!(is_guards, "a refusal by the guard names its position, {what}, {from:?}");
        } else {
            assert!(query.covers(&exists), "a refusal names one of the queries, or both, {what}");
        }
    }
}

/// A batch that is sent again is told by its ids, before either condition.
pub async fn a_taken_id_is_told_before_both<F: Fixture>(log: F) {
    let store = log.connect().await;
    let batch = vec![event("A", &["key:1"]), event("A", &["key:1"])];
    let (exists, guard) = (query(&[], &["key:1"]), query(&["A"], &[]));
    admitted(&store, batch.clone(), &exists, &guard, None).await;
    let first = batch[0].id;
    let before = trace(&store).await;
    let again = store.append_unless(batch, exists, guard, None).await;
    assert_duplicate(&again, first);
    before.assert_kept(&store, "a batch that is sent again").await;
    let none = query(&["None"], &[]);
    let empty = store.append_unless(Vec::new(), query(&["A"], &[]), none, None).await;
    assert!(
        matches!(empty, Err(AppendError::EmptyBatch)),
        "that a batch is empty is told before its conditions, {}",
        brief(&empty)
    );
}

/// The items of both queries count together against the limit of items: as many as the store says are accepted, and
/// one more is refused by name.
pub async fn the_items_of_both_queries_count<F: Fixture>(log: F) {
    let limits = F::settings().limits.unwrap_or(Limits::FLOOR);
    let store = log.connect().await;
    let limit = match limits.items_per_query {
        usize::MAX => Limits::FLOOR.items_per_query,
        limit => limit,
    };
    let (exists, guard) = (items("e", limit / 2), items("g", limit - limit / 2));
    admitted(&store, vec![event("A", &[])], &exists, &guard, None).await;
    if F::settings().limits.is_none_or(|limits| limits.items_per_query == usize::MAX) {
        return not_tested("the limit of items of two queries, as the fixture tells none");
    }
    let before = trace(&store).await;
    let guard = items("g", limit - limit / 2 + 1);
    let beyond = store.append_unless(vec![event("A", &[])], exists, guard, None).await;
    let Err(AppendError::Invalid(told)) = &beyond else {
        panic!("one item more than the limit is refused by name, {}", brief(&beyond))
    };
    let named = InvalidEvent::TooManyItems { items: limit + 1, limit };
    assert_eq!(*told, named, "what is beyond a limit is refused by the name of the limit");
    before.assert_kept(&store, "one item more than the limit").await;
}

fn items(key: &str, count: usize) -> Query {
    Query::any_of((0..count).map(|n| item(&[], &[&format!("{key}:{n}")]))).unwrap()
}

/// A generated pair of conditions holds exactly if both do by the reference.
pub async fn generated_conditions_hold_by_the_reference<F: Fixture>(log: F) {
    let store = log.connect().await;
    let mut random = Random::new::<F>();
    let (mut held, mut broken) = (0, 0);
    for n in 0..150 {
        // Nothing exists at first, and after a while most of what is asked for.
        if n % 10 == 9 {
            append(&store, vec![random.event()]).await;
        }
        let log = whole_log(&store).await;
        let (exists, guard, after) = (random.query(), random.query(), random.position(&log));
        let holds = !log.iter().any(|record| {
            exists.matches(&record.event_type, &record.tags)
                || (Some(record.position) > after
                    && guard.matches(&record.event_type, &record.tags))
        });
        let what = format!("unless {exists} exists or {guard} after {after:?}");
        let other = vec![event("other", &["other:1"])];
        let outcome = store.append_unless(other, exists, guard, after).await;
        assert_eq!(
            accepted(outcome),
            holds,
            "an append is accepted exactly if both conditions hold: accepted, and right, {what}"
        );
        (held, broken) = (held + u32::from(holds), broken + u32::from(!holds));
    }
    assert!(held > 0 && broken > 0, "{held} pairs of conditions held, {broken} did not");
}

/// Of many appends at once, each unless one name exists, exactly one is accepted for each name, though their
/// guards have nothing in common.
pub async fn one_of_many_takes_a_name<F: Fixture>(log: F) {
    let handles = handles(&log, 4).await;
    for round in 0..15 {
        let names: Vec<_> = (0..4).map(|name| format!("key:{round}-{name}")).collect();
        let contenders = (0..32).map(|n| {
            let (store, name) = (handles[n / 4 % 4].clone(), names[n % 4].clone());
            async move {
                let own = format!("own:{n}");
                let (exists, guard) = (query(&[], &[&name]), query(&["Taken"], &[&own]));
                let seen = head_of(&store).await;
                let taken = vec![event("Taken", &[&name, &own])];
                let outcome = store.append_unless(taken, exists, guard, seen).await;
                accepted(outcome).then_some(name)
            }
        });
        let won: Vec<_> = at_once(contenders).await.into_iter().flatten().collect();
        assert_taken_once(&handles[0], &names, &won).await;
    }
}

/// Of many appends at once on one boundary, exactly one is accepted, though the names that must not exist have
/// nothing in common.
pub async fn one_of_many_takes_a_boundary<F: Fixture>(log: F) {
    let handles = handles(&log, 4).await;
    for round in 0..15 {
        let seats: Vec<_> = (0..4).map(|seat| format!("seat:{round}-{seat}")).collect();
        let contenders = (0..32).map(|n| {
            let (store, seat) = (handles[n / 4 % 4].clone(), seats[n % 4].clone());
            async move {
                let own = format!("key:{round}-{n}");
                let (exists, guard) = (query(&[], &[&own]), query(&["Taken"], &[&seat]));
                let taken = vec![event("Taken", &[&seat, &own])];
                let outcome = store.append_unless(taken, exists, guard, None).await;
                accepted(outcome).then_some(seat)
            }
        });
        let won: Vec<_> = at_once(contenders).await.into_iter().flatten().collect();
        assert_taken_once(&handles[0], &seats, &won).await;
    }
}

async fn assert_taken_once(store: &dyn EventStore, tags: &[String], won: &[String]) {
    for tag in tags {
        let wins = won.iter().filter(|won| *won == tag).count();
        let events = matching(store, &query(&[], &[tag])).await.len();
        assert!(
            wins == 1 && events == 1,
            "exactly one of many takes {tag}: {wins} were accepted, and the log holds {events} events"
        );
    }
}

async fn admitted(
    store: &dyn EventStore,
    batch: Vec<NewEvent>,
    exists: &Query,
    guard: &Query,
    after: Option<SequencePosition>,
) -> Page {
    let outcome = store.append_unless(batch, exists.clone(), guard.clone(), after).await;
    outcome.unwrap_or_else(|error| {
        panic!(
            "an append must be accepted, as both conditions hold: unless {exists} exists or {guard} \
             after {after:?} came to {error:?}"
        )
    })
}

async fn refused(
    store: &dyn EventStore,
    exists: &Query,
    guard: &Query,
    after: Option<SequencePosition>,
) -> Conflict {
    let batch = vec![event("Other", &[])];
    match store.append_unless(batch, exists.clone(), guard.clone(), after).await {
        Err(AppendError::Conflict(conflict)) => conflict,
        other => panic!(
            "an append is refused with a conflict, unless {exists} exists or {guard} after {after:?}, \
             {}",
            brief(&other)
        ),
    }
}

fn position_of(conflict: &Conflict) -> SequencePosition {
    match conflict {
        Conflict::EventsMatch { position, .. } => *position,
        Conflict::Revision { .. } => panic!("a refusal names an event: {conflict:?}"),
    }
}
