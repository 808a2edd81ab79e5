//! Cases of reads: bounds, order, limit, and the snapshot that a read is taken from.

use std::slice;

use super::{
    difference::assert_same,
    fixture::Fixture,
    pages::{assert_increasing, expected, positions, types},
    parallel::soon,
    random::Random,
    sample_values::{LARGE, at, event, in_stream, item, query},
    store_calls::{
        append, begin, begin_stream, head_of, matching, next, of_stream, read, rest, whole_log,
    },
};
use crate::{
    events::Page, position::SequencePosition, query::Query, read_options::ReadOptions,
    store::EventStore,
};

const ALL: ReadOptions = ReadOptions::all();

/// An empty log has no events and no head, and a read of it observes no position.
pub async fn an_empty_log_has_nothing<F: Fixture>(log: F) {
    let store = log.connect().await;
    let rule = "an empty log has nothing";
    assert_eq!(head_of(&store).await, None, "{rule}: the head");
    for query in [Query::all(), query(&["A"], &[]), query(&[], &["x:1"])] {
        for options in [ALL, ALL.backwards(), ALL.after(at(3)), ALL.limit(0)] {
            let events = begin(&store, &query, options).await;
            assert_eq!(events.observed(), None, "{rule}: what a read observes");
            assert_same(rule, &rest(events).await, &[]);
        }
    }
    assert_same(rule, &of_stream(&store, "s", ALL).await, &[]);
}

/// The head is the last position of the log.
pub async fn the_head_is_the_last_position<F: Fixture>(log: F) {
    let store = log.connect().await;
    for events in 1..4 {
        let last = *positions(&append_letters(&store, events).await).last().unwrap();
        assert_eq!(head_of(&store).await, Some(last), "the head is the last position of the log");
    }
}

/// The position that a read observes is not below its last record, not above the head, and known before
/// the first record.
pub async fn a_read_observes_what_it_shows<F: Fixture>(log: F) {
    let store = log.connect().await;
    append_letters(&store, 6).await;
    let head = head_of(&store).await;
    let mut most_shown = 0;
    for query in [Query::all(), query(&["B"], &[]), query(&["none"], &[])] {
        for options in [ALL, ALL.backwards(), ALL.limit(1), ALL.limit(0), ALL.after(at(2))] {
            let events = begin(&store, &query, options).await;
            let observed = events.observed();
            assert!(
                observed.is_some() && observed <= head,
                "a read of {query} observes a position that is not above the head: {observed:?} of {head:?}"
            );
            let shown = positions(&rest(events).await);
            most_shown = most_shown.max(shown.len());
            assert!(
                shown.iter().all(|position| Some(*position) <= observed),
                "a read of {query} shows nothing past what it observed: {shown:?} of {observed:?}"
            );
        }
    }
    assert_eq!(most_shown, 6, "the events of the longest read");
}

/// `after` is exclusive: a read does not show the event at this position.
pub async fn after_is_exclusive<F: Fixture>(log: F) {
    let store = log.connect().await;
    let all = append_letters(&store, 5).await;
    for (n, record) in all.iter().enumerate() {
        let page = read(&store, &Query::all(), ALL.after(record.position)).await;
        assert_same("after is exclusive", &page, &all[n + 1..]);
    }
}

/// `before` is exclusive: a read does not show the event at this position.
pub async fn before_is_exclusive<F: Fixture>(log: F) {
    let store = log.connect().await;
    let all = append_letters(&store, 5).await;
    for (n, record) in all.iter().enumerate() {
        let page = read(&store, &Query::all(), ALL.before(record.position)).await;
        assert_same("before is exclusive", &page, &all[..n]);
    }
}

/// A read goes from the first event to the last, and backwards from the last to the first.
pub async fn backwards_is_the_reverse<F: Fixture>(log: F) {
    let store = log.connect().await;
    append_letters(&store, 9).await;
    for query in [Query::all(), query(&["A", "C"], &[]), query(&[], &["n:1"])] {
        let forwards = matching(&store, &query).await;
        let mut backwards = read(&store, &query, ALL.backwards()).await;
        assert!(forwards.len() > 2, "every third event matches {query}: {} do", forwards.len());
        assert_increasing(&forwards);
        backwards.reverse();
        assert_same("backwards is the reverse", &backwards, &forwards);
    }
}

/// A limit counts the events that match, not the events that are looked at.
pub async fn a_limit_counts_after_filtering<F: Fixture>(log: F) {
    let store = log.connect().await;
    append_letters(&store, 9).await;
    for wanted in [query(&["C"], &[]), query(&[], &["n:2"])] {
        let all = matching(&store, &wanted).await;
        assert_eq!(all.len(), 3, "every third event of nine matches {wanted}");
        let first = read(&store, &wanted, ALL.limit(2)).await;
        assert_same("a limit counts after filtering", &first, &all[..2]);
        let last = read(&store, &wanted, ALL.limit(1).backwards()).await;
        assert_same("a limit counts after filtering", &last, &all[2..]);
    }
}

