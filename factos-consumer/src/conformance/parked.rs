//! Cases of parked events: what waits behind what, and what an administrator decides.

use std::time::{Duration, Instant};

use super::{
    handle::Handle,
    parallel::at_once,
    port_calls::{all_parked, commit, lease, numbers, park, positions, row, until},
    sample_values::{
        HOUR, SHORT, due, failure, listed, moves, orders, parked, parked_for, partition,
        partition_of, position, rebuilt,
    },
    tables::Tables,
};
use crate::port::{
    Decision, NewParked, Parked, ParkedCount, ParkedQuery, Selection, Settled, Step,
};

/// By how much the clock of the database and that of this process may run apart while a case runs.
const DRIFT: Duration = Duration::from_millis(50);

/// A parked event is shown as it was parked, and in how long it is tried again.
pub async fn a_parked_event_is_shown_as_it_was_parked(tables: Tables) {
    let handle = of_one(&tables).await;
    let begun = Instant::now();
    let event = NewParked {
        position: position(1 << 62),
        index: 7,
        key: Some("customer 5".to_owned()),
        slot: (1 << 63) - 1,
        failure: failure(3, Some(HOUR)),
    };
    park(&handle, &partition(0), [event.clone()]).await;
    let found = all_parked(&handle, &orders(1)).await.pop().unwrap();
    let right = Parked {
        consumer: orders(1),
        position: event.position,
        index: event.index,
        key: event.key,
        attempts: event.failure.attempts,
        reason: event.failure.reason,
        retry_in: found.retry_in,
        skipped: None,
    };
    assert_eq!(found, right, "an event that was parked");
    let retry_in = found.retry_in.unwrap_or_default();
    let least = HOUR.saturating_sub(begun.elapsed());
    let is_right = retry_in + DRIFT >= least && retry_in <= HOUR + DRIFT;
    assert!(is_right, "an event is tried again in {least:?} to {HOUR:?}, found {retry_in:?}");
    let waiting = row(&handle, &orders(1)).await.retry_in;
    assert!(waiting.is_some_and(|waiting| waiting <= retry_in), "the next retry is in {waiting:?}");
}

/// Parked events are listed in the order of the log, skipped and dead ones too, at most so many, and after a position.
pub async fn events_are_listed_in_the_order_of_the_log(tables: Tables) {
    let handle = of_one(&tables).await;
    for events in [[9, 2], [100, 10], [1, 1 << 40]] {
        park(&handle, &partition(0), events.map(|number| parked_for(number, None, None))).await;
    }
    skip(&handle, Selection::At(position(2)), "known").await;
    let all = [1, 2, 9, 10, 100, 1 << 40];
    let pages = [
        (0, u32::MAX, &all[..]),
        (0, 6, &all[..]),
        (0, 2, &all[..2]),
        (2, 3, &all[2..5]),
        (3, 2, &all[2..4]),
        (99, 10, &all[4..]),
        (1 << 40, 10, &[]),
        (0, 0, &[]),
    ];
    for (after, most, right) in pages {
        let page = handle.parked(&listed(&orders(1), after), most).await;
        assert_eq!(numbers(&page), right, "at most {most} after {after}");
    }
}

/// Parked events are those of one version: others have their own at the same positions.
pub async fn each_version_has_its_own(tables: Tables) {
    let handle = of_one(&tables).await;
    handle.register(&rebuilt(2, 1)).await;
    park(&handle, &partition(0), [parked(3, Some("x")), parked(5, None)]).await;
    park(&handle, &partition_of(2, 0), [parked_for(3, Some("y"), None)]).await;
    skip(&handle, Selection::All, "known").await;
    let found = all_parked(&handle, &orders(2)).await;
    let found: Vec<_> = found.iter().map(|parked| (&parked.consumer, parked.position)).collect();
    assert_eq!(found, [(&orders(2), position(3))], "what is parked of v2");
    let count = handle.count_parked(&orders(2)).await;
    assert_eq!(count, ParkedCount { dead: 1, ..ParkedCount::default() }, "after v1's were skipped");
    let grant = lease(&handle, "a", &partition_of(2, 0)).await;
    assert_eq!(grant.blocked, ["y"], "the keys of v2 that wait");
    let nobody = crate::port::ConsumerId::new("nobody", 1);
    assert_eq!(all_parked(&handle, &nobody).await, [], "parked of what is not known");
    assert_eq!(handle.count_parked(&nobody).await, ParkedCount::default(), "and their count");
}

