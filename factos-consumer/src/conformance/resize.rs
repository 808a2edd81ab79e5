//! Cases of a change of the number of partitions, which keeps the order of each key.

use super::{
    handle::Handle,
    parallel::{at_once, ended},
    port_calls::{
        all_parked, assert_lost, commit, commit_with, held, lease, lease_for, lease_once_free,
        numbers, park, positions, row,
    },
    sample_values::{
        LONG, SHORT, anchor, at, beat, beat_for, due, moves, orders, parked, partition, rebuilt,
    },
    script::{Gate, Script},
    tables::Tables,
};
use crate::port::{Grant, NewParked, PartitionId, PortError, Resize, Step, Until};

/// A version of which no partition has moved is divided at once, and its leases are ended.
pub async fn an_untouched_version_is_divided_at_once(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 4)).await;
    let old = lease(&here, "a", &partition(0)).await;
    for count in [6, 3] {
        there.register(&rebuilt(1, count)).await;
        let row = row(&here, &orders(1)).await;
        assert_eq!(row.resize, None, "an untouched version is divided at once");
        assert_eq!(positions(&here, &orders(1)).await, vec![0; count as usize], "its partitions");
    }
    let rule = "a lease from before the partitions were divided is ended";
    assert_lost(
        rule,
        here.commit(moves(&partition(0), old.token, 0, 10), None).await,
        &partition(0),
    );
    let grant = lease(&there, "b", &partition(0)).await;
    assert!(grant.token > old.token, "{:?} after {:?}", grant.token, old.token);
    assert_eq!((grant.partitions, grant.resize), (3, None), "the grant of a version of three");
}

/// A version that has begun is drained to the highest of its positions, and then divided, each new partition there: from 4
/// to 6, and to 3.
pub async fn a_version_is_drained_and_divided(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 4)).await;
    moved(&here, &[(0, 0, 10), (1, 0, 30), (2, 0, 20)]).await;
    there.register(&rebuilt(1, 6)).await;
    let found = row(&here, &orders(1)).await.resize;
    assert_eq!(found, Some(Resize { partitions: 6, until: at(30) }), "the division to come");
    assert_eq!(positions(&here, &orders(1)).await, [10, 30, 20, 0], "the present division");
    for (number, from) in [(0, 10), (2, 20), (3, 0)] {
        let grant = lease(&here, "a", &partition(number)).await;
        assert_eq!(grant.resize, Some(Until(at(30))), "where partition {number} stops");
        assert_eq!(grant.partitions, 4, "how the consumer is divided while it is drained");
        here.beat(&beat("a", &[1], LONG)).await;
        commit(&here, moves(&partition(number), grant.token, from, 30)).await;
        here.release(&partition(number), grant.token).await;
    }
    there.beat(&beat("b", &[1], LONG)).await;
    assert_eq!(row(&here, &orders(1)).await.resize, None, "nothing is to come once all is drained");
    assert_eq!(positions(&here, &orders(1)).await, [30; 6], "the new partitions");
    let grants = leases(&here, 6).await;
    for grant in &grants {
        assert_eq!(grant.anchor, Some(anchor(30)), "where a new partition goes on");
        assert_eq!((grant.partitions, grant.resize), (6, None), "the grant of a new partition");
    }
    commit(&here, moves(&partition(5), grants[5].token, 30, 40)).await;
    here.leave("a").await;
    there.register(&rebuilt(1, 3)).await;
    moved(&here, &(0..5).map(|number| (number, 30, 40)).collect::<Vec<_>>()).await;
    there.beat(&beat("b", &[1], LONG)).await;
    assert_eq!(positions(&here, &orders(1)).await, [40; 3], "six partitions that became three");
}

/// A partition is not divided while one of the others is below where they stop: the order of its keys would break.
pub async fn the_last_partition_below_is_waited_for(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 3)).await;
    moved(&here, &[(0, 0, 30), (1, 0, 20), (2, 0, 30)]).await;
    here.register(&rebuilt(1, 2)).await;
    let rule = "partitions are not divided while one is below where they stop";
    let grant = lease(&there, "b", &partition(1)).await;
    commit(&there, moves(&partition(1), grant.token, 20, 29)).await;
    there.release(&partition(1), grant.token).await;
    assert_drains(&here, &there, rule, &[30, 29, 30]).await;
    moved(&here, &[(1, 29, 30)]).await;
    here.beat(&beat("a", &[1], LONG)).await;
    assert_eq!(positions(&here, &orders(1)).await, [30; 2], "once the last one is there");
}

