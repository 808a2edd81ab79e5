//! Runs the whole suite on a store and compares what fails with what must.

use std::{
    collections::BTreeSet,
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
