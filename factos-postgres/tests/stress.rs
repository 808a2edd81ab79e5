//! The SQL under stress: every decision says in its event what it was based on, and the log is replayed
//! afterwards. SQL that is wrong in one way must be caught.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

#[path = "stress/audit.rs"]
mod audit;
#[path = "stress/clients.rs"]
mod clients;
#[path = "stress/followers.rs"]
mod followers;
#[path = "stress/race_mutants.rs"]
mod race_mutants;
#[path = "stress/rules.rs"]
mod rules;

use std::{env, mem::ManuallyDrop, process::Stdio, sync::Arc, time::Duration};

use factos::{EventStore, EventStoreExt, Query};
use factos_postgres::{
    Mode, PostgresStore,
    sqlx::postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    audit::Findings,
    clients::Clients,
    followers::Followers,
    race_mutants::RaceMutant,
    support::{Schema, url},
};

const HANDLES: usize = 4;

/// How many runs may pass before wrong SQL is found, and before the right SQL has decided enough.
const MOST_RUNS: usize = 20;

/// How many decisions a run of the right SQL holds at least, however slow the machine is.
const LEAST_DECISIONS: usize = 101;

/// How long the right SQL runs; longer by `FACTOS_STRESS_SECONDS`.
fn seconds(default: u64) -> Duration {
    let asked = env::var("FACTOS_STRESS_SECONDS").ok();
    let asked = asked.map(|text| text.parse().expect("FACTOS_STRESS_SECONDS is a whole number"));
    Duration::from_secs(asked.unwrap_or(default))
}

async fn handle(schema: &Schema, isolation: &str) -> PostgresStore {
    let options: PgConnectOptions = url().parse().unwrap();
    let options = options.options([("default_transaction_isolation", isolation)]);
    let pool = PgPoolOptions::new().max_connections(10).connect_with(options).await.unwrap();
    schema.config().open(pool).await.unwrap()
}

async fn handles(schema: &Schema) -> Vec<PostgresStore> {
    let mut handles = Vec::new();
    for _ in 0..HANDLES {
        handles.push(handle(schema, "read committed").await);
    }
    handles
}

/// Runs the clients on a log for a while and audits it. If `other` names a test, a second process runs that
/// test beside, which runs clients on the same log.
async fn run(schema: Schema, mutant: RaceMutant, time: Duration, other: Option<&str>) -> Findings {
    let schema = Arc::new(schema);
    // Opened before the SQL is broken: a store refuses locks that do not exclude.
    let handles = handles(&schema).await;
    // One on the handle of a writer, and two on handles of their own.
    let followed = [handles[0].clone(), schema.open().await, schema.open().await];
    let followers = Followers::start(followed);
    mutant.apply(&schema).await;
    if mutant == RaceMutant::SerializableInsteadOfLocks {
        for handle in &handles {
            handle.pool().set_connect_options(serializable());
        }
    }
    let child = other.map(|test| {
        let mut command = tokio::process::Command::new(env::current_exe().unwrap());
        command.args(["--exact", test, "--ignored", "--nocapture"]);
        command.env("FACTOS_TEST_SCHEMA", &schema.name);
        command.env("FACTOS_TEST_MILLIS", time.as_millis().to_string());
        command.stdout(Stdio::null()).spawn().unwrap()
    });
    let clients = Clients::of(&handles, mutant != RaceMutant::None);
    let least = if mutant == RaceMutant::None { LEAST_DECISIONS } else { 0 };
    let reads = clients.work_until(least, time, MOST_RUNS).await;
    if let Some(mut child) = child {
        assert!(child.wait().await.unwrap().success(), "the other process failed");
    }
    let log = handles[0].read_all(&Query::all()).await.unwrap();
    let followed = followers.finish(handles[0].head().await.unwrap()).await;
    let findings = Findings::of(&log, &reads, &followed);
    println!("{mutant:?}, {}: {findings}", schema.mode);
    findings
}

fn serializable() -> PgConnectOptions {
    let options: PgConnectOptions = url().parse().unwrap();
    options.options([("default_transaction_isolation", "serializable")])
}

/// What a test does in the second process: it only runs clients, on the log of the process that started it.
async fn work_for_another(name: String, mode: Mode) {
    // The process that made the schema drops it.
    let schema = ManuallyDrop::new(Schema { name, mode });
    let handles = handles(&schema).await;
    let time = Duration::from_millis(env::var("FACTOS_TEST_MILLIS").unwrap().parse().unwrap());
    Clients::of(&handles, false).work(time).await;
}

async fn is_exact(mode: Mode, test: &str) {
    if let Ok(name) = env::var("FACTOS_TEST_SCHEMA") {
        return work_for_another(name, mode).await;
    }
    let schema = Schema::new(mode).await;
    let findings = run(schema, RaceMutant::None, seconds(10), Some(test)).await;
    assert!(findings.is_clean(), "{findings}");
    assert!(findings.decisions >= LEAST_DECISIONS, "hardly anything was decided: {findings}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn right_sql_loses_nothing() {
    is_exact(Mode::Keyed, "right_sql_loses_nothing").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn right_portable_sql_loses_nothing() {
    is_exact(Mode::Portable, "right_portable_sql_loses_nothing").await;
}

/// Runs SQL that is wrong in one way on one log after another until that is found. A slow machine decides little in a run.
async fn is_caught(mutant: RaceMutant, is_found: impl Fn(&Findings) -> bool) {
    for _ in 0..MOST_RUNS {
        let schema = Schema::new(Mode::Keyed).await;
        if is_found(&run(schema, mutant, Duration::from_secs(6), None).await) {
            return;
        }
    }
    panic!("{mutant:?} was not found in {MOST_RUNS} runs");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn missing_locks_are_caught() {
    is_caught(RaceMutant::NoLocks, |found| found.lost_conflicts > 0 && found.broken_rules > 0)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn positions_before_locks_are_caught() {
    is_caught(RaceMutant::PositionsBeforeLocks, |found| {
        found.lost_conflicts + found.wrong_reads + found.wrong_revisions > 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_missing_barrier_is_caught() {
    is_caught(RaceMutant::NoBarrier, |found| found.wrong_reads > 0).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn missing_floor_marks_are_caught() {
    is_caught(RaceMutant::NoFloorMarks, |found| found.missed > 0).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn serializable_instead_of_locks_is_caught() {
    is_caught(RaceMutant::SerializableInsteadOfLocks, |found| {
        found.lost_conflicts + found.wrong_reads > 0
    })
    .await;
}
