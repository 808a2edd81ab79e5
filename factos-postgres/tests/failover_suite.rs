//! The conformance suite on a synchronous pair of servers behind one address, which fails over again and again.
//! A caller who does what the errors say sees a log that keeps every rule.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

#[path = "support/cluster.rs"]
mod cluster;
#[path = "failover_suite/pair.rs"]
mod pair;
#[path = "failover_suite/persistent.rs"]
mod persistent;
#[path = "support/switch.rs"]
mod switch;

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use factos::conformance::{Case, Fixture, cases};
use factos_postgres::{Config, Mode};

use crate::{pair::Pair, persistent::Persistent, support::unique};

/// How many cases run at a time.
const THREADS: usize = 12;

/// How often the pair fails over at least.
const FAILOVERS: usize = 4;

/// Two callers send one batch. A caller who finds its batch by its ids cannot tell who appended it.
const AMBIGUOUS: &str = "concurrency::a_batch_sent_twice_at_once_is_appended_once";

static ADDRESS: OnceLock<String> = OnceLock::new();

struct Log<const KEYED: bool>(String);

impl<const KEYED: bool> Fixture for Log<KEYED> {
    type Store = Persistent;

    const MODEL_CASES: u32 = 20;
    // No commit ends while the pair has only one server.
    const SOON: Duration = Duration::from_secs(60);
    const PATIENCE: Duration = Duration::from_secs(400);

    async fn fresh() -> Self {
        Self(unique("log"))
    }

    async fn connect(&self) -> Persistent {
        let mode = if KEYED { Mode::Keyed } else { Mode::Portable };
        let config = Config::new().schema(&self.0).unwrap().mode(mode).create(true);
        Persistent::open(config.lock_timeout(Duration::from_secs(60)), ADDRESS.get().unwrap()).await
    }
}

/// Runs the cases, and returns the names of those that fail.
fn failures(cases: &[Case]) -> Vec<&'static str> {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut failed = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
            if case.name() != AMBIGUOUS && case.verdict().is_err() {
                failed.push(case.name());
            }
        }
        failed
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
fn every_case_passes_across_failovers() {
    let mut pair = Pair::start();
    ADDRESS.set(pair.url()).unwrap();
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let failovers = scope.spawn(|| {
            let mut failovers = 0;
            while !is_done.load(Ordering::SeqCst) || failovers < FAILOVERS {
                thread::sleep(Duration::from_secs(5));
                pair.fail_over();
                failovers += 1;
            }
            failovers
        });
        let mut failed = failures(&cases::<Log<true>>());
        failed.extend(failures(&cases::<Log<false>>()));
        is_done.store(true, Ordering::SeqCst);
        println!("{} failovers", failovers.join().unwrap());
        assert!(failed.is_empty(), "{failed:#?}");
    });
}