/// A partition that has not begun is below the others.
pub async fn a_partition_that_has_not_begun_is_waited_for(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 2)).await;
    moved(&here, &[(0, 0, 10)]).await;
    here.register(&rebuilt(1, 5)).await;
    let rule = "partitions are not divided while one has not begun";
    assert_drains(&here, &there, rule, &[10, 0]).await;
    moved(&there, &[(1, 0, 10)]).await;
    there.beat(&beat("a", &[1], LONG)).await;
    assert_eq!(positions(&here, &orders(1)).await, [10; 5], "once it has come to the others");
}

/// Partitions are not divided while one of them is leased, though all have come to where they stop.
pub async fn a_lease_is_waited_for(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 2)).await;
    moved(&here, &[(0, 0, 10), (1, 0, 5)]).await;
    here.register(&rebuilt(1, 3)).await;
    let grant = lease(&here, "a", &partition(1)).await;
    commit(&here, moves(&partition(1), grant.token, 5, 10)).await;
    there.beat(&beat("b", &[1], LONG)).await;
    assert_eq!(positions(&there, &orders(1)).await, [10, 10], "while one of the two is leased");
    commit(&here, Step::new(partition(1), grant.token)).await;
    here.release(&partition(1), grant.token).await;
    there.beat(&beat("b", &[1], LONG)).await;
    assert_eq!(positions(&there, &orders(1)).await, [10; 3], "once none of the two is leased");
}

/// The lease of a process that is gone is waited for until it has run out.
pub async fn a_lease_that_runs_out_is_waited_for(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 1)).await;
    moved(&here, &[(0, 0, 10)]).await;
    here.register(&rebuilt(1, 2)).await;
    here.beat(&beat("a", &[1], LONG)).await;
    let grant = lease(&here, "a", &partition(1)).await;
    assert_eq!(grant.anchor, Some(anchor(10)), "where a new partition goes on");
    commit(&here, moves(&partition(1), grant.token, 10, 20)).await;
    here.register(&rebuilt(1, 1)).await;
    let gone = lease_for(&here, "gone", &partition(0), LONG).await;
    commit(&here, moves(&partition(0), gone.token, 10, 20)).await;
    here.beat(&beat_for("gone", &held(&[(&partition(0), &gone)]), SHORT)).await;
    lease_once_free(&there, "b", &partition(0)).await;
    assert_eq!(positions(&there, &orders(1)).await, [20], "once the lease has run out");
}

/// Every lease from before is ended: its steps, reports and releases change nothing, and its beat says that it is lost.
pub async fn every_lease_from_before_is_ended(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 2)).await;
    let old = leases(&here, 2).await;
    commit(&here, moves(&partition(0), old[0].token, 0, 10)).await;
    there.register(&rebuilt(1, 3)).await;
    let rule = "no step under a lease from before a resize is made";
    for (number, from) in [(0, 10), (1, 0)] {
        let (partition, old) = (partition(number), &old[number as usize]);
        let step = moves(&partition, old.token, from, 20);
        let work = Some(Script::writes("lost"));
        assert_lost(rule, here.commit(step, work).await, &partition);
        here.report(&partition, old.token, "lost").await;
        let lost = here.beat(&beat_for("a", &held(&[(&partition, old)]), LONG)).await.lost;
        assert_eq!(lost, [partition], "what is lost by a resize");
    }
    assert_eq!(tables.rows().await, [""; 0], "what was written under a lease from before");
    let new = leases(&there, 2).await;
    for (number, from) in [(0, 10), (1, 0)] {
        let (partition, new, old) =
            (partition(number), &new[number as usize], &old[number as usize]);
        assert!(new.token > old.token, "{:?} after {:?}, by a resize", new.token, old.token);
        here.release(&partition, old.token).await;
        assert_lost(
            rule,
            here.commit(Step::new(partition.clone(), old.token), None).await,
            &partition,
        );
        commit(&there, moves(&partition, new.token, from, 20)).await;
    }
}

