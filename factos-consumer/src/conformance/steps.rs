//! Cases of steps: what a worker changes is kept whole, once, and in order.

use std::time::Duration;

use factos::{Anchor, EventId};

use super::{
    handle::Handle,
    parallel::{at_once, ended},
    port_calls::{
        all_parked, assert_failed, assert_lost, commit, commit_with, lease, lease_for,
        lease_once_free, numbers, park, partition_row, positions, told,
    },
    sample_values::{
        HOUR, SHORT, anchor, at, failure, moves, orders, parked, parked_for, parks, partition,
        position, rebuilt,
    },
    script::{Gate, Script},
    tables::Tables,
};
use crate::port::{
    Advance, Failure, Grant, Parked, PartitionId, PartitionRow, PortError, Settled, Step,
};

/// A step is kept whole: what its work wrote, the move, the events that are parked, and those that are settled.
pub async fn a_step_is_kept_whole(tables: Tables) {
    let (handle, partition, grant) = leased(&tables).await;
    commit(&handle, parks(&partition, grant.token, [parked(3, Some("x")), parked(5, None)])).await;
    let step = everything(&partition, &grant);
    commit_with(&handle, step, Script::writes("mail 10")).await;
    let other = tables.connect().await;
    assert_eq!(tables.rows().await, ["mail 10"], "what the work of a step wrote");
    assert_eq!(positions(&other, &orders(1)).await, [10], "where a step moved the partition");
    let parked = all_parked(&other, &orders(1)).await;
    assert_eq!(numbers(&parked), [3, 8], "3 failed again, 5 is done, and 8 was parked");
    assert_eq!(parked[0].attempts, 2, "the attempts of an event that failed again");
}

/// If the work of a step fails, nothing of the step is kept, and the error says why.
pub async fn a_step_whose_work_fails_keeps_nothing(tables: Tables) {
    let work = Script::writes("lost").fails("no such customer");
    keeps_nothing(tables, "a step whose work fails", work, "no such customer").await;
}

/// If the work of a step panics, nothing of the step is kept, the error has the text of the panic, and the port goes on.
pub async fn a_step_whose_work_panics_keeps_nothing(tables: Tables) {
    let work = Script::writes("lost").panics("index out of bounds");
    keeps_nothing(tables, "a step whose work panics", work, "index out of bounds").await;
}

/// The same if the work panics before it has come to wait for anything.
pub async fn a_step_whose_work_panics_at_once_keeps_nothing(tables: Tables) {
    let work = Script::writes("lost").panics_at_once("division by zero");
    keeps_nothing(tables, "a step whose work panics", work, "division by zero").await;
}

/// If the future of a step is dropped, the step is kept whole or not at all, and the port goes on.
pub async fn a_dropped_step_is_kept_whole_or_not_at_all(tables: Tables) {
    let (handle, partition, grant) = leased(&tables).await;
    commit(&handle, parks(&partition, grant.token, [parked(3, Some("x")), parked(5, None)])).await;
    let gate = Gate::closed();
    let step = handle
        .commit(everything(&partition, &grant), Some(Script::writes("mail 10").waits_at(&gate)));
    tokio::select! {
        outcome = step => panic!("a step ends after its work, and ended with {outcome:?}"),
        () = gate.reached() => {}
    }
    gate.open();
    // A step that goes on although nobody waits for it has ended once another one is made.
    commit(&handle, Step::new(partition.clone(), grant.token)).await;
    let rows = tables.rows().await;
    let parked = numbers(&all_parked(&handle, &orders(1)).await);
    let found = (rows, positions(&handle, &orders(1)).await, parked);
    let whole = (vec!["mail 10".to_owned()], vec![10], vec![3, 8]);
    let nothing = (vec![], vec![0], vec![3, 5]);
    let rule = "a dropped step is kept whole or not at all";
    assert!(found == whole || found == nothing, "{rule}: rows, position, parked are {found:?}");
    let from = found.1[0];
    commit_with(&handle, moves(&partition, grant.token, from, 20), Script::writes("next")).await;
}