/// Of the events of a key, the first is tried, and the others wait behind it until it is done, even if they are due and
/// it is not.
pub async fn the_first_of_a_key_is_tried(tables: Tables) {
    let handle = of_one(&tables).await;
    let events = [
        parked(4, Some("x")),
        parked(6, Some("x")),
        parked(5, Some("y")),
        parked_for(7, Some("z"), Some(HOUR)),
        parked(8, Some("z")),
        parked(9, Some("y")),
    ];
    park(&handle, &partition(0), events).await;
    assert_eq!(due_now(&handle).await, [4, 5], "the first of x and of y; that of z is not due");
    let grant = lease(&handle, "a", &partition(0)).await;
    let settle = vec![Settled::Done(position(4)), failed(5, Some(HOUR))];
    commit(&handle, Step { settle, ..Step::new(partition(0), grant.token) }).await;
    assert_eq!(due_now(&handle).await, [6], "x goes on, and y waits behind 5, which failed again");
}

/// An event that only an administrator has tried again stands in the way of its key.
pub async fn a_dead_event_blocks_its_key(tables: Tables) {
    let handle = of_one(&tables).await;
    let events = [parked_for(4, Some("x"), None), parked(6, Some("x")), parked(7, Some("y"))];
    park(&handle, &partition(0), events).await;
    assert_eq!(due_now(&handle).await, [7], "6 waits behind 4, which is dead");
    assert_eq!(blocked(&handle).await, ["x", "y"], "the keys that wait");
}

/// An event that was skipped stands in nobody's way, and is tried no more.
pub async fn a_skipped_event_blocks_nobody(tables: Tables) {
    let handle = of_one(&tables).await;
    let events = [
        parked_for(4, Some("x"), None),
        parked(6, Some("x")),
        parked(7, Some("y")),
        parked(8, None),
    ];
    park(&handle, &partition(0), events).await;
    skip(&handle, Selection::At(position(4)), "the order was a test").await;
    skip(&handle, Selection::At(position(7)), "so was this").await;
    skip(&handle, Selection::At(position(8)), "and this").await;
    assert_eq!(due_now(&handle).await, [6], "6 is the first of x, and 7 and 8 are tried no more");
    assert_eq!(blocked(&handle).await, ["x"], "y, whose only event was skipped, waits for nothing");
    let found = all_parked(&handle, &orders(1)).await;
    let reasons: Vec<_> = found.iter().map(|parked| parked.skipped.as_deref()).collect();
    let right = [Some("the order was a test"), None, Some("so was this"), Some("and this")];
    assert_eq!(reasons, right, "why events were skipped");
}

/// Events without a key wait for none.
pub async fn events_without_a_key_wait_for_none(tables: Tables) {
    let handle = of_one(&tables).await;
    let events =
        [parked_for(3, None, None), parked(5, None), parked(4, None), parked(6, Some("x"))];
    park(&handle, &partition(0), events).await;
    assert_eq!(due_now(&handle).await, [4, 5, 6], "3 is dead, and stands in no way");
    assert_eq!(blocked(&handle).await, ["x"], "events without a key block none");
}

/// An event is not due before its time, and then it is.
pub async fn an_event_is_due_at_its_time(tables: Tables) {
    let handle = of_one(&tables).await;
    let events = [parked_for(3, None, Some(HOUR)), parked_for(5, None, Some(SHORT))];
    park(&handle, &partition(0), events).await;
    let found = until("an event is due in a while", async || {
        let found = due_now(&handle).await;
        (!found.is_empty()).then_some(found)
    });
    assert_eq!(found.await, [5], "what is due after a while");
    let found = all_parked(&handle, &orders(1)).await;
    assert_eq!(found[1].retry_in, Some(Duration::ZERO), "in how long an event is due that is");
    let next = row(&handle, &orders(1)).await.retry_in;
    assert_eq!(next, Some(Duration::ZERO), "in how long the next event is due");
}