/// To register the number of partitions that is kept ends a resize that has begun: they go on as they are.
pub async fn the_number_that_is_kept_ends_a_resize(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 2)).await;
    moved(&here, &[(0, 0, 10)]).await;
    here.register(&rebuilt(1, 3)).await;
    there.register(&rebuilt(1, 2)).await;
    assert_eq!(row(&here, &orders(1)).await.resize, None, "a resize that was ended");
    let grant = lease(&here, "a", &partition(0)).await;
    let told = (grant.partitions, grant.resize, grant.anchor);
    assert_eq!(told, (2, None, Some(anchor(10))), "the grant of a resize that was ended");
    moved(&there, &[(1, 0, 20)]).await;
    there.beat(&beat("a", &[1], LONG)).await;
    assert_eq!(positions(&here, &orders(1)).await, [10, 20], "partitions that go on as they are");
}

/// To register the number that is to come changes nothing: leases from since go on.
pub async fn the_number_that_is_to_come_changes_nothing(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 2)).await;
    moved(&here, &[(0, 0, 10)]).await;
    here.register(&rebuilt(1, 3)).await;
    let before = row(&here, &orders(1)).await.resize;
    let grant = lease(&here, "a", &partition(1)).await;
    there.register(&rebuilt(1, 3)).await;
    assert_eq!(row(&here, &orders(1)).await.resize, before, "the division to come");
    commit(&here, moves(&partition(1), grant.token, 0, 10)).await;
}

/// Another number while partitions are drained is what they are divided into: at the highest of them.
pub async fn another_number_while_draining_is_the_one_to_come(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 2)).await;
    moved(&here, &[(0, 0, 10), (1, 0, 5)]).await;
    here.register(&rebuilt(1, 3)).await;
    there.register(&rebuilt(1, 5)).await;
    let found = row(&here, &orders(1)).await.resize;
    assert_eq!(found, Some(Resize { partitions: 5, until: at(10) }), "the division to come");
    moved(&here, &[(1, 5, 10)]).await;
    here.beat(&beat("a", &[1], LONG)).await;
    assert_eq!(positions(&here, &orders(1)).await, [10; 5], "divided into what was asked for last");
}

/// Parked events stay, and are found in the new partitions by their slots: what is due, and which keys wait.
pub async fn parked_events_are_found_in_the_new_partitions(tables: Tables) {
    let handle = tables.connect().await;
    handle.register(&rebuilt(1, 4)).await;
    moved(&handle, &[0, 1, 2, 3].map(|number| (number, 0, 20))).await;
    let events: Vec<_> = (1..=12)
        .map(|slot| NewParked { slot: slot * 7, ..parked(slot, Some(&format!("key {slot:02}"))) })
        .collect();
    park(&handle, &partition(2), events.clone()).await;
    for count in [6, 3] {
        handle.register(&rebuilt(1, count)).await;
        handle.beat(&beat("a", &[1], LONG)).await;
        assert_eq!(positions(&handle, &orders(1)).await, vec![20; count as usize], "divided");
        assert_eq!(numbers(&all_parked(&handle, &orders(1)).await).len(), 12, "they stay parked");
        for number in 0..count {
            let here =
                events.iter().filter(|event| event.slot % u64::from(count) == u64::from(number));
            let right: Vec<_> = here.clone().map(|event| event.position.get()).collect();
            let due = handle.parked(&due(&partition(number), count), 100).await;
            assert_eq!(numbers(&due), right, "due in partition {number} of {count}");
            let keys: Vec<_> = here.filter_map(|event| event.key.clone()).collect();
            let mut grant = lease(&handle, "a", &partition(number)).await;
            grant.blocked.sort_unstable();
            assert_eq!(grant.blocked, keys, "the keys that wait in partition {number} of {count}");
        }
        handle.leave("a").await;
    }
}

