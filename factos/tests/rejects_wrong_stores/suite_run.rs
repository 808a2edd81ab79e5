//! Runs the whole suite on a store, and compares the cases that fail with those that must fail.

use std::{
    any::Any,
    collections::BTreeMap,
    env,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use factos::conformance::Case;

use crate::shared_fixture::{MakeLog, with_cases};

/// How often a case is run that must fail, but may pass by chance.
const TRIES: usize = 10;

/// The cases that a wrong store fails.
pub(crate) struct Expected {
    /// These cases, and no others.
    pub(crate) fails: &'static [&'static str],
    /// These cases may fail, since the flaw shows only in a race. A name that ends in `::` stands for
    /// all other cases of the family.
    pub(crate) may_fail: &'static [&'static str],
}

/// The family whose cases are tested by wrong subscribers, in `rejects_wrong_subscribers`. It asks nothing of a
/// store that other families do not ask of its reads and waits, so wrong stores do not run it.
const OF_SUBSCRIBERS: &str = "subscription::";

/// The family of appends under two conditions. Of a store that makes them by the default it asks nothing that other
/// families do not ask of its reads and appends, so those that are wrong in anything else do not run it.
const OF_ABSENCE: &str = "absence::";

/// Asserts that every case passes.
pub(crate) fn accepts(make: MakeLog) {
    let failed = with_cases(make, |cases| failed(&cases.all, failure));
    assert!(failed.is_empty(), "failed although they must pass: {failed:#?}");
}

/// A wrong store runs one of so many of the cases that it must pass, unless `FACTOS_EVERY_CASE` is set. Which ones differs
/// from store to store, so that each case is run by a third of them.
const SHARES: u64 = 3;

/// Asserts that exactly the expected cases fail.
pub(crate) fn rejects(make: MakeLog, store: &str, expected: &Expected) {
    let is_every_case_run = env::var_os("FACTOS_EVERY_CASE").is_some();
    let mut others = with_cases(make, |cases| {
        failed(&cases.all, |case| {
            let name = case.name();
            if expected.fails.contains(&name) {
                let case = find(&cases.hasty, name);
                return (0..TRIES).find_map(|_| failure(case));
            }
            let by_chance = expected.may_fail.iter().any(|case| name.starts_with(case));
            let is_run = is_every_case_run || share(store, name) == 0;
            let is_elsewhere = name.starts_with(OF_SUBSCRIBERS) || name.starts_with(OF_ABSENCE);
            if by_chance || !is_run || is_elsewhere { None } else { failure(case) }
        })
    });
    let missed: Vec<_> =
        expected.fails.iter().filter(|name| others.remove(**name).is_none()).collect();
    assert!(
        missed.is_empty() && others.is_empty(),
        "passed although they must fail: {missed:#?}, failed although they must pass: {others:#?}",
    );
}

/// Which of the shares of a store a case belongs to.
fn share(store: &str, case: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (store, case).hash(&mut hasher);
    hasher.finish() % SHARES
}

/// Runs one case, and returns its outcome.
pub(crate) fn run_case(make: MakeLog, name: &str) -> Result<(), Box<dyn Any + Send>> {
    with_cases(make, |cases| find(&cases.all, name).verdict())
}

/// Asserts that this case fails, and tells the rule that the store breaks.
pub(crate) fn tells(make: MakeLog, name: &str, rule: &str) {
    let told = with_cases(make, |cases| {
        let case = find(&cases.hasty, name);
        (0..TRIES).find_map(|_| failure(case))
    });
    let told = told.unwrap_or_else(|| panic!("{name} passes"));
    assert!(told.contains(rule), "{name} does not say {rule:?}: {told}");
}

/// Asserts that this case fails every time that it is run: as often as `FACTOS_RACES` says, or 10
/// times.
pub(crate) fn is_always_caught(make: MakeLog, name: &str) {
    let rounds = env::var("FACTOS_RACES")
        .map_or(10, |rounds| rounds.parse().expect("FACTOS_RACES is a whole number"));
    let (next, caught) = (AtomicUsize::new(0), AtomicUsize::new(0));
    with_cases(make, |cases| {
        let case = find(&cases.all, name);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while next.fetch_add(1, Ordering::SeqCst) < rounds {
                        let fails = case.verdict().is_err();
                        caught.fetch_add(usize::from(fails), Ordering::SeqCst);
                    }
                });
            }
        });
    });
    let caught = caught.into_inner();
    println!("{name}: caught {caught} of {rounds} times");
    assert_eq!(caught, rounds, "{name}");
}

/// The cases that none of these names covers, without those of subscribers.
pub(crate) fn uncovered(make: MakeLog, covered: &[&str]) -> Vec<&'static str> {
    with_cases(make, |cases| {
        let names = cases.all.iter().map(Case::name);
        let of_stores = names.filter(|name| !name.starts_with(OF_SUBSCRIBERS));
        of_stores.filter(|name| !covered.contains(name)).collect()
    })
}

/// Makes a test of each store, which asserts that the store fails these cases and no others.
macro_rules! wrong_stores {
    ($($name:ident: $store:ident
        fails [$($fails:literal),* $(,)?] $(may fail [$($may:literal),* $(,)?])?;)*
    ) => {
        $(#[test]
        fn $name() {
            let expected = $crate::suite_run::Expected {
                fails: &[$($fails),*],
                may_fail: &[$($($may),*)?],
            };
            $crate::suite_run::rejects(
                $crate::store_by_rules::log::<$store>, stringify!($store), &expected);
        })*

        /// The cases that these stores fail for certain.
        pub(crate) const COVERED: &[&str] = &[$($($fails,)*)*];
    };
}

/// Makes a test of each store, which asserts that the store fails this case each time.
macro_rules! always_caught {
    ($($name:ident: $store:ident by $case:literal;)*) => {
        $(#[test]
        fn $name() {
            $crate::suite_run::is_always_caught($crate::store_by_rules::log::<$store>, $case);
        })*
    };
}

/// Makes a test of each store, which asserts that this case fails, and that it says so.
macro_rules! told {
    ($($name:ident: $store:ty, $case:literal says $rule:literal;)*) => {
        $(#[test]
        fn $name() {
            $crate::suite_run::tells($crate::store_by_rules::log::<$store>, $case, $rule);
        })*
    };
}

pub(crate) use {always_caught, told, wrong_stores};

fn find<'a>(cases: &'a [Case], name: &str) -> &'a Case {
    cases.iter().find(|case| case.name() == name).unwrap_or_else(|| panic!("no case {name}"))
}

/// What a case says when it is run and fails.
fn failure(case: &Case) -> Option<String> {
    let panic = case.verdict().err()?;
    let told = panic.downcast_ref::<String>().map(String::as_str);
    Some(told.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default().to_owned())
}

/// The cases that fail, with what they say.
fn failed(
    cases: &[Case],
    failure: impl Fn(&Case) -> Option<String> + Sync,
) -> BTreeMap<&'static str, String> {
    let failed = Mutex::new(BTreeMap::new());
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if let Some(told) = failure(case) {
                        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                        failed.insert(case.name(), told);
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner)
}