/// A limit counts the events of all items together, in the order of positions.
pub async fn a_limit_counts_across_items<F: Fixture>(log: F) {
    let store = log.connect().await;
    append_letters(&store, 9).await;
    let either = Query::item(item(&["C"], &[])).or(item(&["A"], &[]));
    let rule = "a limit counts the events of all items together";
    assert_eq!(types(&read(&store, &either, ALL.limit(3)).await), ["A", "C", "A"], "{rule}");
    let last = read(&store, &either, ALL.limit(3).backwards()).await;
    assert_eq!(types(&last), ["C", "A", "C"], "{rule}, backwards");
}

/// A limit of 0 shows no event, and a limit above the number of events shows all of them.
pub async fn a_limit_may_be_zero_or_huge<F: Fixture>(log: F) {
    let store = log.connect().await;
    let all = append_letters(&store, 4).await;
    for options in [ALL, ALL.backwards()] {
        for query in [Query::all(), query(&["A"], &[])] {
            let page = read(&store, &query, options.limit(0)).await;
            assert_same("a limit of 0 shows no event", &page, &[]);
        }
    }
    for limit in [4, 5, 1001].into_iter().chain(LARGE) {
        let page = read(&store, &Query::all(), ALL.limit(limit)).await;
        assert_same(&format!("a limit of {limit} is none"), &page, &all);
    }
}

/// An event that matches two items is shown once.
pub async fn an_event_that_matches_two_items_comes_once<F: Fixture>(log: F) {
    let store = log.connect().await;
    append(&store, vec![event("A", &["x:1", "y:1"]), event("B", &["y:1"])]).await;
    let items = [item(&["A"], &[]), item(&[], &["x:1"]), item(&[], &["y:1"])];
    let query = Query::any_of(items).unwrap();
    let rule = "an event that matches two items is shown once";
    assert_eq!(types(&matching(&store, &query).await), ["A", "B"], "{rule}");
    assert_eq!(types(&read(&store, &query, ALL.backwards()).await), ["B", "A"], "{rule}");
    assert_eq!(types(&read(&store, &query, ALL.limit(2)).await), ["A", "B"], "{rule}");
}

/// A bound past the head is no error, however large it is: no event is after it, and every event is
/// before it.
pub async fn positions_past_the_head_are_no_error<F: Fixture>(log: F) {
    let store = log.connect().await;
    let all = append_letters(&store, 3).await;
    let stored = [in_stream("s", "A"), in_stream("s", "B")];
    let of_s = append(&store, stored.into()).await;
    let all = [all, of_s.clone()].concat();
    let past = of_s[1].position.saturating_add(1);
    let far = LARGE.map(at).into_iter().filter(|far| *far > past);
    for position in [past, past.saturating_add(1)].into_iter().chain(far) {
        let page = read(&store, &Query::all(), ALL.after(position)).await;
        assert_same(&format!("nothing is after {position}"), &page, &[]);
        let page = read(&store, &Query::all(), ALL.before(position)).await;
        assert_same(&format!("everything is before {position}"), &page, &all);
        let page = of_stream(&store, "s", ALL.after(position)).await;
        assert_same(&format!("nothing of a stream is after {position}"), &page, &[]);
        let page = of_stream(&store, "s", ALL.before(position)).await;
        assert_same(&format!("the whole stream is before {position}"), &page, &of_s);
    }
}

/// A read whose bounds have no position between them shows no event.
pub async fn crossed_bounds_show_nothing<F: Fixture>(log: F) {
    let store = log.connect().await;
    let all = positions(&append_letters(&store, 4).await);
    for (after, before) in [(all[1], all[2]), (all[1], all[1]), (all[3], all[0])] {
        for options in [ALL, ALL.backwards()] {
            let options = options.after(after).before(before);
            let page = read(&store, &Query::all(), options).await;
            assert_same(&format!("{options:?} leave no position between them"), &page, &[]);
        }
    }
    let page = read(&store, &Query::all(), ALL.before(SequencePosition::FIRST)).await;
    assert_same("nothing is before the first position", &page, &[]);
}

/// `after`, `before`, `limit` and `backwards` may be combined, on a query of one item or several and on
/// a stream.
pub async fn options_combine<F: Fixture>(log: F) {
    let store = log.connect().await;
    let mut random = Random::new::<F>();
    append_letters(&store, 12).await;
    append(&store, (0..6).map(|_| in_stream("s", "S")).collect()).await;
    append_letters(&store, 6).await;
    let log = whole_log(&store).await;
    let of_s = query(&["S"], &[]);
    let either = Query::item(item(&["A", "S"], &[])).or(item(&[], &["n:1"]));
    for query in [Query::all(), query(&["A"], &[]), of_s.clone(), either] {
        let mut shown = 0;
        for _ in 0..60 {
            let options = random.options(&log);
            let page = read(&store, &query, options).await;
            let rule = format!("the options of a read combine, {query}, {options:?}");
            assert_same(&rule, &page, &expected(&log, &query, options));
            if query == of_s {
                let of_stream = of_stream(&store, "s", options).await;
                assert_same(&format!("a stream with {options:?}"), &of_stream, &page);
            }
            shown += usize::from(!page.is_empty());
        }
        assert!(shown > 0, "no options showed an event of {query}");
    }
}