/// A partition moves only from where it is: from the start if it has not begun, else from exactly there. Otherwise the
/// error says where it is, and nothing is kept.
pub async fn a_partition_moves_from_where_it_is(tables: Tables) {
    let (handle, partition, grant) = leased(&tables).await;
    assert_moved(&handle, &tables, moves(&partition, grant.token, 5, 10), 0).await;
    commit(&handle, moves(&partition, grant.token, 0, 10)).await;
    for from in [0, 9, 11] {
        assert_moved(&handle, &tables, moves(&partition, grant.token, from, 20), 10).await;
    }
    commit(&handle, moves(&partition, grant.token, 10, 20)).await;
    assert_moved(&handle, &tables, moves(&partition, grant.token, 10, 20), 20).await;
}

/// A partition that has begun follows one log: a step of another is refused, says both, and keeps nothing.
pub async fn a_partition_follows_one_log(tables: Tables) {
    let (handle, partition, grant) = leased(&tables).await;
    commit(&handle, moves(&partition, grant.token, 0, 10)).await;
    let another = "0197e0a4-0000-7000-8000-00000000beef";
    let to = Anchor::new(another, position(20), EventId::new());
    let advance = Some(Advance { from: at(10), to });
    let step = Step { advance, ..Step::new(partition.clone(), grant.token) };
    match handle.commit(step, Some(Script::writes("lost"))).await {
        Err(PortError::OtherLog { partition: told, kept, found }) => {
            assert_eq!(told, partition, "the partition that follows another log");
            assert_eq!(kept, anchor(10).log_id(), "the log that the partition follows");
            assert_eq!(found, another, "the log of the step");
        }
        Err(error) => panic!("a step of another log is told as such, found {}", told(&error)),
        Ok(()) => panic!("a step of another log is refused, and was made"),
    }
    assert_eq!(tables.rows().await, [""; 0], "what was written in a step of another log");
    assert_eq!(positions(&handle, &orders(1)).await, [10], "a partition that follows its log");
    handle.release(&partition, grant.token).await;
    let anchor_kept = lease(&handle, "b", &partition).await.anchor;
    assert_eq!(anchor_kept, Some(anchor(10)), "the anchor after a step of another log");
}

/// Of two workers of one partition never both write: what one writes while its lease is granted to another is rolled
/// back, or the other goes on behind it.
pub async fn two_workers_never_both_write(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 1)).await;
    let partition = partition(0);
    let old = lease_for(&here, "a", &partition, SHORT).await;
    let gate = Gate::closed();
    let (step, work) = (moves(&partition, old.token, 0, 10), Script::writes("old"));
    let stepping = tokio::spawn({
        let (handle, work) = (here.clone(), work.waits_at(&gate));
        async move { handle.commit(step, Some(work)).await }
    });
    gate.reached().await;
    let taking = tokio::spawn({
        let partition = partition.clone();
        async move {
            let grant = lease_once_free(&there, "b", &partition).await;
            let from = grant.anchor.as_ref().map_or(0, |anchor| anchor.position().get());
            let step = moves(&partition, grant.token, from, 20);
            (from, there.commit(step, Some(Script::writes("new"))).await)
        }
    });
    tokio::time::sleep(3 * SHORT).await;
    gate.open();
    let old_step = ended(stepping).await;
    let (from, new_step) = ended(taking).await;
    let rule = "two workers of one partition never both write";
    if let Err(error) = new_step {
        panic!("{rule}: the one that was granted the lease came to {}", told(&error));
    }
    let rows = tables.rows().await;
    match old_step {
        Ok(()) => assert_eq!((from, rows), (10, strings(&["old", "new"])), "{rule}"),
        old_step => {
            assert_lost(rule, old_step, &partition);
            assert_eq!((from, rows), (0, strings(&["new"])), "{rule}");
        }
    }
}

