//! The suite itself is tested here: a store that is wrong in one way fails the cases of the rule that it
//! breaks, and no others; a right store passes, however unusual it is.

#[path = "rejects_wrong_stores/hanging_stores.rs"]
mod hanging_stores;
#[path = "rejects_wrong_stores/log_in_memory.rs"]
mod log_in_memory;
#[path = "rejects_wrong_stores/right_stores.rs"]
mod right_stores;
#[path = "rejects_wrong_stores/shared_fixture.rs"]
mod shared_fixture;
#[path = "rejects_wrong_stores/store_by_rules.rs"]
mod store_by_rules;
#[path = "rejects_wrong_stores/store_rules.rs"]
mod store_rules;
#[path = "rejects_wrong_stores/suite_run.rs"]
mod suite_run;
#[path = "rejects_wrong_stores/wrong_absences.rs"]
mod wrong_absences;
#[path = "rejects_wrong_stores/wrong_batches.rs"]
mod wrong_batches;
#[path = "rejects_wrong_stores/wrong_bounds.rs"]
mod wrong_bounds;
#[path = "rejects_wrong_stores/wrong_commits.rs"]
mod wrong_commits;
#[path = "rejects_wrong_stores/wrong_conditions.rs"]
mod wrong_conditions;
#[path = "rejects_wrong_stores/wrong_faults.rs"]
mod wrong_faults;
#[path = "rejects_wrong_stores/wrong_handles.rs"]
mod wrong_handles;
#[path = "rejects_wrong_stores/wrong_limits.rs"]
mod wrong_limits;
#[path = "rejects_wrong_stores/wrong_matches.rs"]
mod wrong_matches;
#[path = "rejects_wrong_stores/wrong_records.rs"]
mod wrong_records;
#[path = "rejects_wrong_stores/wrong_revisions.rs"]
mod wrong_revisions;
#[path = "rejects_wrong_stores/wrong_snapshots.rs"]
mod wrong_snapshots;
#[path = "rejects_wrong_stores/wrong_waits.rs"]
mod wrong_waits;

use crate::{
    right_stores::Right,
    store_by_rules::{log, one_for_all},
    suite_run::{run_case, uncovered},
    wrong_bounds::AfterIsInclusive,
};

/// The one case that a wrong fixture fails, and not a wrong store.
const ISOLATED: &str = "handle::fixtures_are_isolated";

#[test]
fn a_log_that_fixtures_share_is_found() {
    assert!(run_case(one_for_all::<Right>, ISOLATED).is_err());
    assert!(run_case(log::<Right>, ISOLATED).is_ok());
}

#[test]
fn every_case_is_failed_by_some_store() {
    let covered = [
        wrong_absences::COVERED,
        wrong_batches::COVERED,
        wrong_bounds::COVERED,
        wrong_commits::COVERED,
        wrong_conditions::COVERED,
        wrong_faults::COVERED,
        wrong_handles::COVERED,
        wrong_matches::COVERED,
        wrong_records::COVERED,
        wrong_revisions::COVERED,
        wrong_snapshots::COVERED,
        wrong_waits::COVERED,
    ];
    assert_eq!(uncovered(log::<Right>, &covered.concat()), [ISOLATED]);
}

#[test]
fn a_list_of_operations_that_fails_is_made_short() {
    let failure =
        run_case(log::<AfterIsInclusive>, "model::random_operations_agree_with_a_plain_log");
    let failure = failure.expect_err("the case passes");
    let told = failure.downcast_ref::<String>().map_or("", |told| told);
    let (_, shortest) = told.split_once("minimal failing input").unwrap_or_default();
    let operations = shortest.matches("handle:").count();
    assert!((1..=4).contains(&operations), "{operations} operations: {told}");
}
