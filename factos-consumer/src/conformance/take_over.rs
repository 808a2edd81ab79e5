//! Cases of versions that take over: what one has in hand is ended before the next one goes on.

use super::{
    handle::Handle,
    parallel::ended,
    port_calls::{
        all_parked, assert_lost, commit, commit_with, done, held, lease, lease_for,
        lease_once_free, numbers, park, partition_row, positions, row,
    },
    sample_values::{
        LONG, SHORT, anchor, at, beat, beat_for, due, moves, orders, parked, parked_for, parks,
        partition, partition_of, taking_over,
    },
    script::{Gate, Script},
    tables::Tables,
};
use crate::port::{ConsumerState, ParkedCount, Resize};

/// A higher version is live at once, and the one that was live is retired; while nothing of that is leased, the higher
/// one has its positions, keys and parked events at once, and that has nothing any more.
pub async fn what_is_free_is_taken_over_at_once(tables: Tables) {
    let handle = tables.connect().await;
    handle.register(&taking_over(1, 2)).await;
    let grant = moved(&handle, 1, 0, (0, 10)).await;
    handle.release(&partition(0), grant).await;
    park(&handle, &partition(1), [parked(4, Some("x")), parked(6, Some("x")), parked(8, None)])
        .await;
    let state = tables.connect().await.register(&taking_over(2, 2)).await;
    assert_eq!(state, ConsumerState::Live, "a higher version that takes over is live");
    assert_states(&handle, &[ConsumerState::Retired, ConsumerState::Live]).await;
    assert_eq!(positions(&handle, &orders(2)).await, [10, 0], "v2 has the positions of v1");
    let grant = lease(&handle, "b", &partition_of(2, 0)).await;
    assert_eq!(grant.anchor, Some(anchor(10)), "v2 goes on from the anchor of v1");
    assert_eq!(grant.blocked, ["x"], "v2 has the keys of v1 that wait");
    let second = lease(&handle, "b", &partition_of(2, 1)).await;
    assert_eq!(second.anchor, None, "v2 has not begun where v1 had not");
    let found = all_parked(&handle, &orders(2)).await;
    assert_eq!(numbers(&found), [4, 6, 8], "v2 has the parked events of v1");
    assert!(found.iter().all(|parked| parked.consumer == orders(2)), "they are its own");
    let found = handle.parked(&due(&partition_of(2, 0), 2), 10).await;
    assert_eq!(numbers(&found), [4, 8], "v2 tries the parked events of v1 again");
    assert_eq!(handle.acquire("a", &partition(0), LONG).await, None, "v1 is leased no more");
    assert_eq!(positions(&handle, &orders(1)).await, [0; 0], "v1 has no partitions any more");
    let count = handle.count_parked(&orders(1)).await;
    assert_eq!(count, ParkedCount::default(), "v1 has no parked events any more");
}

/// What is in hand is waited for: the retired version is granted no lease, but ends what it has leased, and until then
/// the live one has no partitions and is granted none.
pub async fn what_is_in_hand_is_waited_for(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&taking_over(1, 2)).await;
    let token = moved(&here, 1, 0, (0, 10)).await;
    there.register(&taking_over(2, 2)).await;
    assert_states(&there, &[ConsumerState::Retired, ConsumerState::Live]).await;
    assert_waits(&there, 2).await;
    let granted = there.acquire("a", &partition(1), LONG).await;
    assert_eq!(granted, None, "a version that is to hand over is granted no lease");
    commit_with(&here, moves(&partition(0), token, 10, 20), Script::writes("in hand")).await;
    here.report(&partition(0), token, "in hand").await;
    let error = partition_row(&there, &partition(0)).await.error;
    assert_eq!(error.as_deref(), Some("in hand"), "a report of what is in hand");
    let lost = here.beat(&beat_for("a", &[(partition(0), token)], LONG)).await.lost;
    assert_eq!(lost, [], "what is lost of what is in hand");
    commit(&here, parks(&partition(0), token, [parked(17, Some("x"))])).await;
    assert_waits(&there, 2).await;
    assert_eq!(tables.rows().await, ["in hand"], "what was written of what was in hand");
    here.release(&partition(0), token).await;
    there.beat(&beat("b", &[2], LONG)).await;
    assert_eq!(positions(&there, &orders(2)).await, [20, 0], "v2, once v1 has ended what it had");
    let grant = lease(&there, "b", &partition_of(2, 0)).await;
    assert_eq!((grant.anchor, grant.blocked), (Some(anchor(20)), vec!["x".to_owned()]), "v2");
    let rule = "a version that has handed over writes no more";
    assert_lost(rule, here.commit(moves(&partition(0), token, 20, 30), None).await, &partition(0));
}