/// Of two steps from the same position, made at once under the same lease, one is made.
pub async fn one_of_two_steps_from_a_position_is_made(tables: Tables) {
    let handles = tables.handles::<4>().await;
    handles[0].register(&rebuilt(1, 1)).await;
    let partition = partition(0);
    let token = lease(&handles[0], "a", &partition).await.token;
    for from in 0..10 {
        let tasks = handles.clone().into_iter().zip(0..).map(|(handle, task)| {
            let step = moves(&partition, token, from, from + 1);
            async move { handle.commit(step, Some(Script::writes(format!("{from} {task}")))).await }
        });
        let outcomes = at_once(tasks).await;
        let made: Vec<_> = (0..).zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()).collect();
        assert_eq!(made.len(), 1, "of four steps from {from} one is made, found {outcomes:?}");
        let row = format!("{from} {}", made[0].0);
        assert_eq!(tables.rows().await.last(), Some(&row), "the row of the step that was made");
        for outcome in outcomes.into_iter().filter(Result::is_err) {
            let is_moved = matches!(outcome, Err(PortError::Moved { .. }));
            assert!(is_moved, "a step from {from} that comes too late is told so: {outcome:?}");
        }
    }
    assert_eq!(tables.rows().await.len(), 10, "rows of ten steps that were made");
}

/// Steps of several partitions are kept beside one another.
pub async fn partitions_move_beside_one_another(tables: Tables) {
    let handles = tables.handles::<4>().await;
    handles[0].register(&rebuilt(1, 4)).await;
    let tasks = handles.clone().into_iter().zip(0..).map(|(handle, number)| async move {
        let partition = partition(number);
        let token = lease(&handle, "a", &partition).await.token;
        for from in 0..5 {
            let work = Script::writes(format!("{number} {from}"));
            commit_with(&handle, moves(&partition, token, from, from + 1), work).await;
        }
    });
    at_once(tasks).await;
    assert_eq!(positions(&handles[0], &orders(1)).await, [5; 4], "where four partitions are");
    assert_eq!(tables.rows().await.len(), 20, "rows of twenty steps");
}

/// A report is kept as it is until a step is made, whether that moves the partition or not; one that fails leaves it.
pub async fn a_step_clears_the_error(tables: Tables) {
    let (handle, partition, grant) = leased(&tables).await;
    let error = async || partition_row(&handle, &partition).await.error;
    for why in ["first", "the mail server said:\n'no' \u{1f4ee}"] {
        handle.report(&partition, grant.token, why).await;
        assert_eq!(error().await.as_deref(), Some(why), "the error of a partition");
    }
    let fails = Some(Script::writes("lost").fails("again"));
    let step = moves(&partition, grant.token, 0, 10);
    assert_failed("work that fails", handle.commit(step.clone(), fails).await, "again");
    assert!(error().await.is_some(), "the error after a step that failed is the one of before");
    for step in [step, Step::new(partition.clone(), grant.token)] {
        handle.report(&partition, grant.token, "once more").await;
        commit(&handle, step.clone()).await;
        assert_eq!(error().await, None, "the error after {step:?}");
    }
}

/// An event that is parked already stays as it is if it is parked once more, even if it was skipped.
pub async fn an_event_is_parked_once(tables: Tables) {
    let (handle, partition, grant) = leased(&tables).await;
    let events = [parked_for(3, Some("x"), None), parked_for(5, None, Some(HOUR))];
    commit(&handle, parks(&partition, grant.token, events)).await;
    let skip = crate::port::Decision::Skip("known".to_owned());
    handle.decide(&orders(1), &crate::port::Selection::At(position(3)), &skip).await;
    let before = without_times(all_parked(&handle, &orders(1)).await);
    let mut again = [parked(3, None), parked(5, Some("y")), parked(7, None)];
    for event in &mut again {
        event.index = 4;
        event.failure = Failure { reason: "another one".to_owned(), ..failure(7, None) };
    }
    let twice = [again[2].clone(), again[2].clone()];
    commit(&handle, parks(&partition, grant.token, again.into_iter().chain(twice))).await;
    let after = without_times(all_parked(&handle, &orders(1)).await);
    assert_eq!(after[..2], before, "events that were parked once more");
    assert_eq!(numbers(&all_parked(&handle, &orders(1)).await), [3, 5, 7], "what is parked");
}