/// How long until the next retry is told of a version: of those that are tried again, and of no others.
pub async fn the_next_retry_is_told(tables: Tables) {
    let handle = of_one(&tables).await;
    let next = async || row(&handle, &orders(1)).await.retry_in;
    assert_eq!(next().await, None, "the next retry where nothing is parked");
    park(&handle, &partition(0), [parked_for(3, None, None)]).await;
    assert_eq!(next().await, None, "the next retry of an event that is dead");
    park(&handle, &partition(0), [parked(5, None), parked_for(7, None, Some(HOUR))]).await;
    assert_eq!(next().await, Some(Duration::ZERO), "the next retry of one that is due");
    skip(&handle, Selection::At(position(5)), "known").await;
    let waits = next().await;
    let is_later = waits.is_some_and(|waits| waits > HOUR / 2 && waits <= HOUR + DRIFT);
    assert!(is_later, "the next retry is in an hour at most once that one is skipped: {waits:?}");
}

/// An event that waits behind another one of its key has no say in how long it is until the next retry.
pub async fn the_next_retry_is_of_the_first_of_a_key(tables: Tables) {
    let handle = of_one(&tables).await;
    let next = async || row(&handle, &orders(1)).await.retry_in;
    park(&handle, &partition(0), [parked_for(3, Some("x"), None), parked(5, Some("x"))]).await;
    assert_eq!(next().await, None, "the next retry where one waits behind one that is dead");
    park(&handle, &partition(0), [parked_for(4, Some("y"), Some(HOUR)), parked(6, Some("y"))])
        .await;
    let waits = next().await;
    let is_later = waits.is_some_and(|waits| waits > HOUR / 2 && waits <= HOUR + DRIFT);
    assert!(
        is_later,
        "the next retry where one waits behind one that is due in an hour: {waits:?}"
    );
    skip(&handle, Selection::At(position(3)), "known").await;
    assert_eq!(next().await, Some(Duration::ZERO), "the next retry once 5 waits behind nothing");
}

/// The events that are due are those of one partition, by the slot of each; at most so many, the first ones.
pub async fn due_events_are_those_of_a_partition(tables: Tables) {
    let handle = tables.connect().await;
    handle.register(&rebuilt(1, 3)).await;
    let events = (1..=12).rev().map(|number| NewParked {
        slot: if number % 2 == 0 { number } else { (1 << 63) - 1 - number },
        ..parked(number, None)
    });
    park(&handle, &partition(1), events.clone()).await;
    for number in 0..3 {
        let of_partition = events.clone().filter(|event| event.slot % 3 == number);
        let mut right: Vec<_> = of_partition.map(|event| event.position.get()).collect();
        right.sort_unstable();
        let partition = partition(u32::try_from(number).unwrap());
        for most in [100, 4, 2, 0] {
            let found = numbers(&handle.parked(&due(&partition, 3), most).await);
            let right = &right[..right.len().min(most as usize)];
            assert_eq!(found, right, "at most {most} of {partition}");
        }
    }
}

/// The events of a key are shown, in the order of the log, but for those that were skipped.
pub async fn the_events_of_a_key_are_shown(tables: Tables) {
    let handle = of_one(&tables).await;
    let events = [6, 4, 8, 2].map(|number| parked_for(number, Some("x"), None));
    park(&handle, &partition(0), events).await;
    park(&handle, &partition(0), [parked(5, None), parked(3, Some("X")), parked(7, Some("x "))])
        .await;
    skip(&handle, Selection::At(position(4)), "known").await;
    let of_key = |key: &str| ParkedQuery::OfKey { consumer: orders(1), key: key.to_owned() };
    for (key, most, right) in
        [("x", 10, &[2, 6, 8][..]), ("x", 2, &[2, 6]), ("X", 10, &[3]), ("y", 10, &[])]
    {
        let found = numbers(&handle.parked(&of_key(key), most).await);
        assert_eq!(found, right, "at most {most} of the key {key:?}");
    }
}

/// A grant has exactly the keys of unskipped parked events of its partition, each once.
pub async fn a_grant_has_the_keys_that_wait(tables: Tables) {
    let handle = tables.connect().await;
    handle.register(&rebuilt(1, 2)).await;
    let of = |slot, number, key| NewParked { slot, ..parked_for(number, Some(key), None) };
    let events = [of(2, 3, "a"), of(2, 4, "a"), of(3, 5, "b"), of(4, 6, "c"), of(6, 7, "d")];
    park(&handle, &partition(0), events).await;
    park(&handle, &partition(0), [parked(8, None)]).await;
    skip(&handle, Selection::OfKey("c".to_owned()), "known").await;
    for (number, right) in [(0, &["a", "d"][..]), (1, &["b"])] {
        let mut blocked = lease(&handle, "a", &partition(number)).await.blocked;
        blocked.sort_unstable();
        assert_eq!(blocked, right, "the keys of partition {number} that wait");
    }
    handle.leave("a").await;
    let grant = lease(&handle, "a", &partition(0)).await;
    let settle = vec![Settled::Done(position(3)), Settled::Done(position(7))];
    commit(&handle, Step { settle, ..Step::new(partition(0), grant.token) }).await;
    handle.leave("a").await;
    assert_eq!(
        blocked(&handle).await,
        ["a"],
        "the keys that wait once d is done and 4 of a is not"
    );
}