/// A lease of a process that is gone is waited for until it runs out; its steps are made until then, and as long as they
/// were not handed over, and no more after that.
pub async fn a_lease_that_runs_out_is_waited_for(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&taking_over(1, 1)).await;
    let grant = lease_for(&here, "a", &partition(0), SHORT).await;
    there.register(&taking_over(2, 1)).await;
    let taken = lease_once_free(&there, "b", &partition_of(2, 0)).await;
    assert_eq!(taken.anchor, None, "v1 had not begun");
    let step = moves(&partition(0), grant.token, 0, 10);
    let outcome = here.commit(step, Some(Script::writes("late"))).await;
    assert_lost("a version that has handed over writes no more", outcome, &partition(0));
    let lost = here.beat(&beat_for("a", &held(&[(&partition(0), &grant)]), LONG)).await.lost;
    assert_eq!(lost, [partition(0)], "what v1 has lost");
    assert_eq!(tables.rows().await, [""; 0], "what was written by a version that had handed over");
    commit(&there, moves(&partition_of(2, 0), taken.token, 0, 10)).await;
}

/// A step whose transaction is open is in hand: the next version goes on behind it.
pub async fn an_open_step_is_in_hand(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&taking_over(1, 1)).await;
    let token = lease(&here, "a", &partition(0)).await.token;
    let (gate, step) = (Gate::closed(), moves(&partition(0), token, 0, 10));
    let work = Script::writes("v1").waits_at(&gate);
    let stepping = tokio::spawn(async move {
        let outcome = here.commit(step, Some(work)).await;
        here.release(&partition(0), token).await;
        outcome
    });
    gate.reached().await;
    let taking = tokio::spawn(async move {
        there.register(&taking_over(2, 1)).await;
        let grant = lease_once_free(&there, "b", &partition_of(2, 0)).await;
        let from = grant.anchor.as_ref().map_or(0, |anchor| anchor.position().get());
        let step = moves(&partition_of(2, 0), grant.token, from, 20);
        commit_with(&there, step, Script::writes("v2")).await;
        from
    });
    tokio::time::sleep(2 * SHORT).await;
    gate.open();
    done(ended(stepping).await, "a step that was in hand");
    assert_eq!(ended(taking).await, 10, "where v2 goes on");
    assert_eq!(tables.rows().await, ["v1", "v2"], "what both wrote, in this order");
}

/// A version that is to be divided otherwise begins a resize of what it takes over: it is drained first.
pub async fn what_is_taken_over_may_be_divided_otherwise(tables: Tables) {
    let handle = tables.connect().await;
    handle.register(&taking_over(1, 2)).await;
    let tokens = [moved(&handle, 1, 0, (0, 10)).await, moved(&handle, 1, 1, (0, 5)).await];
    handle.register(&taking_over(2, 3)).await;
    handle.register(&taking_over(2, 4)).await;
    commit(&handle, moves(&partition(1), tokens[1], 5, 20)).await;
    handle.leave("a").await;
    handle.beat(&beat("b", &[2], LONG)).await;
    let found = row(&handle, &orders(2)).await.resize;
    let right = Some(Resize { partitions: 4, until: at(20) });
    assert_eq!(found, right, "what v2 takes over is drained to the highest of it");
    assert_eq!(positions(&handle, &orders(2)).await, [10, 20], "v2 has the partitions of v1");
    let grant = lease(&handle, "b", &partition_of(2, 0)).await;
    commit(&handle, moves(&partition_of(2, 0), grant.token, 10, 20)).await;
    handle.leave("b").await;
    handle.beat(&beat("b", &[2], LONG)).await;
    assert_eq!(positions(&handle, &orders(2)).await, [20; 4], "what v2 took over, once drained");
}