/// A step and a resize exclude each other: a step whose transaction is open is waited for and counted, or is refused.
pub async fn an_open_step_is_counted_or_refused(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 2)).await;
    moved(&here, &[(0, 0, 10)]).await;
    let grant = lease(&here, "a", &partition(1)).await;
    let gate = Gate::closed();
    let step = moves(&partition(1), grant.token, 0, 20);
    let work = Script::writes("step").waits_at(&gate);
    let stepping = tokio::spawn(async move { here.commit(step, Some(work)).await });
    gate.reached().await;
    let resizing = tokio::spawn(async move {
        there.register(&rebuilt(1, 3)).await;
    });
    tokio::time::sleep(2 * SHORT).await;
    gate.open();
    let outcome = ended(stepping).await;
    ended(resizing).await;
    let (rows, until) = (tables.rows().await.len(), until(&tables.connect().await).await);
    assert_counted_or_refused(outcome, &partition(1), (rows, until));
}

/// The same, as often as they meet by chance.
pub async fn racing_steps_are_counted_or_refused(tables: Tables) {
    let [here, there, looks] = tables.handles().await;
    for round in 1..=12 {
        let version = round;
        let id = |number| super::sample_values::partition_of(version, number);
        here.register(&rebuilt(version, 2)).await;
        let first = lease(&here, "a", &id(0)).await;
        commit(&here, moves(&id(0), first.token, 0, 10)).await;
        let second = lease(&here, "a", &id(1)).await;
        let before = tables.rows().await.len();
        let (step, here, there) = (moves(&id(1), second.token, 0, 20), here.clone(), there.clone());
        let tasks: [futures_util::future::BoxFuture<'static, _>; 2] = [
            Box::pin(async move { here.commit(step, Some(Script::writes("step"))).await }),
            Box::pin(async move {
                there.register(&rebuilt(version, 3)).await;
                Ok(())
            }),
        ];
        let mut outcomes = at_once(tasks).await;
        let rows = tables.rows().await.len() - before;
        let found = row(&looks, &orders(version)).await.resize;
        let until = found.and_then(|resize| resize.until).map_or(0, |until| until.get());
        assert_counted_or_refused(outcomes.swap_remove(0), &id(1), (rows, until));
    }
}

/// Moves partitions of a number from here to there, and gives their leases back.
async fn moved(handle: &Handle, moved: &[(u32, u64, u64)]) {
    for (number, from, to) in moved {
        let partition = partition(*number);
        let grant = lease(handle, "moves", &partition).await;
        let work = Script::default();
        commit_with(handle, moves(&partition, grant.token, *from, *to), work).await;
        handle.release(&partition, grant.token).await;
    }
}

/// The leases of the first so many partitions.
async fn leases(handle: &Handle, count: u32) -> Vec<Grant> {
    let mut grants = Vec::new();
    for number in 0..count {
        grants.push(lease(handle, "a", &partition(number)).await);
    }
    grants
}

/// Asserts that partitions stay as they are, though every call has looked whether they can be divided.
async fn assert_drains(here: &Handle, there: &Handle, rule: &str, right: &[u64]) {
    here.beat(&beat("looks", &[1], LONG)).await;
    assert_eq!(positions(here, &orders(1)).await, right, "{rule}: after a beat");
    let grant = lease(there, "looks", &partition(0)).await;
    there.release(&partition(0), grant.token).await;
    assert_eq!(positions(here, &orders(1)).await, right, "{rule}: after a lease");
}

/// The position that the partitions stop at, 0 for the start.
async fn until(handle: &Handle) -> u64 {
    let resize = row(handle, &orders(1)).await.resize;
    let resize = resize.unwrap_or_else(|| panic!("the partitions are to be drained"));
    resize.until.map_or(0, |until| until.get())
}

/// Asserts that a step from the start to 20 was made, and partitions stop there, or was refused, and they stop at 10.
fn assert_counted_or_refused(
    outcome: Result<(), PortError>,
    partition: &PartitionId,
    found: (usize, u64),
) {
    let rule = "a step beside a resize is counted or refused";
    if outcome.is_ok() {
        assert_eq!(found, (1, 20), "{rule}: it was made; rows, and where partitions stop");
    } else {
        assert_lost(rule, outcome, partition);
        assert_eq!(found, (0, 10), "{rule}: it was refused; rows, and where partitions stop");
    }
}