/// Events that are to be retried are due at once, however often they were tried and whenever they were due.
pub async fn a_retry_makes_due_at_once(tables: Tables) {
    let handle = of_one(&tables).await;
    let mut dead = parked_for(3, Some("x"), None);
    dead.failure.attempts = u32::from(u16::MAX);
    park(&handle, &partition(0), [dead, parked_for(5, None, Some(HOUR)), parked(6, Some("x"))])
        .await;
    assert_eq!(due_now(&handle).await, [0; 0], "what is due before it is to be retried");
    assert_eq!(retry(&handle, Selection::All).await, 3, "how many are retried");
    assert_eq!(due_now(&handle).await, [3, 5], "what is due when it is to be retried");
    let found = all_parked(&handle, &orders(1)).await;
    assert_eq!(found[0].attempts, u32::from(u16::MAX), "a retry is no attempt");
    let count = handle.count_parked(&orders(1)).await;
    let right = ParkedCount { waiting: 3, ..ParkedCount::default() };
    assert_eq!(count, right, "what is dead no more");
}

/// A selection means what it says: one, all of a key, the first so many, all. Those that were skipped are not meant.
pub async fn a_selection_means_what_it_says(tables: Tables) {
    let handle = of_one(&tables).await;
    let key = |number| ["x", "y"][usize::from(number % 2 == 0)];
    let events =
        (1..=10).map(|number| parked_for(number, (number <= 8).then(|| key(number)), None));
    park(&handle, &partition(0), events).await;
    skip(&handle, Selection::At(position(1)), "known").await;
    let of_key = |key: &str| Selection::OfKey(key.to_owned());
    let selections = [
        (Selection::At(position(4)), 1, &[4][..]),
        (Selection::At(position(1)), 0, &[4]),
        (Selection::At(position(11)), 0, &[4]),
        (Selection::First(2), 2, &[2, 3, 4]),
        (Selection::First(0), 0, &[2, 3, 4]),
        (of_key("x"), 3, &[2, 3, 4, 5, 7]),
        (of_key("Y"), 0, &[2, 3, 4, 5, 7]),
        (Selection::First(7), 7, &[2, 3, 4, 5, 6, 7, 8]),
        (Selection::All, 9, &[2, 3, 4, 5, 6, 7, 8, 9, 10]),
        (Selection::First(u32::MAX), 9, &[2, 3, 4, 5, 6, 7, 8, 9, 10]),
    ];
    for (selection, count, right) in selections {
        assert_eq!(retry(&handle, selection.clone()).await, count, "how many {selection:?} is for");
        let retried = all_parked(&handle, &orders(1)).await;
        let retried: Vec<_> =
            retried.into_iter().filter(|parked| parked.retry_in.is_some()).collect();
        assert_eq!(numbers(&retried), right, "what has been retried after {selection:?}");
    }
    assert_eq!(skip(&handle, of_key("x"), "lost").await, 3, "of x, of which 1 was skipped before");
    let first = all_parked(&handle, &orders(1)).await.remove(0).skipped;
    assert_eq!(first.as_deref(), Some("known"), "why 1 was skipped the first time");
}

/// The count tells what is tried again or waits, what is dead, and what was skipped.
pub async fn the_count_tells_them_apart(tables: Tables) {
    let handle = of_one(&tables).await;
    assert_eq!(handle.count_parked(&orders(1)).await, ParkedCount::default(), "nothing is parked");
    let dead = (1..=4).map(|number| parked_for(number, Some("x"), None));
    let waiting = (11..=15).map(|number| parked_for(number, Some("x"), Some(HOUR)));
    park(&handle, &partition(0), dead.chain(waiting)).await;
    let count = handle.count_parked(&orders(1)).await;
    assert_eq!(count, ParkedCount { waiting: 5, dead: 4, skipped: 0 }, "five wait, four are dead");
    skip(&handle, Selection::First(2), "known").await;
    retry(&handle, Selection::At(position(3))).await;
    skip(&handle, Selection::At(position(11)), "known").await;
    let count = handle.count_parked(&orders(1)).await;
    assert_eq!(count, ParkedCount { waiting: 5, dead: 1, skipped: 3 }, "after decisions");
}