/// A version that takes over while another one still waits goes on where the last one that ran has stood.
pub async fn versions_may_take_over_one_after_the_other(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&taking_over(1, 1)).await;
    let token = moved(&here, 1, 0, (0, 10)).await;
    for version in [2, 3] {
        assert_eq!(there.register(&taking_over(version, 1)).await, ConsumerState::Live);
    }
    let states = [ConsumerState::Retired, ConsumerState::Retired, ConsumerState::Live];
    assert_states(&there, &states).await;
    assert_waits(&there, 3).await;
    here.release(&partition(0), token).await;
    let grant = lease_once_free(&there, "b", &partition_of(3, 0)).await;
    assert_eq!(grant.anchor, Some(anchor(10)), "where v3 goes on, which v1 has come to");
    let granted = there.acquire("b", &partition_of(2, 0), LONG).await;
    assert_eq!(granted, None, "v2, which never had a partition");
}

/// A lower version is retired, and leaves the live one as it is.
pub async fn a_lower_version_is_retired(tables: Tables) {
    let handle = tables.connect().await;
    handle.register(&taking_over(5, 1)).await;
    let live = partition_of(5, 0);
    let grant = lease(&handle, "a", &live).await;
    commit(&handle, moves(&live, grant.token, 0, 10)).await;
    let state = handle.register(&taking_over(4, 1)).await;
    assert_eq!(state, ConsumerState::Retired, "v4, where v5 is live");
    let granted = handle.acquire("b", &partition_of(4, 0), LONG).await;
    assert_eq!(granted, None, "a version that is retired is not leased");
    let shown = handle.beat(&beat("b", &[4, 5], LONG)).await.consumers;
    let shown: Vec<_> = shown.into_iter().map(|row| row.consumer).collect();
    assert_eq!(shown, [orders(5)], "what a beat shows of v4 and v5");
    assert_eq!(row(&handle, &orders(5)).await.state, ConsumerState::Live, "v5 stays live");
    commit(&handle, moves(&live, grant.token, 10, 20)).await;
}

/// A version that was never live hands over nothing: what comes after goes on where the live one stood.
pub async fn a_version_that_was_never_live_hands_over_nothing(tables: Tables) {
    let handle = tables.connect().await;
    handle.register(&taking_over(5, 1)).await;
    let live = partition_of(5, 0);
    let grant = lease(&handle, "a", &live).await;
    commit(&handle, moves(&live, grant.token, 0, 10)).await;
    handle.register(&taking_over(4, 3)).await;
    handle.register(&taking_over(6, 1)).await;
    assert_waits(&handle, 6).await;
    handle.leave("a").await;
    let grant = lease_once_free(&handle, "b", &partition_of(6, 0)).await;
    assert_eq!(grant.anchor, Some(anchor(10)), "v6 goes on where v5 stood, and not v4");
}

/// To promote a version that takes over retires the live one and hands over what that has, and back again.
pub async fn promoting_hands_over_and_back(tables: Tables) {
    let handle = tables.connect().await;
    for version in [1, 2] {
        handle.register(&taking_over(version, 2)).await;
    }
    let token = moved(&handle, 2, 1, (0, 10)).await;
    handle.release(&partition_of(2, 1), token).await;
    park(&handle, &partition_of(2, 0), [parked_for(4, Some("x"), None)]).await;
    for (version, other, from) in [(1, 2, 10), (2, 1, 20)] {
        let work = Some(Script::writes(format!("promote v{version}")));
        done(handle.promote(&orders(version), work).await, "to promote");
        handle.beat(&beat("b", &[1, 2], LONG)).await;
        let states =
            [row(&handle, &orders(version)).await.state, row(&handle, &orders(other)).await.state];
        assert_eq!(states, [ConsumerState::Live, ConsumerState::Retired], "v{version}, v{other}");
        let found = positions(&handle, &orders(version)).await;
        assert_eq!(found, [0, from], "v{version} has the positions of v{other}");
        let resize = row(&handle, &orders(version)).await.resize;
        assert_eq!(resize, None, "v{version} was registered with as many partitions as v{other}");
        let found = numbers(&all_parked(&handle, &orders(version)).await);
        assert_eq!(found, [4], "v{version} has the parked events of v{other}");
        let granted = handle.acquire("b", &partition_of(other, 1), LONG).await;
        assert_eq!(granted, None, "v{other}, which has handed over");
        let token = moved(&handle, version, 1, (from, from + 10)).await;
        handle.release(&partition_of(version, 1), token).await;
    }
    assert_eq!(tables.rows().await, ["promote v1", "promote v2"], "what the work wrote");
}

