//! Cases of random operations, whose results are compared with those of a plain log.
//!
//! The plain log is a list that follows the rules to the letter.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
};

use proptest::{
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestCaseResult, TestRng, TestRunner},
};
use tokio::{runtime::Handle, task::spawn_blocking};

use super::{fixture::Fixture, parallel::soon, random::Random, setting::number};

use command::{each_end, steps};
use operation::{HANDLES, Operation, operations};
use plain_log::{PlainLog, Tally};

mod command;
mod operation;
mod plain_log;

const CASES: &str = "FACTOS_CONFORMANCE_CASES";

/// How many milliseconds, and how many tries, are spent to shorten a list that fails.
const SHRINK_TIME: u32 = 10_000;
const SHRINKS: u32 = 2_000;

/// Every list of operations has the same results on the store as on a plain log.
pub async fn random_operations_agree_with_a_plain_log<F: Fixture>(log: F) {
    agree(log, false).await;
}

/// Every list of operations has the same results on the store as on a plain log, even if the list
/// closes all handles and opens the log again.
pub async fn random_reopening_agrees_with_a_plain_log<F: Fixture>(log: F) {
    agree(log, true).await;
}

/// Commands that are decided from memory, by dispatchers beside one another and beside plain dispatches and appends,
/// have the same outcomes as on a plain list of facts.
pub async fn random_commands_agree_with_a_plain_log<F: Fixture>(log: F) {
    drop(log);
    let told = Arc::new(Mutex::default());
    let of_all = Arc::clone(&told);
    // A few random lists may lack an end that a command comes to.
    if let Err(failure) = soon::<F, _>("a step", command::run::<F>(&each_end(), &told)).await {
        panic!("{failure}");
    }
    check::<F, _>(F::settings().model_cases.div_ceil(3), steps(), move |steps, runtime| {
        runtime.block_on(soon::<F, _>("a step", command::run::<F>(&steps, &told)))
    })
    .await;
    of_all.lock().unwrap().assert_varied();
}

/// Runs generated lists of operations, each on a fresh log, and shortens a list that fails.
async fn agree<F: Fixture>(log: F, reopening: bool) {
    drop(log);
    let tally = Arc::new(Mutex::default());
    let cases =
        if reopening { F::settings().model_cases.div_ceil(3) } else { F::settings().model_cases };
    let of_all = Arc::clone(&tally);
    check::<F, _>(cases, operations(reopening), move |operations, runtime| {
        runtime.block_on(soon::<F, _>("an operation", run::<F>(&operations, &tally)))
    })
    .await;
    of_all.lock().unwrap().assert_varied();
}

/// Checks so many generated values, and shortens one that fails.
async fn check<F: Fixture, S>(
    cases: u32,
    values: S,
    check: impl Fn(S::Value, &Handle) -> TestCaseResult + Send + 'static,
) where
    S: Strategy + Send + 'static,
{
    let runtime = Handle::current();
    let running = spawn_blocking(move || {
        let random = Random::new::<F>();
        let outcome = runner(&random, cases).run(&values, |value| check(value, &runtime));
        if let Err(failure) = outcome {
            panic!("{failure}");
        }
    });
    if let Err(failed) = running.await {
        std::panic::resume_unwind(failed.into_panic());
    }
}

fn runner(random: &Random, cases: u32) -> TestRunner {
    let config = Config {
        cases: number(CASES).map_or(cases, NonZeroU32::get).max(1),
        max_shrink_time: SHRINK_TIME,
        max_shrink_iters: SHRINKS,
        failure_persistence: None,
        ..Config::default()
    };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&random.seed().to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

async fn run<F: Fixture>(operations: &[Operation], tally: &Mutex<Tally>) -> TestCaseResult {
    let log = F::fresh().await;
    let mut handles = connect(&log).await;
    let mut plain = PlainLog::default();
    for (n, operation) in operations.iter().enumerate() {
        let told = |reason: TestCaseError| {
            TestCaseError::fail(format!("operation {n}, {operation:?}: {reason}"))
        };
        match operation {
            Operation::Append { handle, batch, guard } => {
                plain.append(&handles[*handle], batch, guard).await
            }
            Operation::Read { handle, selection, bounds } => {
                plain.read(&handles[*handle], selection, bounds).await
            }
            Operation::Head { handle } => plain.head(&handles[*handle]).await,
            Operation::Reopen => {
                handles.clear();
                handles = connect(&log).await;
                plain.whole(&handles[0]).await
            }
        }
        .map_err(told)?;
    }
    tally.lock().unwrap().add(plain.tally());
    plain.whole(&handles[0]).await
}

async fn connect<F: Fixture>(log: &F) -> Vec<F::Store> {
    let mut handles = Vec::with_capacity(HANDLES);
    for _ in 0..HANDLES {
        handles.push(log.connect().await);
    }
    handles
}

#[cfg(test)]
mod tests {
    use super::{operation::Operation, *};

    #[test]
    fn operations_of_one_seed_are_the_same() {
        let of_seed = |seed| {
            use proptest::strategy::{Strategy, ValueTree};
            let mut runner = TestRunner::new_with_rng(
                Config::default(),
                TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]),
            );
            let lists = (0..20).map(|_| operations(true).new_tree(&mut runner).unwrap().current());
            lists.collect::<Vec<Vec<Operation>>>()
        };
        assert_eq!(format!("{:?}", of_seed(1)), format!("{:?}", of_seed(1)));
        assert_ne!(format!("{:?}", of_seed(1)), format!("{:?}", of_seed(2)));
        assert!(of_seed(1).concat().iter().any(|o| matches!(o, Operation::Reopen)));
    }
}
