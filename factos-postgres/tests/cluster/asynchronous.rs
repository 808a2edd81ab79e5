//! Commits wait for no standby: a failover loses what was acknowledged, and the log says so to everybody who was told
//! of it. What docs/operations.md says to do then brings all back.

use std::time::Instant;

use factos::{EventStore, Page};
use factos_postgres::Mode;

use crate::{
    audit,
    ledger::{Acknowledged, Ledger},
    nodes::{cluster, leader, variable},
    patience::until,
    pulse::Pulse,
    world::{FOLLOWERS, Remains, World},
};

/// Some on each handle.
const WRITERS: usize = 12;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: run by scripts/failovers"]
async fn what_is_lost_is_told_and_all_go_on() {
    assert_eq!(variable("FACTOS_CLUSTER_MODE"), "asynchronous");
    cluster(&["wait"]).await;
    let worlds =
        [World::start(Mode::Keyed, WRITERS).await, World::start(Mode::Portable, WRITERS).await];
    for world in &worlds {
        world.pulse.all_go_on(3, "before anything is lost").await;
    }
    // Each has the schemas of both logs, whichever of them leads.
    cluster(&["wait"]).await;
    let standbys = cluster(&["status", "replica"]).await;
    for standby in standbys.lines() {
        cluster(&["deafen", standby]).await;
    }
    for world in &worlds {
        let (_, received) = World::read(&world.config).await;
        world.pulse.next_round();
        world.pulse.all_go_on(3, "with what no standby receives").await;
        // Who was told of nothing that is lost may go on.
        world.pulse.all_have_seen_past(received.last().map(|last| last.position)).await;
    }
    let lost = leader().await;
    cluster(&["kill", &lost]).await;
    let killed = Instant::now();
    until("another node leads", async || {
        let leaders = cluster(&["status", "primary"]).await;
        !leaders.is_empty() && leaders != lost
    })
    .await;
    for world in &worlds {
        world.all_have_ended().await;
    }
    cluster(&["start", &lost]).await;
    cluster(&["wait"]).await;
    for world in worlds {
        comes_back(world, killed).await;
    }
}

/// The procedure of docs/operations.md.
async fn comes_back(world: World, killed: Instant) {
    let (config, mode) = (world.config.clone(), world.mode);
    // The writers are stopped, and everything that remembers the log with them.
    let Remains { ledgers, mut followed, projected } = world.stop().await;
    let (store, log) = World::read(&config).await;
    audit::verify_rules(&log);
    for ledger in &ledgers {
        verify_handle(&log, ledger, killed);
    }
    assert!(projected.went_back > 0, "{mode}: {projected}");
    for follower in &mut followed {
        assert!(follower.told.went_back > 0, "{mode}: {}", follower.told);
        assert!(follower.is_refused_by(&store).await, "{mode}: from {:?}", follower.kept);
        assert!(follower.reset(&log, store.log_id()), "{mode}: a follower saw nothing lost");
        assert!(!follower.is_refused_by(&store).await, "{mode}: from {:?}", follower.kept);
    }
    // The read model in the database of the log went back together with it, and with its checkpoint.
    let pulse = Pulse::of(WRITERS, FOLLOWERS + 1);
    // On the boundaries of what is lost.
    pulse.next_round();
    let mut world = World::go_on(config, mode, WRITERS, pulse, followed).await;
    world.pulse.all_go_on(3, "after the log was opened again").await;
    let ledgers = world.end_writers().await;
    let (_, grown) = World::read(&world.config).await;
    assert_eq!(grown[..log.len()], log[..], "{mode}: what was there is there");
    audit::verify_rules(&grown);
    for ledger in &ledgers {
        assert_eq!(ledger.told.went_back, 0, "{mode}: {}", ledger.told);
        assert_eq!(lost_of(&grown, ledger).count(), 0, "{mode}");
    }
    world.verify_followers(&grown).await;
}

/// Asserts that a handle that was told of what is lost said so, and before anything else of it was accepted.
fn verify_handle(log: &Page, ledger: &Ledger, killed: Instant) {
    let lost = lost_of(log, ledger).count();
    println!("{} acknowledged, {lost} of them lost; {}", ledger.acknowledged.len(), ledger.told);
    assert!(lost > 0, "nothing was lost");
    assert!(ledger.told.went_back > 0, "{lost} are lost, and nobody was told: {}", ledger.told);
    let late = ledger.acknowledged.iter().filter(|told| told.at > killed);
    let accepted = late.filter(|told| is_there(log, told)).count();
    assert_eq!(accepted, 0, "accepted after the log had gone back");
}

/// What was acknowledged and is not there.
fn lost_of<'a>(log: &'a Page, ledger: &'a Ledger) -> impl Iterator<Item = &'a Acknowledged> {
    ledger.acknowledged.iter().filter(|told| !is_there(log, told))
}

fn is_there(log: &Page, told: &Acknowledged) -> bool {
    let place = log.binary_search_by_key(&told.position, |record| record.position);
    place.is_ok_and(|place| log[place].id == told.id)
}