/// A version that was never live, as it is lower, goes on where the live one stood once it is promoted, divided as it was
/// registered.
pub async fn a_lower_version_may_be_promoted(tables: Tables) {
    let handle = tables.connect().await;
    handle.register(&taking_over(5, 2)).await;
    for number in [0, 1] {
        let token = moved(&handle, 5, number, (0, 10)).await;
        handle.release(&partition_of(5, number), token).await;
    }
    handle.register(&taking_over(4, 3)).await;
    done(handle.promote(&orders(4), None).await, "to promote a lower version");
    handle.beat(&beat("b", &[4], LONG)).await;
    assert_eq!(
        positions(&handle, &orders(4)).await,
        [10; 3],
        "v4, which was registered with three"
    );
    assert_eq!(positions(&handle, &orders(5)).await, [0; 0], "v5, which has handed over");
}

/// To promote a version that has not handed over yet leaves it what it has, its leases too.
pub async fn promoting_back_in_time_loses_nothing(tables: Tables) {
    let handle = tables.connect().await;
    handle.register(&taking_over(1, 1)).await;
    let token = moved(&handle, 1, 0, (0, 10)).await;
    commit(&handle, parks(&partition(0), token, [parked(4, Some("x"))])).await;
    handle.register(&taking_over(2, 1)).await;
    assert_waits(&handle, 2).await;
    done(handle.promote(&orders(1), None).await, "to promote v1, which has not handed over");
    assert_states(&handle, &[ConsumerState::Live, ConsumerState::Retired]).await;
    assert_eq!(positions(&handle, &orders(1)).await, [10], "v1 keeps its positions");
    commit(&handle, moves(&partition(0), token, 10, 20)).await;
    handle.release(&partition(0), token).await;
    let grant = lease(&handle, "b", &partition(0)).await;
    let told = (grant.anchor, grant.blocked);
    assert_eq!(told, (Some(anchor(20)), vec!["x".to_owned()]), "v1 goes on with what it has");
}

/// To retire a version that is retired already and has not handed over yet leaves it what it has to hand over.
pub async fn retiring_what_is_to_hand_over_loses_nothing(tables: Tables) {
    let handle = tables.connect().await;
    handle.register(&taking_over(1, 1)).await;
    let token = moved(&handle, 1, 0, (0, 10)).await;
    commit(&handle, parks(&partition(0), token, [parked(4, Some("x"))])).await;
    handle.register(&taking_over(2, 1)).await;
    done(handle.retire(&orders(1)).await, "to retire v1, which is retired");
    commit(&handle, moves(&partition(0), token, 10, 20)).await;
    handle.release(&partition(0), token).await;
    let grant = lease_once_free(&handle, "b", &partition_of(2, 0)).await;
    let told = (grant.anchor, grant.blocked);
    assert_eq!(told, (Some(anchor(20)), vec!["x".to_owned()]), "v2 goes on where v1 stood");
}

/// Moves a partition of a version for process `a`, and returns the token of its lease.
async fn moved(
    handle: &Handle,
    version: u32,
    number: u32,
    (from, to): (u64, u64),
) -> crate::port::Token {
    let partition = partition_of(version, number);
    let grant = lease(handle, "a", &partition).await;
    commit(handle, moves(&partition, grant.token, from, to)).await;
    grant.token
}

/// Asserts how the versions from 1 on are shown.
async fn assert_states(handle: &Handle, right: &[ConsumerState]) {
    let found: Vec<_> = handle.consumers().await.into_iter().map(|row| row.state).collect();
    assert_eq!(found, right, "the states of the versions from 1 on");
}

/// Asserts that a version has no partitions, though every call has looked whether it can take over.
async fn assert_waits(handle: &Handle, version: u32) {
    let rule = "a version waits until what is in hand of the one before is ended";
    handle.beat(&beat("looks", &[version], LONG)).await;
    assert_eq!(positions(handle, &orders(version)).await, [0; 0], "{rule}: its partitions");
    let granted = handle.acquire("looks", &partition_of(version, 0), LONG).await;
    assert_eq!(granted, None, "{rule}: its first partition");
}
