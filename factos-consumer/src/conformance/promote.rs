//! Cases of the switch between versions, and of what is retired.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{
    handle::Handle,
    parallel::{at_once, ended},
    port_calls::{
        all_parked, assert_failed, assert_lost, commit, done, lease, park, positions, row, told,
    },
    sample_values::{LONG, beat, moves, orders, parked, partition, partition_of, rebuilt},
    script::{Gate, Script},
    tables::Tables,
};
use crate::port::{ConsumerState, ParkedCount, PortError};

/// To promote a version makes it live, with what the work writes; the one that was live goes on beside it, and back.
pub async fn promoting_switches_the_versions(tables: Tables) {
    let [here, there] = tables.handles().await;
    two_versions(&here).await;
    let (first, second) = (partition(0), partition_of(2, 0));
    let grants = [lease(&here, "a", &first).await, lease(&here, "b", &second).await];
    commit(&here, moves(&first, grants[0].token, 0, 10)).await;
    commit(&here, moves(&second, grants[1].token, 0, 7)).await;
    for (version, states) in [
        (2, [ConsumerState::Beside, ConsumerState::Live]),
        (1, [ConsumerState::Live, ConsumerState::Beside]),
    ] {
        let work = Some(Script::writes(format!("v{version} is live")));
        done(there.promote(&orders(version), work).await, "to promote");
        assert_states(&here, states, &format!("after v{version} was promoted")).await;
        let found = [positions(&here, &orders(1)).await, positions(&here, &orders(2)).await];
        assert_eq!(found, [[10], [7]], "v1 and v2 stay where they are");
    }
    assert_eq!(tables.rows().await, ["v2 is live", "v1 is live"], "what the work wrote");
    commit(&here, moves(&first, grants[0].token, 10, 20)).await;
    commit(&here, moves(&second, grants[1].token, 7, 20)).await;
}

/// If the work of a promotion fails, nothing of it is kept, and the error says why.
pub async fn a_promotion_whose_work_fails_keeps_nothing(tables: Tables) {
    let work = Script::writes("lost").fails("the table is not there");
    keeps_nothing(&tables, work, "the table is not there").await;
}

/// If the work of a promotion panics, nothing of it is kept, and the port goes on.
pub async fn a_promotion_whose_work_panics_keeps_nothing(tables: Tables) {
    let work = Script::writes("lost").panics("index out of bounds");
    keeps_nothing(&tables, work, "index out of bounds").await;
}

/// If the future of a promotion is dropped, it is kept whole or not at all, and the port goes on.
pub async fn a_dropped_promotion_is_kept_whole_or_not_at_all(tables: Tables) {
    let handle = tables.connect().await;
    two_versions(&handle).await;
    let gate = Gate::closed();
    let consumer = orders(2);
    let promotion = handle.promote(&consumer, Some(Script::writes("v2 is live").waits_at(&gate)));
    tokio::select! {
        outcome = promotion => panic!("a promotion ends after its work, and came to {outcome:?}"),
        () = gate.reached() => {}
    }
    gate.open();
    // A promotion that goes on although nobody waits for it has ended once another one is made.
    let live = row(&handle, &orders(1)).await;
    done(handle.promote(&live.consumer, None).await, "to promote after a dropped promotion");
    done(handle.promote(&orders(2), Some(Script::writes("again"))).await, "to promote once more");
    assert_states(&handle, [ConsumerState::Beside, ConsumerState::Live], "at the end").await;
    let rows = tables.rows().await;
    let is_right = rows == ["again"] || rows == ["v2 is live", "again"];
    assert!(is_right, "a dropped promotion is kept whole or not at all: {rows:?}");
}

/// Nobody sees the work of a promotion without the switch, or no live version, or two, while versions are promoted.
pub async fn one_version_is_live_at_all_times(tables: Tables) {
    let [here, there] = tables.handles().await;
    let looking: [Handle; 2] = tables.handles().await;
    two_versions(&here).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let looking = looking.map(|handle| {
        let is_over = is_over.clone();
        tokio::spawn(async move {
            let mut looks = 0_u32;
            while !is_over.load(Ordering::SeqCst) || looks < 5 {
                let rows = handle.consumers().await;
                let live = rows.iter().filter(|row| row.state == ConsumerState::Live).count();
                assert_eq!(live, 1, "versions that are live at one moment, of {rows:?}");
                looks += 1;
            }
        })
    });
    let promoting = [(here, 1_u32), (there, 2)].map(|(handle, first)| async move {
        for round in 0..12 {
            let version = (first + round) % 2 + 1;
            let work = Some(Script::writes(format!("{first} {round}")));
            done(handle.promote(&orders(version), work).await, "to promote");
        }
    });
    at_once(promoting).await;
    is_over.store(true, Ordering::SeqCst);
    for looks in looking {
        ended(looks).await;
    }
    assert_eq!(tables.rows().await.len(), 24, "rows of promotions that were made");
}

