//! Cases of boundaries under contention, from several handles and threads.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use tokio::{sync::Barrier, task::yield_now};

use super::{
    difference::assert_same,
    fixture::Fixture,
    pages::{assert_counted, assert_increasing, ids, lines, numbers},
    parallel::{REFUSED_TOO_OFTEN, alternate, assert_alternate, at_once, handles},
    random::Random,
    sample_values::{event, expecting, in_stream, item, query, unless},
    store_calls::{
        accepted, admitted, append, append_if, begin, brief, matching, of_stream, rest, whole_log,
    },
};
use crate::{
    append::AppendCondition, append_error::AppendError, events::Page, position::SequencePosition,
    query::Query, read_options::ReadOptions, recorded::Recorded, revision::Revision,
    store::EventStore,
};

mod booking;
pub(super) mod capacity;
mod decisions;
mod refusals;
pub(super) mod together;

pub use capacity::a_capacity_is_never_exceeded;
pub use refusals::a_refusals_cause_is_visible;
pub use together::commands_decided_together_exceed_no_capacity;

const ALL: ReadOptions = ReadOptions::all();

/// The most rounds until several tasks have claimed names beside one another.
const ROUNDS_OF_NAMES: u32 = 10;

/// Of many appends that contend for one boundary, exactly one is accepted, and the others meet a
/// conflict. Several boundaries are contended for at the same moment, so that a group commit mixes
/// them.
pub async fn one_of_many_contenders_wins<F: Fixture>(log: F) {
    let handles = handles(&log, 4).await;
    for round in 0..15 {
        let seats: Vec<_> = (0..4).map(|seat| format!("seat:{round}-{seat}")).collect();
        let contenders = (0..32).map(|n| {
            let (store, tag) = (handles[n / 4 % 4].clone(), seats[n % 4].clone());
            let condition = unless(&query(&["SeatTaken"], &[&tag]));
            async move {
                let taken = event("SeatTaken", &[&tag]);
                accepted(append_if(&store, taken, condition).await).then_some(tag)
            }
        });
        let won: Vec<_> = at_once(contenders).await.into_iter().flatten().collect();
        for seat in &seats {
            let wins = won.iter().filter(|tag| *tag == seat).count();
            let page = matching(&handles[0], &query(&["SeatTaken"], &[seat])).await;
            assert!(
                wins == 1 && page.len() == 1,
                "of many that contend for a boundary exactly one is accepted: {wins} winners of {seat}, \
                 decided from none{}",
                lines(&page)
            );
        }
    }
}

/// Appends whose boundaries do not overlap never conflict.
pub async fn disjoint_boundaries_never_conflict<F: Fixture>(log: F) {
    let handles = handles(&log, 4).await;
    let writers = (0..8).map(|n| {
        let (store, tag) = (handles[n % 4].clone(), format!("cart:{n}"));
        async move {
            let own = query(&["Added"], &[&tag]);
            let mut appended = Vec::new();
            for added in 0..30 {
                let events = begin(&store, &own, ALL).await;
                let condition = unless(&own).after(events.observed());
                let own_events = rest(events).await.len();
                assert_eq!(own_events, added, "a reader sees what was acknowledged to it");
                yield_now().await;
                appended.push(admitted(&store, event("Added", &[&tag]), condition).await);
            }
            appended
        }
    });
    assert_alternate(&at_once(writers).await);
    let rule = "every append is accepted, as the boundaries do not overlap";
    assert_eq!(whole_log(&handles[0]).await.len(), 240, "{rule}: events of the log");
}

/// A counter that many tasks read and then increment reaches the exact total.
pub async fn a_counter_reaches_the_exact_total<F: Fixture>(log: F) {
    let handles = handles(&log, 4).await;
    let writers = (0..6).map(|n| {
        let store = handles[n % 4].clone();
        async move {
            let (mut done, mut tries) = (0, 0);
            while done < 20 {
                done += u32::from(increment(&store).await);
                tries += 1;
                assert!(tries <= 120, "{REFUSED_TOO_OFTEN}, of 120 increments: {tries} tries");
            }
            tries
        }
    });
    let tries: u32 = at_once(writers).await.into_iter().sum();
    let page = matching(&handles[0], &query(&["Counted"], &["counter:1"])).await;
    for (count, pair) in (2..).zip(page.windows(2)) {
        assert_eq!(
            (counted(&pair[0]), counted(&pair[1])),
            (count - 1, count),
            "each increment is decided from the one before, and {count} is not what was counted{}",
            lines(pair)
        );
    }
    assert_eq!(page.len(), 120, "a counter reaches the exact total");
    assert!(tries > 120, "tasks contend for a counter, and no task met another one");
}