/// What is settled and no longer parked is passed over: the step is made.
pub async fn settling_what_is_gone_is_passed_over(tables: Tables) {
    let (handle, partition, grant) = leased(&tables).await;
    commit(&handle, parks(&partition, grant.token, [parked(3, None)])).await;
    let gone = |number| Settled::Failed {
        position: position(number),
        index: 1,
        failure: failure(2, None),
    };
    let settle = vec![Settled::Done(position(3)), gone(3), gone(4), Settled::Done(position(5))];
    let step = Step { settle, ..moves(&partition, grant.token, 0, 10) };
    commit_with(&handle, step, Script::writes("made")).await;
    assert_eq!(all_parked(&handle, &orders(1)).await, [], "what is parked after all was settled");
    assert_eq!(positions(&handle, &orders(1)).await, [10], "a step that settled what was gone");
    assert_eq!(tables.rows().await, ["made"], "what a step wrote that settled what was gone");
}

/// A step may park many events, and settle many.
pub async fn many_events_are_parked_and_settled_at_once(tables: Tables) {
    const MANY: u64 = 2_000;
    let (handle, partition, grant) = leased(&tables).await;
    let key = |number: u64| format!("key {}", number % 700);
    let events = (1..=MANY).map(|number| parked(number, Some(&key(number))));
    let step = parks(&partition, grant.token, events);
    commit(&handle, step).await;
    let count = handle.count_parked(&orders(1)).await.waiting;
    assert_eq!(count, MANY, "events that were parked at once");
    let settle = (1..=MANY).filter(|number| number % 10 != 0).map(position).map(Settled::Done);
    let step = Step { settle: settle.collect(), ..Step::new(partition.clone(), grant.token) };
    commit(&handle, step).await;
    let left = numbers(&all_parked(&handle, &orders(1)).await);
    let right: Vec<_> = (1..=MANY).filter(|number| number % 10 == 0).collect();
    assert_eq!(left, right, "what is left of events that were settled at once");
}

/// Texts come back as they were given, whatever is in them; only a NUL may be written otherwise, and is no error.
pub async fn texts_come_back_as_they_were_given(tables: Tables) {
    let (handle, partition, grant) = leased(&tables).await;
    let texts = ["", " ", "'\"%_\\{}", "a\nb\r\tc", "e\u{301} \u{1f4ee}", &"long ".repeat(20_000)];
    for (text, number) in texts.into_iter().zip(1..) {
        let mut event = parked(number, Some(&text[..text.len().min(200)]));
        text.clone_into(&mut event.failure.reason);
        commit(&handle, parks(&partition, grant.token, [event.clone()])).await;
        handle.report(&partition, grant.token, text).await;
        let error = partition_row(&handle, &partition).await.error;
        assert!(error.as_deref() == Some(text), "a report of {text:.20?} came back otherwise");
        let kept = all_parked(&handle, &orders(1)).await.pop().unwrap();
        assert_eq!(kept.key, event.key, "the key of a parked event");
        assert!(kept.reason == text, "the reason {text:.20?} came back otherwise");
    }
    let mut event = parked(99, None);
    event.failure.reason = "a\0b".to_owned();
    commit(&handle, parks(&partition, grant.token, [event])).await;
    handle.report(&partition, grant.token, "a\0b").await;
    let PartitionRow { error, .. } = partition_row(&handle, &partition).await;
    let error = error.unwrap_or_default();
    assert!(error.starts_with('a') && error.ends_with('b'), "an error with a NUL: {error:?}");
}

