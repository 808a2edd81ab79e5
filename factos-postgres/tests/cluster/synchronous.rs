//! Commits wait for a standby: nothing that was acknowledged is lost, whatever becomes of the leader.

use std::{
    collections::BTreeMap,
    env,
    time::{Duration, Instant},
};

use factos_postgres::Mode;

use crate::{
    fault::Fault,
    ledger::{Ledger, Told},
    nodes::{cluster, pool_url, timeline, variable},
    stray::Stray,
    world::World,
};

/// How much more often the leader is broken than asked for, until an outcome is unknown: whether a commit is on its way at
/// that moment is chance.
const MORE_FAULTS: usize = 24;

/// How often the leader is broken; `FACTOS_FAILOVERS` says otherwise.
fn faults() -> usize {
    let asked = env::var("FACTOS_FAILOVERS").ok();
    let asked = asked.map(|text| text.parse().expect("FACTOS_FAILOVERS is a whole number"));
    asked.unwrap_or(Fault::ALL.len())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: run by scripts/failovers"]
async fn nothing_is_lost_and_no_boundary_is_broken() {
    assert_eq!(variable("FACTOS_CLUSTER_MODE"), "synchronous");
    cluster(&["wait"]).await;
    let keyed = World::start(Mode::Keyed, 16).await;
    let portable = World::start(Mode::Portable, 4).await;
    let mut strays = Ledger::default();
    let mut outages = BTreeMap::<Fault, Vec<Duration>>::new();
    let first_timeline = timeline().await.unwrap();
    let mut failovers = 0;
    for (turn, fault) in Fault::ALL.into_iter().cycle().take(faults() + MORE_FAULTS).enumerate() {
        if turn >= faults() && keyed.pulse.has_unknown() {
            break;
        }
        for world in [&keyed, &portable] {
            world.pulse.next_round();
            world.pulse.all_go_on(3, "before a fault").await;
        }
        let stray = Stray::at(&keyed.config, turn).await;
        let since = Instant::now();
        let struck = fault.strike(&keyed.pulse).await;
        portable.pulse.all_go_on(2, &format!("after {fault:?}")).await;
        let outage = keyed.pulse.longest_gap_since(since);
        println!("{fault:?} of {struck}: no acknowledgement for {:.1} s", outage.as_secs_f64());
        outages.entry(fault).or_default().push(outage);
        failovers += usize::from(fault.is_failover());
        let leading = keyed.config.clone().connect(&pool_url()).await.unwrap();
        let late = stray.send(leading);
        fault.mend(&struck).await;
        strays.merge(late.await.unwrap());
    }
    for world in [&keyed, &portable] {
        world.pulse.all_go_on(3, "in the end").await;
    }
    let led = timeline().await.unwrap() - first_timeline;
    print(&outages);
    let struck = outages.values().map(Vec::len).sum();
    assert!(struck >= faults(), "{struck} faults");
    assert_eq!(outages.len(), Fault::ALL.len().min(struck), "each kind of fault");
    assert!(led >= u32::try_from(failovers).unwrap(), "{led} of {failovers} failovers");
    let told = keyed.verify(strays).await;
    println!("keyed: {told}");
    assert_not_vacuous(&told, struck);
    let told = portable.verify(Ledger::default()).await;
    println!("portable: {told}");
}

fn print(outages: &BTreeMap<Fault, Vec<Duration>>) {
    for (fault, outages) in outages {
        let mut outages: Vec<_> = outages.iter().map(Duration::as_secs_f64).collect();
        outages.sort_by(f64::total_cmp);
        let median = outages[outages.len() / 2];
        let (least, most) = (outages[0], outages[outages.len() - 1]);
        println!(
            "{fault:?}: {} times, unavailable for {median:.1} s ({least:.1} to {most:.1})",
            outages.len()
        );
    }
}

fn assert_not_vacuous(told: &Told, faults: usize) {
    assert!(told.conflicts > 0, "nobody met a conflict: {told}");
    assert!(told.errors.values().sum::<usize>() >= faults, "the faults went by unnoticed: {told}");
    assert!(told.unknown > 0, "no outcome was unknown: {told}");
}
