//! A log after a restore: to a moment in the middle, from a dump into a younger server, and by an upgrade of the server. It
//! is what the original was then, handles that know more say so, and decisions go on as exactly as before.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

#[path = "restore/archive.rs"]
mod archive;
#[path = "stress/audit.rs"]
mod audit;
#[path = "stress/clients.rs"]
mod clients;
#[path = "support/cluster.rs"]
mod cluster;
#[path = "restore/copy.rs"]
mod copy;
#[path = "restore/documented.rs"]
mod documented;
#[path = "stress/followers.rs"]
mod followers;
#[path = "restore/original.rs"]
mod original;
#[path = "stress/rules.rs"]
mod rules;
#[path = "restore/suite.rs"]
mod suite;
#[path = "support/switch.rs"]
mod switch;
#[path = "restore/transaction_ids.rs"]
mod transaction_ids;
#[path = "restore/upgrade.rs"]
mod upgrade;

use factos_postgres::Mode;

use crate::{
    archive::{Archive, Moment},
    cluster::Cluster,
    copy::Copy,
    original::Original,
    upgrade::upgrade,
};

const BOTH: [Mode; 2] = [Mode::Keyed, Mode::Portable];

/// The two logs, and how the moment is told to which they are restored.
const MOMENTS: [(Mode, Moment); 3] = [
    (Mode::Keyed, Moment::Name),
    (Mode::Keyed, Moment::Time),
    (Mode::Portable, Moment::Transaction),
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_log_goes_on_from_the_moment_that_it_was_restored_to() {
    for (mode, moment) in MOMENTS {
        let archive = Archive::start();
        let original = Original::on(archive.server(), mode).await;
        let backup = archive.server().back_up();
        let work = original.work().await;
        let before = original.sell("before").await;
        let target = archive.target(moment).await;
        let after = original.sell("after").await;
        let history = work.end().await;
        archive.complete().await;
        archive.server().crash();
        archive.recover(&backup, &target).await;

        let copy = Copy::of(&backup, mode, &history).await;
        assert!(copy.has(before) && !copy.has(after), "{mode}, {moment:?}");
        original.went_back_to(&backup).await;
        copy.goes_on().await;
        suite::passes_on(&backup, mode).await;
    }
}

/// Events above it had been committed by then, and who saw it before says so.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_append_that_was_in_flight_at_the_moment_leaves_a_gap() {
    let archive = Archive::start();
    let original = Original::on(archive.server(), Mode::Keyed).await;
    let backup = archive.server().back_up();
    let below = original.sell("below").await;
    let (in_flight, transaction) = original.begin_to_sell("in flight").await;
    let above = original.sell("above").await;
    let target = archive.target(Moment::Name).await;
    transaction.commit().await.unwrap();
    let history = original.log().await;
    let ids: Vec<_> = history.iter().map(|record| record.id).collect();
    assert_eq!(ids, [below, in_flight, above]);
    archive.complete().await;
    archive.server().crash();
    archive.recover(&backup, &target).await;

    let copy = Copy::of(&backup, Mode::Keyed, &history).await;
    assert_eq!(copy.log(), &[history[0].clone(), history[2].clone()]);
    original.went_back_to(&backup).await;
    copy.goes_on().await;
}

/// The commands are those of the page on operations. No transaction id of the old server means anything in the new one.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_log_goes_on_in_a_younger_server_that_it_was_dumped_into() {
    for mode in BOTH {
        let (from, to) = (Cluster::start_new(), Cluster::start_newest());
        transaction_ids::spend(&from, 200_000).await;
        let original = Original::on(&from, mode).await;
        let work = original.work().await;
        let before = original.sell("before").await;
        documented::dump_and_restore(&mode.to_string(), &from, &to).await;
        let after = original.sell("after").await;
        let history = work.end().await;
        let (old, young) = (transaction_ids::next(&from).await, transaction_ids::next(&to).await);
        assert!(young * 50 < old, "{young} is not far below {old}");

        let copy = Copy::of(&to, mode, &history).await;
        assert!(copy.has(before) && !copy.has(after), "{mode}");
        original.went_back_to(&to).await;
        copy.goes_on().await;
        suite::passes_on(&to, mode).await;
    }
}

/// From the version of `FACTOS_POSTGRES_BIN` to that of `FACTOS_POSTGRES_NEWEST`, or to the same one.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_log_goes_on_after_an_upgrade_of_the_server() {
    let from = Cluster::start_new();
    let mut logs = Vec::new();
    for mode in BOTH {
        let original = Original::on(&from, mode).await;
        let history = original.work().await.end().await;
        logs.push((mode, original, history));
    }
    let to = upgrade(&from).await;
    for (mode, original, history) in logs {
        let copy = Copy::of(&to, mode, &history).await;
        assert_eq!(copy.log(), &history, "{mode}");
        original.goes_on_at(&to).await;
        copy.goes_on().await;
    }
    for mode in BOTH {
        suite::passes_on(&to, mode).await;
    }
}