/// A partition of one that a process has leased for long.
async fn leased(tables: &Tables) -> (Handle, PartitionId, Grant) {
    let handle = tables.connect().await;
    handle.register(&rebuilt(1, 1)).await;
    let partition = partition(0);
    let grant = lease(&handle, "a", &partition).await;
    (handle, partition, grant)
}

/// A step that changes everything there is: it moves to 10, parks 8, has 3 fail again, and is done with 5.
fn everything(partition: &PartitionId, grant: &Grant) -> Step {
    let failed =
        Settled::Failed { position: position(3), index: 0, failure: failure(2, Some(HOUR)) };
    Step {
        park: vec![parked(8, Some("x"))],
        settle: vec![failed, Settled::Done(position(5))],
        ..moves(partition, grant.token, 0, 10)
    }
}

/// Asserts that nothing is kept of a step whose work comes to such an end, and that the next step is made.
async fn keeps_nothing(tables: Tables, what: &str, work: Script, why: &str) {
    let (handle, partition, grant) = leased(&tables).await;
    park_two(&handle, &partition, &grant).await;
    let before = without_times(all_parked(&handle, &orders(1)).await);
    let rule = format!("{what} keeps nothing");
    let outcome = handle.commit(everything(&partition, &grant), Some(work)).await;
    assert_failed(&rule, outcome, why);
    assert_eq!(tables.rows().await, [""; 0], "{rule}: rows");
    assert_eq!(positions(&handle, &orders(1)).await, [0], "{rule}: position");
    let after = without_times(all_parked(&handle, &orders(1)).await);
    assert_eq!(after, before, "{rule}: parked events");
    let (step, work) = (everything(&partition, &grant), Script::writes("next"));
    commit_with(&handle, step, work).await;
    assert_eq!(tables.rows().await, ["next"], "rows of a step after {what}");
    let other: [Handle; 1] = tables.handles().await;
    assert_eq!(positions(&other[0], &orders(1)).await, [10], "position of a step after {what}");
    handle.release(&partition, grant.token).await;
    park(&handle, &partition, [parked(9, None)]).await;
}

async fn park_two(handle: &Handle, partition: &PartitionId, grant: &Grant) {
    let events = [parked(3, Some("x")), parked(5, None)];
    commit(handle, parks(partition, grant.token, events)).await;
}

/// Asserts that a step is refused since the partition is elsewhere, and that nothing is kept.
async fn assert_moved(handle: &Handle, tables: &Tables, step: Step, found: u64) {
    let before = tables.rows().await;
    let from = step.advance.as_ref().and_then(|advance| advance.from);
    let rule = format!("a step from {from:?} is refused where the partition is at {found}");
    match handle.commit(step.clone(), Some(Script::writes("lost"))).await {
        Err(PortError::Moved { partition, expected, found: at_present }) => {
            assert_eq!(partition, step.partition, "{rule}: the partition");
            assert_eq!(
                (expected, at_present),
                (from, at(found)),
                "{rule}: where it was to be, and is"
            );
        }
        Err(error) => panic!("{rule}, found {}", told(&error)),
        Ok(()) => panic!("{rule}, and was made"),
    }
    assert_eq!(tables.rows().await, before, "{rule}: rows");
    assert_eq!(positions(handle, &orders(1)).await, [found], "{rule}: position");
}

/// Parked events without the time that goes by.
fn without_times(parked: Vec<Parked>) -> Vec<Parked> {
    let untimed = |parked: Parked| Parked {
        retry_in: parked
            .retry_in
            .map(|retry_in| if retry_in.is_zero() { retry_in } else { Duration::MAX }),
        ..parked
    };
    parked.into_iter().map(untimed).collect()
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
