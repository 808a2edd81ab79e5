//! Runs the whole suite on a store and compares what fails with what must.

use std::{
    collections::BTreeSet,
    env,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use factos::conformance::{Case, Fixture, cases};

/// How often a case is tried that fails only by chance.
const TRIES: usize = 10;

/// What these cases look at differs from run to run, so a wrong store fails them by chance unless it
/// says that it always does.
const ROLLS_DICE: &[&str] = &[
    "concurrency::a_capacity_is_never_exceeded",
    "concurrency::a_name_is_taken_once",
    "condition::generated_conditions_hold_by_the_reference",
    "query::generated_queries_match_by_the_reference",
    "read::options_combine",
];

/// What a wrong store fails.
pub(crate) struct Expected {
    /// These cases, and no others.
    pub(crate) fails: &'static [&'static str],
    /// These cases or, with a name that ends in `::`, others of these families fail at times: the flaw
    /// shows only in a race, or with some dice.
    pub(crate) may_fail: &'static [&'static str],
}

/// Asserts that every case passes.
pub(crate) fn accepts<F: Fixture>() {
    rejects::<F>(&Expected { fails: &[], may_fail: &[] });
}

/// Asserts that exactly the expected cases fail.
pub(crate) fn rejects<F: Fixture>(expected: &Expected) {
    let cases = cases::<F>();
    let failed = failed(&cases, |case| {
        let name = case.name();
        if expected.fails.contains(&name) {
            return (0..TRIES).any(|_| case.verdict().is_err());
        }
        let by_chance =
            ROLLS_DICE.iter().chain(expected.may_fail).any(|case| name.starts_with(case));
        !by_chance && case.verdict().is_err()
    });
    let fails: BTreeSet<_> = expected.fails.iter().copied().collect();
    let missed: Vec<_> = fails.difference(&failed).collect();
    let others: Vec<_> = failed.difference(&fails).collect();
    assert!(
        missed.is_empty() && others.is_empty(),
        "passed although they must fail: {missed:#?}, failed although they must pass: {others:#?}",
    );
}

/// What one case comes to.
pub(crate) fn verdict<F: Fixture>(name: &str) -> Result<(), Box<dyn std::any::Any + Send>> {
    let case = cases::<F>().into_iter().find(|case| case.name() == name);
    case.unwrap_or_else(|| panic!("no case {name}")).verdict()
}

/// Asserts that this case fails each time that it is tried, so often as `FACTOS_RACES` says.
pub(crate) fn is_always_caught<F: Fixture>(name: &str) {
    let rounds = env::var("FACTOS_RACES").map_or(20, |rounds| rounds.parse().unwrap_or(20));
    let (next, caught) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::SeqCst) < rounds {
                    let fails = verdict::<F>(name).is_err();
                    caught.fetch_add(usize::from(fails), Ordering::SeqCst);
                }
            });
        }
    });
    let caught = caught.into_inner();
    println!("{name}: caught {caught} of {rounds} times");
    assert_eq!(caught, rounds, "{name}");
}

/// The cases that none of these names covers.
pub(crate) fn uncovered<F: Fixture>(covered: &[&str]) -> Vec<&'static str> {
    let names = cases::<F>().into_iter().map(|case| case.name());
    names.filter(|name| !covered.contains(name)).collect()
}

fn failed(cases: &[Case], fails: impl Fn(&Case) -> bool + Sync) -> BTreeSet<&'static str> {
    let failed = Mutex::new(BTreeSet::new());
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if fails(case) {
                        failed.lock().unwrap_or_else(PoisonError::into_inner).insert(case.name());
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner)
}