/// A read shows one snapshot, even if events are appended before it ends.
pub async fn a_read_is_one_snapshot<F: Fixture>(log: F) {
    let (store, other) = (log.connect().await, log.connect().await);
    let batch: Vec<_> = (0..3000).map(|_| in_stream("s", "A")).collect();
    let before = append(&store, batch).await;
    for options in [ALL, ALL.backwards(), ALL.limit(5000)] {
        let mut wanted = expected(&whole_log(&store).await, &Query::all(), options);
        let mut reads = [
            begin(&store, &Query::all(), options).await,
            begin(&store, &query(&["A"], &[]), options).await,
            begin_stream(&store, "s", options).await,
        ];
        soon::<F, _>("an append beside reads", append(&other, vec![in_stream("s", "A")])).await;
        for events in &mut reads {
            let first = next(events).await;
            let rule = format!("a read that has begun shows what was there, {options:?}");
            assert_same(&rule, &[first], &wanted[..1]);
        }
        soon::<F, _>("an append beside reads", append(&store, vec![in_stream("s", "A")])).await;
        wanted.remove(0);
        for events in reads {
            let rule = format!("a read is one snapshot, {options:?}");
            assert_same(&rule, &rest(events).await, &wanted);
        }
    }
    let rule = "appends beside reads are written";
    assert_eq!(whole_log(&store).await.len(), before.len() + 6, "{rule}: events of the log");
}

/// A long read shows every event once and in order, in both directions.
pub async fn a_long_read_is_complete<F: Fixture>(log: F) {
    let store = log.connect().await;
    let mut all = append_letters(&store, 7000).await;
    all.extend(append_letters(&store, 5000).await);
    for (query, options) in [
        (Query::all(), ALL),
        (Query::all(), ALL.backwards().limit(11_000)),
        (query(&["A", "B"], &[]), ALL.backwards()),
        (Query::item(item(&["C"], &[])).or(item(&[], &["n:1"])), ALL.after(all[50].position)),
    ] {
        let rule = format!("a long read is complete, {query}, {options:?}");
        let page = read(&store, &query, options).await;
        assert_same(&rule, &page, &expected(&all, &query, options));
    }
}

/// A read that is dropped before its end leaves the store usable.
pub async fn a_dropped_read_leaves_the_store_usable<F: Fixture>(log: F) {
    let store = log.connect().await;
    append_letters(&store, 3000).await;
    soon::<F, _>("reads, dropped half done", async {
        for records in (0..3).cycle().take(60) {
            let mut events = begin(&store, &Query::all(), ALL).await;
            for _ in 0..records {
                next(&mut events).await;
            }
            drop(events);
        }
        append_letters(&store, 1).await;
        let rule = "a read that is dropped leaves the store usable";
        assert_eq!(whole_log(&store).await.len(), 3001, "{rule}: events of the log");
    })
    .await;
}

/// A handle may append while two of its reads are not at their end.
pub async fn reads_and_appends_interleave<F: Fixture>(log: F) {
    let store = log.connect().await;
    let before = append_letters(&store, 2500).await;
    soon::<F, _>("two reads and an append on one handle", async {
        let mut one = begin(&store, &Query::all(), ALL).await;
        let mut two = begin(&store, &Query::all(), ALL).await;
        for (n, record) in before.iter().enumerate() {
            for events in [&mut one, &mut two] {
                let shown = next(events).await;
                assert_same(
                    "reads on one handle leave one another alone",
                    &[shown],
                    slice::from_ref(record),
                );
            }
            if n % 500 == 0 {
                append_letters(&store, 1).await;
            }
        }
        assert_same("a read is one snapshot", &[rest(one).await, rest(two).await].concat(), &[]);
    })
    .await;
    let rule = "appends beside reads are written";
    assert_eq!(whole_log(&store).await.len(), before.len() + 5, "{rule}: events of the log");
}

/// Events of types A, B, C, A, and so on, in one batch, tagged by their place modulo 3.
async fn append_letters(store: &dyn EventStore, count: usize) -> Page {
    let letters = [("A", "n:0"), ("B", "n:1"), ("C", "n:2")];
    let letters = letters.iter().cycle().take(count);
    append(store, letters.map(|(name, tag)| event(name, &[tag])).collect()).await
}