/// While the transaction of a promotion is open, others see the versions as they were; then both changes at once.
pub async fn an_open_promotion_is_seen_by_nobody(tables: Tables) {
    let [here, there] = tables.handles().await;
    two_versions(&here).await;
    let gate = Gate::closed();
    let work = Script::writes("v2 is live").waits_at(&gate);
    let promoting = tokio::spawn(async move { here.promote(&orders(2), Some(work)).await });
    gate.reached().await;
    let opens = gate.clone();
    let looking = tokio::spawn(async move {
        let rows = there.consumers().await;
        let states = [rows[0].state, rows[1].state];
        // A port may have those wait who look meanwhile.
        let right = if opens.is_open() {
            vec![
                [ConsumerState::Live, ConsumerState::Beside],
                [ConsumerState::Beside, ConsumerState::Live],
            ]
        } else {
            vec![[ConsumerState::Live, ConsumerState::Beside]]
        };
        assert!(right.contains(&states), "v1 and v2 while v2 is promoted: {states:?}");
    });
    tokio::time::sleep(super::sample_values::SHORT).await;
    gate.open();
    done(ended(promoting).await, "to promote");
    ended(looking).await;
    let handle = tables.connect().await;
    assert_states(&handle, [ConsumerState::Beside, ConsumerState::Live], "at the end").await;
}

/// To promote the version that is live leaves it so, and the work is done.
pub async fn the_live_version_stays_live(tables: Tables) {
    let handle = tables.connect().await;
    two_versions(&handle).await;
    let grant = lease(&handle, "a", &partition(0)).await;
    let work = Some(Script::writes("v1 is live"));
    done(handle.promote(&orders(1), work).await, "to promote the live version");
    assert_states(&handle, [ConsumerState::Live, ConsumerState::Beside], "v1 stays live").await;
    assert_eq!(tables.rows().await, ["v1 is live"], "what the work wrote");
    commit(&handle, moves(&partition(0), grant.token, 0, 10)).await;
    let fails = Some(Script::writes("lost").fails("no"));
    assert_failed("work that fails", handle.promote(&orders(1), fails).await, "no");
    assert_eq!(tables.rows().await, ["v1 is live"], "what work that failed wrote");
}

/// A version that was never registered is neither promoted nor retired, and the error names it.
pub async fn what_is_unknown_is_told(tables: Tables) {
    let handle = tables.connect().await;
    two_versions(&handle).await;
    let promoted = handle.promote(&orders(3), Some(Script::writes("lost"))).await;
    for outcome in [promoted, handle.retire(&orders(3)).await] {
        match outcome {
            Err(PortError::Unknown(consumer)) => assert_eq!(consumer, orders(3), "what is unknown"),
            Err(error) => panic!("what is unknown is told as such, found {}", told(&error)),
            Ok(()) => panic!("what is unknown is neither promoted nor retired"),
        }
    }
    assert_eq!(tables.rows().await, [""; 0], "what the work wrote for an unknown version");
    assert_states(&handle, [ConsumerState::Live, ConsumerState::Beside], "v1 and v2 stay").await;
    assert_eq!(handle.consumers().await.len(), 2, "the versions that are known");
}

/// A version to be rebuilt that is retired is promoted no more: what it had is gone.
pub async fn a_retired_version_is_not_promoted(tables: Tables) {
    let handle = tables.connect().await;
    two_versions(&handle).await;
    done(handle.retire(&orders(2)).await, "to retire the version beside");
    match handle.promote(&orders(2), Some(Script::writes("lost"))).await {
        Err(PortError::IsRetired(consumer)) => assert_eq!(consumer, orders(2), "what is retired"),
        Err(error) => panic!("what is retired is told as such, found {}", told(&error)),
        Ok(()) => panic!("a version that is retired is not promoted, and was"),
    }
    assert_eq!(tables.rows().await, [""; 0], "what the work wrote for a retired version");
    let states = [ConsumerState::Live, ConsumerState::Retired];
    assert_states(&handle, states, "v1 and v2 stay").await;
}