/// A decision on every event of some types misses none, whatever tags they have, while others write.
pub async fn a_decision_on_a_type_sees_every_event<F: Fixture>(log: F) {
    decisions::while_others_write(log, query(&["Decided", "Written"], &[])).await;
}

/// A decision on the whole log misses no event, while others write.
pub async fn a_decision_on_everything_sees_every_event<F: Fixture>(log: F) {
    decisions::while_others_write(log, Query::all()).await;
}

/// A name that many tasks claim is taken once.
pub async fn a_name_is_taken_once<F: Fixture>(log: F) {
    let handles = handles(&log, 4).await;
    let (mut random, mut claimed) = (Random::new::<F>(), Page::new());
    // On a busy machine one task may take most names before the next one runs.
    for round in 0..ROUNDS_OF_NAMES {
        let writers: Vec<_> = (0..8)
            .map(|n| {
                let mut name = || format!("name:{round}-{}", random.within(0..=39));
                claim(handles[n % 4].clone(), (0..25).map(|_| name()).collect())
            })
            .collect();
        let pages = at_once(writers).await;
        claimed.extend(pages.concat());
        assert_taken_once(&whole_log(&handles[0]).await, &claimed);
        if alternate(&pages) {
            return;
        }
    }
    panic!(
        "tasks claim names beside one another, and in {ROUNDS_OF_NAMES} rounds one after the other did"
    );
}

/// Asserts that each name of the log is there once, and was acknowledged.
fn assert_taken_once(page: &Page, claimed: &Page) {
    let taken: Vec<_> = page.iter().map(|record| record.tags.as_lines().to_owned()).collect();
    let distinct: HashSet<_> = taken.iter().collect();
    assert_eq!(
        distinct.len(),
        taken.len(),
        "a name is taken once, and one was twice{}",
        lines(page)
    );
    let claimed: HashSet<_> = claimed.iter().map(|record| record.tags.as_lines()).collect();
    let in_log: HashSet<_> = distinct.into_iter().map(String::as_str).collect();
    let differing: Vec<_> = claimed.symmetric_difference(&in_log).collect();
    assert!(differing.is_empty(), "the log has the names that were acknowledged: {differing:?}");
}

/// Of two decisions that each write what the other one read, exactly one is accepted. In every other
/// round both have read before either writes.
pub async fn write_skew_is_refused<F: Fixture>(log: F) {
    let handles = handles(&log, 2).await;
    for round in 0..60 {
        let (x, y) = (format!("x:{round}"), format!("y:{round}"));
        let sides = [(x.clone(), y.clone()), (y, x)];
        let both_read = Arc::new(Barrier::new(if round % 2 == 0 { 2 } else { 1 }));
        let doctors = sides.into_iter().enumerate().map(|(n, (read, written))| {
            let (store, both_read) = (handles[n].clone(), both_read.clone());
            async move {
                let asked = query(&["WentOffCall"], &[&read]);
                let events = begin(&store, &asked, ALL).await;
                let observed = events.observed();
                let condition = unless(&asked).after(observed);
                let is_off_call = !rest(events).await.is_empty();
                both_read.wait().await;
                if is_off_call {
                    return false;
                }
                let mut event = event("WentOffCall", &[&written]);
                event.payload = format!("decided from {:?} of {read}", observed).into();
                accepted(append_if(&store, event, condition).await)
            }
        });
        let stood = at_once(doctors).await.into_iter().filter(|stood| *stood).count();
        let log = whole_log(&handles[0]).await;
        let last = lines(&log[log.len().saturating_sub(2)..]);
        assert_eq!(
            stood, 1,
            "of two that write what the other one read exactly one is accepted, and in round {round} \
             the log ends with{last}"
        );
    }
}

/// Of many appends that expect the same revision, exactly one is accepted, and the stream has no gap.
pub async fn racing_revisions_have_one_winner<F: Fixture>(log: F) {
    let handles = handles(&log, 4).await;
    let (mut revision, mut head) = (Revision::NoEvents, None);
    for round in 0..40 {
        let racers = (0..6).map(|n| {
            let (store, condition) = (handles[n % 4].clone(), expecting("s", revision));
            async move { accepted(append_if(&store, in_stream("s", "A"), condition).await) }
        });
        let wins = at_once(racers).await.into_iter().filter(|won| *won).count();
        let page = of_stream(&handles[0], "s", ALL.after(head)).await;
        assert_eq!(
            wins,
            1,
            "of many that expect a revision exactly one is accepted, in round {round} {revision:?}{}",
            lines(&page)
        );
        head = page.last().map(|record| record.position);
        revision = Revision::Current(round);
    }
    let page = of_stream(&handles[0], "s", ALL).await;
    assert_eq!(page.len(), 40, "a stream has one event for each round that was won");
    assert_counted("s", &page);
}