/// An event that failed again keeps its place and its key, and has the rest of its new failure.
pub async fn an_event_that_fails_again_keeps_its_place(tables: Tables) {
    let handle = of_one(&tables).await;
    park(&handle, &partition(0), [parked(3, Some("x")), parked(4, Some("x"))]).await;
    let mut failed = failed(3, None);
    if let Settled::Failed { index, failure, .. } = &mut failed {
        (*index, failure.attempts) = (2, 9);
        failure.reason = "the address is unknown".to_owned();
    }
    let grant = lease(&handle, "a", &partition(0)).await;
    commit(&handle, Step { settle: vec![failed], ..Step::new(partition(0), grant.token) }).await;
    let found = all_parked(&handle, &orders(1)).await.remove(0);
    let told = (found.index, found.key.as_deref(), found.attempts, &*found.reason, found.retry_in);
    assert_eq!(told, (2, Some("x"), 9, "the address is unknown", None), "what failed again");
}

/// A decision moves no partition and ends no lease, and needs none.
pub async fn a_decision_moves_no_partition(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 2)).await;
    let partition = partition(0);
    let grant = lease(&here, "a", &partition).await;
    commit(&here, moves(&partition, grant.token, 0, 10)).await;
    let events = [parked_for(3, Some("x"), None), parked_for(12, None, None)];
    commit(&here, super::sample_values::parks(&partition, grant.token, events)).await;
    for selection in [Selection::First(1), Selection::OfKey("x".to_owned()), Selection::All] {
        retry(&there, selection.clone()).await;
        assert_eq!(positions(&there, &orders(1)).await, [10, 0], "after {selection:?}, retried");
    }
    skip(&there, Selection::All, "known").await;
    assert_eq!(positions(&there, &orders(1)).await, [10, 0], "after all were skipped");
    commit(&here, moves(&partition, grant.token, 10, 20)).await;
}

/// Of administrators that skip the same events at once, each event is counted by one.
pub async fn an_event_is_skipped_once(tables: Tables) {
    let handles = tables.handles::<4>().await;
    handles[0].register(&rebuilt(1, 1)).await;
    park(&handles[0], &partition(0), (1..=40).map(|number| parked_for(number, None, None))).await;
    let tasks = handles.clone().into_iter().zip(1..).map(|(handle, task)| async move {
        let first = skip(&handle, Selection::First(8), &format!("by {task}")).await;
        first + skip(&handle, Selection::At(position(task * 10)), &format!("by {task}")).await
    });
    let counted: u64 = at_once(tasks).await.into_iter().sum();
    let count = handles[0].count_parked(&orders(1)).await;
    assert_eq!(count.skipped, counted, "what was skipped, and how many were told so");
    assert_eq!(count.skipped + count.dead, 40, "what is parked");
}

/// A handle, and a consumer of one partition.
async fn of_one(tables: &Tables) -> Handle {
    let handle = tables.connect().await;
    handle.register(&rebuilt(1, 1)).await;
    handle
}

/// What is to be tried now in the one partition.
async fn due_now(handle: &Handle) -> Vec<u64> {
    numbers(&handle.parked(&due(&partition(0), 1), 100).await)
}

/// The keys that a lease of the first partition tells, sorted.
async fn blocked(handle: &Handle) -> Vec<String> {
    let grant = lease(handle, "asks", &partition(0)).await;
    handle.release(&partition(0), grant.token).await;
    let mut blocked = grant.blocked;
    blocked.sort_unstable();
    blocked
}

async fn skip(handle: &Handle, selection: Selection, why: &str) -> u64 {
    handle.decide(&orders(1), &selection, &Decision::Skip(why.to_owned())).await
}

async fn retry(handle: &Handle, selection: Selection) -> u64 {
    handle.decide(&orders(1), &selection, &Decision::Retry).await
}

fn failed(number: u64, retry_in: Option<Duration>) -> Settled {
    Settled::Failed { position: position(number), index: 0, failure: failure(2, retry_in) }
}