/// The version that is live is not retired.
pub async fn the_live_version_is_not_retired(tables: Tables) {
    let handle = tables.connect().await;
    two_versions(&handle).await;
    let grant = lease(&handle, "a", &partition(0)).await;
    match handle.retire(&orders(1)).await {
        Err(PortError::IsLive(consumer)) => assert_eq!(consumer, orders(1), "what is live"),
        Err(error) => panic!("what is live is told as such, found {}", told(&error)),
        Ok(()) => panic!("the version that is live is not retired, and was"),
    }
    assert_states(&handle, [ConsumerState::Live, ConsumerState::Beside], "v1 and v2 stay").await;
    commit(&handle, moves(&partition(0), grant.token, 0, 10)).await;
}

/// A version that is retired is leased no more, its lease is ended, and its positions and parked events are gone; to retire
/// it once more changes nothing.
pub async fn what_is_retired_is_gone(tables: Tables) {
    let handle = tables.connect().await;
    two_versions(&handle).await;
    let second = partition_of(2, 0);
    park(&handle, &second, [parked(3, Some("x"))]).await;
    park(&handle, &partition(0), [parked(3, Some("x"))]).await;
    let grant = lease(&handle, "a", &second).await;
    commit(&handle, moves(&second, grant.token, 0, 10)).await;
    for _ in 0..2 {
        done(handle.retire(&orders(2)).await, "to retire the version beside");
        let states = [ConsumerState::Live, ConsumerState::Retired];
        assert_states(&handle, states, "v1 and v2, which is retired").await;
    }
    let rule = "a step of a version that is retired is refused";
    let work = Some(Script::writes("lost"));
    assert_lost(rule, handle.commit(moves(&second, grant.token, 10, 20), work).await, &second);
    assert_eq!(handle.acquire("b", &second, LONG).await, None, "what is retired is not leased");
    let shown = handle.beat(&beat("a", &[1, 2], LONG)).await.consumers;
    let shown: Vec<_> = shown.into_iter().map(|row| row.consumer).collect();
    assert_eq!(shown, [orders(1)], "what a beat shows");
    assert_eq!(all_parked(&handle, &orders(2)).await, [], "what is parked of a retired version");
    let count = handle.count_parked(&orders(2)).await;
    assert_eq!(count, ParkedCount::default(), "how much is parked of a retired version");
    assert_eq!(positions(&handle, &orders(2)).await, [0; 0], "where a retired version is");
    assert_eq!(all_parked(&handle, &orders(1)).await.len(), 1, "what is parked of v1");
    assert_eq!(tables.rows().await, [""; 0], "what was written by a retired version");
}

/// The first version, which is live, and the second one beside it.
async fn two_versions(handle: &Handle) {
    for version in [1, 2] {
        handle.register(&rebuilt(version, 1)).await;
    }
}

async fn assert_states(handle: &Handle, right: [ConsumerState; 2], rule: &str) {
    let found = [row(handle, &orders(1)).await.state, row(handle, &orders(2)).await.state];
    assert_eq!(found, right, "{rule}");
}

/// Asserts that nothing is kept of a promotion whose work comes to such an end, and that the next one is made.
async fn keeps_nothing(tables: &Tables, work: Script, why: &str) {
    let rule = "a promotion whose work does not end well keeps nothing";
    let handle = tables.connect().await;
    two_versions(&handle).await;
    assert_failed(rule, handle.promote(&orders(2), Some(work)).await, why);
    assert_states(&handle, [ConsumerState::Live, ConsumerState::Beside], rule).await;
    assert_eq!(tables.rows().await, [""; 0], "{rule}: rows");
    done(handle.promote(&orders(2), Some(Script::writes("v2 is live"))).await, "the next one");
    assert_states(&handle, [ConsumerState::Beside, ConsumerState::Live], "the next one").await;
    assert_eq!(tables.rows().await, ["v2 is live"], "what the work of the next one wrote");
}