/// Revisions have no gap and positions increase, also when many tasks append without conditions.
pub async fn unconditional_appends_are_counted_exactly<F: Fixture>(log: F) {
    let handles = handles(&log, 4).await;
    let writers = (0..8).map(|n| {
        let store = handles[n % 4].clone();
        async move {
            let mut appended = Vec::new();
            for _ in 0..25 {
                let batch = vec![in_stream("s", "A"), in_stream("t", "A"), in_stream("s", "A")];
                let page = append(&store, batch).await;
                assert_increasing(&page);
                let (first, last) = (page[0].revision, page[2].revision);
                assert!(first < last, "revisions increase within a batch: {first:?}, {last:?}");
                appended.extend(page);
                yield_now().await;
            }
            appended
        }
    });
    assert_alternate(&at_once(writers).await);
    for (name, events) in [("s", 400), ("t", 200)] {
        let page = of_stream(&handles[0], name, ALL).await;
        assert_eq!(page.len(), events, "a stream has each event that was acknowledged: {name}");
        assert_counted(name, &page);
    }
    assert_increasing(&whole_log(&handles[0]).await);
}

/// The log has every acknowledged event, and no other.
pub async fn no_acknowledged_event_is_missing<F: Fixture>(log: F) {
    let handles = handles(&log, 4).await;
    let writers = (0..12).map(|n| {
        let store = handles[n % 4].clone();
        async move {
            let mut acknowledged = Vec::new();
            for _ in 0..25 {
                acknowledged.extend(append(&store, vec![event("A", &[]), event("B", &[])]).await);
                yield_now().await;
            }
            acknowledged
        }
    });
    let pages = at_once(writers).await;
    assert_alternate(&pages);
    let mut acknowledged = pages.concat();
    acknowledged.sort_by_key(|record| record.position);
    let rule = "the log has every acknowledged event, and no other";
    assert_same(rule, &whole_log(&log.connect().await).await, &acknowledged);
}

/// A batch that is sent several times at once is appended once, and refused as a duplicate otherwise.
pub async fn a_batch_sent_twice_at_once_is_appended_once<F: Fixture>(log: F) {
    let handles = handles(&log, 4).await;
    let mut sent = Vec::new();
    for round in 0..30 {
        let batch = vec![event("A", &[]), event("B", &[])];
        sent.extend(batch.iter().map(|event| event.id));
        let senders = (0..4).map(|n| {
            let (store, batch) = (handles[n].clone(), batch.clone());
            async move {
                let outcome = store.append(batch, AppendCondition::None).await;
                match outcome {
                    Ok(_) => true,
                    Err(AppendError::DuplicateEventId(_)) => false,
                    other => panic!(
                        "a batch that is sent again is refused as a duplicate, {}",
                        brief(&other)
                    ),
                }
            }
        });
        let stored = at_once(senders).await.into_iter().filter(|stored| *stored).count();
        assert_eq!(stored, 1, "a batch that is sent several times is appended once: round {round}");
    }
    let rule = "the log has each batch once, and whole, in the order of the rounds";
    assert_eq!(ids(&whole_log(&handles[0]).await), sent, "{rule}");
}

async fn increment(store: &Arc<dyn EventStore>) -> bool {
    let counter = query(&["Counted"], &["counter:1"]);
    let last = ALL.backwards().limit(1);
    let events = begin(&store, &counter, last).await;
    let condition = unless(&counter).after(events.observed());
    let observed = events.observed().map_or(0, SequencePosition::get);
    let count = rest(events).await.first().map_or(0, counted);
    yield_now().await;
    let mut one_more = event("Counted", &["counter:1"]);
    one_more.payload = format!("{}, decided from {observed}", count + 1).into();
    accepted(append_if(store, one_more, condition).await)
}

fn counted(record: &Recorded<Bytes>) -> u64 {
    numbers(record, 1)[0]
}

/// Claims each name, and returns the records of those claims that were accepted.
async fn claim(store: Arc<dyn EventStore>, names: Vec<String>) -> Page {
    let mut claimed = Vec::new();
    for name in names {
        let (free, other) = (item(&["NameTaken"], &[&name]), item(&["NameBanned"], &[&name]));
        let condition = unless(&Query::item(other).or(free));
        match append_if(&store, event("NameTaken", &[&name]), condition).await {
            Ok(page) => claimed.extend(page),
            refused => drop(accepted(refused)),
        }
        yield_now().await;
    }
    claimed
}
