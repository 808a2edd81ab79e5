//! Cases of several processes on one log, and of processes that are killed.
//!
//! The test binary starts itself: the worker is the test that
//! [`conformance_processes!`](crate::conformance_processes) makes of [`a_log_is_found_by_its_address`].

use super::{
    case::Case,
    difference::assert_same,
    fixture::ProcessFixture,
    random::Random,
    sample_values::event,
    store_calls::{append, whole_log},
    watched::Watched,
};
use crate::store::EventStore;

mod follow;
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
        })
        .needing("several_processes"),
        Case::new("process::a_subscription_sees_other_processes", move |log: Watched<F>| {
            a_subscription_sees_other_processes(log, worker)
        })
        .needing("several_processes"),
        Case::new(
            "process::a_killed_process_loses_nothing_acknowledged",
            move |log: Watched<F>| a_killed_process_loses_nothing_acknowledged(log, worker),
        )
        .needing("killed_processes"),
    ]
}

fn found_by_its_address<F: ProcessFixture>() -> Case {
    Case::new("process::a_log_is_found_by_its_address", a_log_is_found_by_its_address::<Watched<F>>)
}

/// A log is found by its address, with all its events.
pub async fn a_log_is_found_by_its_address<F: ProcessFixture>(log: F) {
    let address = log.address();
    assert!(!address.contains('\n'), "an address is one line: {address:?}");
    let here = log.connect().await;
    let id = here.log_id().to_owned();
    let mut written = append(&here, vec![event("A", &["x:1"])]).await;
    drop(here);
    let there = F::reach(&address).await;
    assert_eq!(there.log_id(), id, "a log has its identity wherever it is opened");
    let rule = "a log is found by its address, with all its events";
    assert_same(rule, &whole_log(&there).await, &written);
    written.extend(append(&there, vec![event("B", &[])]).await);
    drop(there);
    let rule = "what is appended by the address is in the log";
    assert_same(rule, &whole_log(&log.connect().await).await, &written);
}

/// Boundaries are exact across processes: three processes sell seats of overlapping halls at once, each
/// event says who sold it and what it was decided from, and the log confirms it and that they met.
pub async fn boundaries_hold_across_processes<F: ProcessFixture>(log: F, worker: &'static str) {
    sale::hold(&log, worker, &mut Random::new::<F>()).await;
}

/// Subscriptions give out what other processes append while they follow, each event once and in order, and say how far
/// they are complete.
pub async fn a_subscription_sees_other_processes<F: ProcessFixture>(log: F, worker: &'static str) {
    follow::sees_others(&log, worker).await;
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
                follow::TASK => follow::append_at_each_call(store().await, &task.argument).await,
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
/// fixture are put on every test. With `decline { capability: "reason" }` the tests of the cases that need the
/// capability are ignored.
///
/// A capability that does not exist cannot be declined:
///
/// ```compile_fail
/// # use factos::{EventStore, conformance::{Fixture, ProcessFixture}};
/// # struct Log;
/// # impl Fixture for Log {
/// #     type Store = Box<dyn EventStore>;
/// #     async fn fresh() -> Self { Self }
/// #     async fn connect(&self) -> Self::Store { std::future::pending().await }
/// # }
/// # impl ProcessFixture for Log {
/// #     fn address(&self) -> String { String::new() }
/// #     async fn reach(_: &str) -> Self::Store { std::future::pending().await }
/// # }
/// factos::conformance_processes!(Log, decline { no_such_capability: "there is none" });
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! conformance_processes {
    ($(#[$attribute:meta])* $fixture:ty $(, decline {
        $($capability:ident : $reason:literal),* $(,)?
    })? $(,)?) => {
        $crate::__conformance_process_tests! {
            ($) [$(#[$attribute])*] [$fixture] $($($capability $reason)*)?
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_process_tests {
    (($d:tt) [$($attributes:tt)*] [$fixture:ty] $($declined:ident $reason:literal)*) => {
        type ConformanceProcesses = $fixture;

        $($crate::__conformance_process_declinable!($declined);)*

        macro_rules! conformance_process_test {
            $(($declined $d case:ident) => {
                conformance_process_test!([#[ignore = $reason]] $d case);
            };)*
            ($d need:ident $d case:ident) => {
                conformance_process_test!([$($attributes)*] $d case);
            };
            ([$d($d attributes:tt)*] $d case:ident) => {
                $d($d attributes)*
                #[test]
                fn $d case() {
                    run(concat!("process::", stringify!($d case)));
                }
            };
        }

        mod process {
            const WORKER: &str = concat!(module_path!(), "::a_log_is_found_by_its_address");

            fn run(name: &str) {
                let cases =
                    $crate::conformance::process_cases::<super::ConformanceProcesses>(WORKER);
                let case = cases.iter().find(|case| case.name() == name);
                case.expect("a case of this name").run();
            }

            $($attributes)*
            #[test]
            fn a_log_is_found_by_its_address() {
                $crate::conformance::work::<super::ConformanceProcesses>();
            }

            conformance_process_test!(several_processes boundaries_hold_across_processes);
            conformance_process_test!(several_processes a_subscription_sees_other_processes);
            conformance_process_test!(killed_processes a_killed_process_loses_nothing_acknowledged);
        }
    };
}

/// Compiles for the capabilities that there are.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_process_declinable {
    (several_processes) => {};
    (killed_processes) => {};
    ($other:ident) => {
        compile_error!(concat!(
            "there is no `",
            stringify!($other),
            "` to decline here: the capabilities are `several_processes` and `killed_processes`",
        ));
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_case_is_listed_and_a_test() {
        let source = include_str!("process.rs");
        let cases: Vec<_> = source.split("\npub async fn ").skip(1).collect();
        assert_eq!(cases.len(), 4);
        for case in cases {
            let name = case.split('<').next().unwrap();
            let listed = source.split("Case::new(").skip(1);
            let name_of =
                |case: &str| case.trim_start().starts_with(&format!("\"process::{name}\""));
            assert_eq!(listed.filter(|case| name_of(case)).count(), 1, "{name}");
            let (works, runs) = (format!("            fn {name}() {{"), format!("s {name});\n"));
            assert_eq!(source.matches(&works).count() + source.matches(&runs).count(), 1, "{name}");
        }
    }
}
