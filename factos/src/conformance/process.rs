//! Cases of several processes on one log, and of processes that are killed.
//!
//! The test binary starts itself: the worker is the test that
//! [`conformance_processes!`](crate::conformance_processes) makes of [`a_log_is_found_by_its_address`].

use super::{
    case::Case,
    fixture::ProcessFixture,
    random::Random,
    sample_values::event,
    store_calls::{append, whole_log},
    watched::Watched,
};
use crate::store::EventStore;

use worker::Worker;

mod kill;
mod sale;
mod worker;

/// The cases of several processes, for a test runner other than the
/// [macro](crate::conformance_processes!).
///
/// `worker` is the full name of a test of the same binary that does nothing but call [`work`].
#[must_use]
pub fn process_cases<F: ProcessFixture>(worker: &'static str) -> Vec<Case> {
    vec![
        found_by_its_address::<F>(),
        Case::new("process::boundaries_hold_across_processes", move |log: Watched<F>| {
            boundaries_hold_across_processes(log, worker)
        }),
        Case::new(
            "process::a_killed_process_loses_nothing_acknowledged",
            move |log: Watched<F>| a_killed_process_loses_nothing_acknowledged(log, worker),
        ),
    ]
}

fn found_by_its_address<F: ProcessFixture>() -> Case {
    Case::new("process::a_log_is_found_by_its_address", a_log_is_found_by_its_address::<Watched<F>>)
}

/// A log is found by its address, with all its events.
pub async fn a_log_is_found_by_its_address<F: ProcessFixture>(log: F) {
    let address = log.address();
    assert!(!address.contains('\n'), "an address is one line: {address:?}");
    let (here, there) = (log.connect().await, F::reach(&address).await);
    assert_eq!(here.log_id(), there.log_id());
    let mut written = append(&here, vec![event("A", &["x:1"])]).await;
    written.extend(append(&there, vec![event("B", &[])]).await);
    assert_eq!(whole_log(&here).await, written);
    assert_eq!(whole_log(&there).await, written);
}

/// Boundaries are exact across processes: three processes sell seats of overlapping halls at once, each
/// event says what it was decided from, and the log confirms it.
pub async fn boundaries_hold_across_processes<F: ProcessFixture>(log: F, worker: &'static str) {
    let mut random = Random::new::<F>();
    let sellers: Vec<_> = (0..sale::SELLERS)
        .map(|_| Worker::start(worker, &log.address(), sale::TASK, &random.u64().to_string()))
        .collect();
    for seller in sellers {
        seller.finish().await;
    }
    sale::verify(&whole_log(&log.connect().await).await);
}

/// A process that is killed at any moment loses nothing that it acknowledged and leaves no batch half
/// written, and positions, revisions, ids and conditions go on.
pub async fn a_killed_process_loses_nothing_acknowledged<F: ProcessFixture>(
    log: F,
    worker: &'static str,
) {
    let mut random = Random::new::<F>();
    let mut acknowledged = Vec::new();
    for round in 0..F::KILLS {
        acknowledged.extend(kill::round(&log, worker, round, &mut random).await);
        kill::goes_on(&log.connect().await, round).await;
    }
    kill::verify(&log.connect().await, &acknowledged, F::KILLS).await;
}

/// Does the work that this process was started for, if a case has started it. In any other process,
/// runs the case [`a_log_is_found_by_its_address`].
///
/// # Panics
/// If the rule does not hold, or the work cannot be done.
pub fn work<F: ProcessFixture>() {
    match worker::Task::given() {
        None => found_by_its_address::<F>().run(),
        Some(task) => worker::block_on(async move {
            let store = || F::reach(&task.address);
            match &*task.name {
                sale::TASK => sale::sell(store().await, &task.argument).await,
                kill::TASK => kill::append_until_killed(store, &task.argument).await,
                other => panic!("no such work: {other}"),
            }
        }),
    }
}

/// Makes one `#[test]` of each case of several processes, for a
/// [`ProcessFixture`](crate::conformance::ProcessFixture), in a module `process`.
///
/// It stands beside [`conformance!`](crate::conformance!), once in a module. Attributes before the
/// fixture are put on every test.
#[macro_export]
macro_rules! conformance_processes {
    ($(#[$attribute:meta])* $fixture:ty $(,)?) => {
        type ConformanceProcesses = $fixture;

        mod process {
            const WORKER: &str = concat!(module_path!(), "::a_log_is_found_by_its_address");

            fn run(name: &str) {
                let cases =
                    $crate::conformance::process_cases::<super::ConformanceProcesses>(WORKER);
                let case = cases.iter().find(|case| case.name() == name);
                case.expect("a case of this name").run();
            }

            $(#[$attribute])*
            #[test]
            fn a_log_is_found_by_its_address() {
                $crate::conformance::work::<super::ConformanceProcesses>();
            }

            $(#[$attribute])*
            #[test]
            fn boundaries_hold_across_processes() {
                run("process::boundaries_hold_across_processes");
            }

            $(#[$attribute])*
            #[test]
            fn a_killed_process_loses_nothing_acknowledged() {
                run("process::a_killed_process_loses_nothing_acknowledged");
            }
        }
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_case_is_listed_and_a_test() {
        let source = include_str!("process.rs");
        let cases: Vec<_> = source.split("\npub async fn ").skip(1).collect();
        assert_eq!(cases.len(), 3);
        for case in cases {
            let name = case.split('<').next().unwrap();
            let listed = source.split("Case::new(").skip(1);
            let name_of =
                |case: &str| case.trim_start().starts_with(&format!("\"process::{name}\""));
            assert_eq!(listed.filter(|case| name_of(case)).count(), 1, "{name}");
            assert_eq!(source.matches(&format!("            fn {name}() {{")).count(), 1, "{name}");
        }
    }
}
