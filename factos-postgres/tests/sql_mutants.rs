//! The SQL with one protection taken away is caught by the suite, by name.
//!
//! Each mutant creates its logs from changed SQL. Where the flaw shows only in a race, transactions also
//! sleep a little between their positions and their commit. The controls have these sleeps and every
//! protection, and must pass.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

#[path = "support/flushed.rs"]
mod flushed;
#[path = "support/handle.rs"]
mod handle;
#[path = "sql_mutants/log.rs"]
mod log;

use factos::conformance::{Case, cases};
use factos_postgres::Mode;

use crate::log::{Change, Log, Mutant};

macro_rules! mutants {
    ($($name:ident: $mode:ident, $changes:expr, fails [$($case:literal),* $(,)?];)*) => {
        /// Tests that a log without a protection fails these cases.
        mod without {
            use super::*;

            $(#[test]
            #[ignore = "needs a PostgreSQL server: run by scripts/mutation-tests"]
            fn $name() {
                struct This;

                impl Mutant for This {
                    const MODE: Mode = Mode::$mode;

                    fn changes() -> Vec<Change> {
                        $changes
                    }
                }

                is_caught::<This>(stringify!($name), &[$($case),*]);
            })*
        }

        /// Every case that a mutant fails.
        const CASES: &[&str] = &[$($($case,)*)*];
    };
}

/// Transactions sleep before their events are inserted and before their commit.
const SLEEPS: &[Change] = &[
    (
        "  IF cardinality(ids) = 1 THEN\n    only_tags :=",
        "  PERFORM pg_sleep(random() * 0.003);\n  IF cardinality(ids) = 1 THEN\n    only_tags :=",
    ),
    ("RETURN ARRAY[revision];", "PERFORM pg_sleep(random() * 0.003); RETURN ARRAY[revision];"),
    ("RETURN revisions;", "PERFORM pg_sleep(random() * 0.003); RETURN revisions;"),
];

/// The same of the function for one event, which only a keyed log has.
const SLEEPS_OF_ONE: &[Change] = &[
    (
        "  only_tags := tag_literal::text[];\n",
        "  only_tags := tag_literal::text[]; PERFORM pg_sleep(random() * 0.003);\n",
    ),
    ("RETURN ARRAY[0, place", "PERFORM pg_sleep(random() * 0.003); RETURN ARRAY[0, place"),
];

/// Batches take their positions one by one and slowly, so that the positions of several alternate.
const ALTERNATION: Change = (
    "SELECT array_agg(nextval('factos.position_seq')) INTO positions FROM generate_series(1, wanted);",
    "FOR i IN 1..wanted LOOP
       positions := positions || nextval('factos.position_seq'); PERFORM pg_sleep(random() * 0.003);
     END LOOP;",
);

/// The changes of a flaw of a keyed log that shows only in a race, with the sleeps that let it show.
fn slowly(changes: &[Change]) -> Vec<Change> {
    [SLEEPS, SLEEPS_OF_ONE, changes].concat()
}

/// The same of a portable log.
fn slowly_portable(changes: &[Change]) -> Vec<Change> {
    [SLEEPS, changes].concat()
}

/// How often a case is run until it fails. A flaw that shows in a race shows in most runs, and not in each.
const TRIES: usize = 5;

/// Asserts that a log without a protection fails these cases, though it appends and reads.
fn is_caught<M: Mutant>(name: &str, fails: &[&str]) {
    find::<M>("append::returned_records_equal_a_later_read").run();
    for case in fails {
        let failures = (1..=TRIES).map(|run| (run, find::<M>(case).verdict()));
        let failure = failures.filter_map(|(run, verdict)| Some((run, verdict.err()?))).next();
        let (run, failure) = failure.unwrap_or_else(|| {
            panic!("without {name}, {case} passes {TRIES} times");
        });
        let told = failure.downcast_ref::<String>().map_or("", |told| told);
        assert!(!told.contains("PgDatabaseError"), "without {name}, {case} meets an error: {told}");
        let said = told.lines().next().unwrap_or_default();
        println!("red without {name}, in run {run}: {case}\n    {said}");
    }
}

fn find<M: Mutant>(name: &str) -> Case {
    let case = cases::<Log<M>>().into_iter().find(|case| case.name() == name);
    case.unwrap_or_else(|| panic!("no case {name}"))
}

mutants! {
    the_lock_of_an_append: Keyed, slowly(&[
        ("  held := factos._lock(names, exclusive, may_wait);\n  IF held", "  IF held"),
        ("  held := factos._try_locks(names, exclusive);\n  IF held", "  IF held"),
    ]), fails [
        "concurrency::one_of_many_contenders_wins",
        "concurrency::a_counter_reaches_the_exact_total",
    ];
    exclusive_locks: Keyed, slowly(&[("WHEN exclusive[place] THEN", "WHEN false THEN")]), fails [
        "concurrency::one_of_many_contenders_wins",
    ];
    the_locks_of_tags: Keyed, slowly(&[
        (LOCK_OF_A_NAME, "CONTINUE WHEN names[place] LIKE 't:%'; is_free := CASE"),
    ]), fails [
        "concurrency::a_name_is_taken_once",
        "concurrency::one_of_many_contenders_wins",
    ];
    the_locks_of_types: Keyed, slowly(&[
        (LOCK_OF_A_NAME, "CONTINUE WHEN names[place] LIKE 'y:%'; is_free := CASE"),
    ]), fails [
        "concurrency::a_decision_on_a_type_sees_every_event",
    ];
    the_lock_of_the_whole_log: Keyed, slowly(&[
        ("    ignored := pg_advisory_xact_lock(1178796033, 0);\n", ""),
    ]), fails [
        "concurrency::a_decision_on_everything_sees_every_event",
    ];
    the_share_in_the_whole_log: Keyed, slowly(&[
        ("  IF NOT pg_try_advisory_xact_lock_shared(1178796033, 0) THEN\n", "  IF false THEN\n"),
    ]), fails [
        "concurrency::a_decision_on_everything_sees_every_event",
    ];
    locks_before_positions: Keyed, slowly(&[
        ("  accepted int[];\n", "  accepted int[];\n  early bigint[];\n"),
        ("  held := factos._lock(names, exclusive, may_wait);\n  IF held",
         "  early := factos._take_positions(cardinality(ids));\n  held := factos._lock(names, exclusive, may_wait);\n  IF held"),
        ("positions := factos._take_positions(cardinality(ids));", "positions := early;"),
        ("positions := factos._take_positions(cardinality(accepted));", "positions := early[1:cardinality(accepted)];"),
        ("  place bigint;\n", "  place bigint := (factos._take_positions(1))[1];\n"),
        ("  place := (factos._take_positions(1))[1];\n", ""),
    ]), fails [
        "visibility::nothing_appears_below_observed_of_a_tag",
    ];
    positions_one_by_one: Keyed, slowly(&[("START 0 CACHE 1;", "START 0 CACHE 20;")]), fails [
        "visibility::following_every_event_is_gapless",
        "visibility::nothing_appears_below_observed_of_a_tag",
    ];
    the_barrier_of_a_read: Keyed, slowly(&[
        ("    held := factos._lock(names, exclusive, may_wait);\n    horizon :=", "    horizon :="),
    ]), fails [
        "visibility::nothing_appears_below_observed_of_a_tag",
    ];
    the_barrier_of_one_name_of_three: Keyed, vec![
        // Appends under the name that is left out stay in flight while others commit.
        ("  IF cardinality(ids) = 1 THEN\n    only_tags :=",
         "  IF tag_literals[1] LIKE '%part:1%' THEN PERFORM pg_sleep(0.01); END IF;
           IF cardinality(ids) = 1 THEN\n    only_tags :="),
        ("  only_tags := tag_literal::text[];\n",
         "  only_tags := tag_literal::text[];
           IF tag_literal LIKE '%part:1%' THEN PERFORM pg_sleep(0.01); END IF;\n"),
        ("    held := factos._lock(names, exclusive, may_wait);\n    horizon :=",
         "    IF cardinality(names) = 3 THEN
            names := ARRAY[names[1], names[3]]; exclusive := ARRAY[exclusive[1], exclusive[3]];
          END IF;
          held := factos._lock(names, exclusive, may_wait);\n    horizon :="),
    ], fails [
        "visibility::nothing_appears_below_observed_of_several_tags",
    ];
    the_floor_marks: Keyed, slowly(&[
        ("  ignored := pg_advisory_xact_lock_shared(1178796034, pg_sequence_last_value('factos.position_seq')::bit(32)::int4);\n", ""),
    ]), fails [
        "visibility::following_every_event_is_gapless",
        "visibility::nothing_appears_below_observed_of_all",
    ];
    the_watermark: Keyed, slowly(&[("IF horizon >= top THEN\n", "IF true THEN RETURN top;\n")]), fails [
        "visibility::following_every_event_is_gapless",
    ];
    the_end_of_a_batch: Keyed, slowly(&[
        ALTERNATION,
        ("IF beyond IS NULL THEN", "IF true THEN"),
    ]), fails [
        "visibility::a_batch_is_seen_whole",
    ];
    the_head_of_a_read: Keyed, vec![
        ("  top := least(horizon, high);", "  top := high; PERFORM pg_sleep(0.003);"),
    ], fails [
        "visibility::nothing_appears_below_observed_of_all",
        "visibility::nothing_appears_below_observed_of_a_tag",
    ];
    the_condition: Keyed, vec![
        ("matches[request_of_item[1]] := match;", "NULL;"),
        ("matches[request] := match;", "NULL;"),
    ], fails [
        "condition::any_match_refuses",
        "condition::each_item_counts",
        "concurrency::write_skew_is_refused",
    ];
    the_condition_of_one_event: Keyed, vec![
        ("IF matches IS NOT NULL THEN", "IF false THEN"),
    ], fails [
        "condition::any_match_refuses",
        "concurrency::write_skew_is_refused",
    ];
    the_id_of_one_event: Keyed, vec![
        ("IF EXISTS (SELECT FROM factos.events e WHERE e.id = event_id) THEN", "IF false THEN"),
    ], fails [
        "append::a_taken_id_is_told_before_the_condition",
    ];
    the_condition_within_a_group: Keyed, vec![
        ("IF verdicts[dependents[pair]] = 0 AND verdicts[depends_on[pair]] = 0 THEN", "IF false THEN"),
    ], fails [
        "concurrency::one_of_many_contenders_wins",
    ];
    the_condition_without_a_tag: Keyed, vec![
        ("    WHERE item.tags = '{}' OR (\n", "    WHERE (\n"),
    ], fails [
        "condition::any_match_refuses",
        "concurrency::a_decision_on_a_type_sees_every_event",
    ];
    the_bound_of_a_first_look: Keyed, vec![
        ("AND t.position > item.after\n      ORDER BY t.position LIMIT 1) IS NOT NULL)",
         "AND t.position > item.after + 1\n      ORDER BY t.position LIMIT 1) IS NOT NULL)"),
    ], fails [
        "condition::after_is_exclusive",
    ];
    the_bound_of_a_first_look_for_one_item: Keyed, vec![
        ("WHERE t.tag = tags[1] AND t.position > item_after[1] ORDER BY",
         "WHERE t.tag = tags[1] AND t.position > item_after[1] + 1 ORDER BY"),
    ], fails [
        "condition::after_is_exclusive",
    ];
    the_bound_of_a_condition: Keyed, vec![
        ("AND t.position > item_after[1] ORDER BY", "AND t.position >= item_after[1] ORDER BY"),
    ], fails [
        "condition::after_is_exclusive",
    ];
    the_other_tags_of_a_condition: Keyed, vec![
        ("(SELECT e.tags @> item.tags::text[] AND", "(SELECT e.tags && item.tags::text[] AND"),
    ], fails [
        "condition::some_of_the_tags_do_not_refuse",
    ];
    the_revision: Keyed, vec![("IF revision <> expected_revisions[i] THEN", "IF false THEN")], fails [
        "revisions::other_revisions_are_refused",
        "concurrency::racing_revisions_have_one_winner",
    ];
    the_wait_for_a_lock: Keyed, slowly(&[
        // Who meets a lock is refused for what its holder has not committed yet.
        ("  IF held IS NOT NULL THEN\n    RETURN;\n  END IF;\n  IF NOT may_wait THEN",
         "  IF held IS NOT NULL THEN
            IF cardinality(request_of_revision) > 0 OR cardinality(request_of_item) < requests THEN RETURN; END IF;
            held := NULL;
            verdicts := array_fill(2, ARRAY[requests]);
            findings := array_fill(1 + pg_sequence_last_value('factos.position_seq'), ARRAY[requests]);
            positions := '{}'; revisions := '{}'; recorded_at := clock_timestamp();
            RETURN;
          END IF;
          IF NOT may_wait THEN"),
        ("  IF held IS NOT NULL THEN\n    IF held = ARRAY[0] THEN",
         "  IF held IS NOT NULL THEN
            IF item_tags IS NOT NULL THEN
              RETURN ARRAY[2, 1 + pg_sequence_last_value('factos.position_seq')];
            END IF;
            IF held = ARRAY[0] THEN"),
    ]), fails [
        "concurrency::a_refusals_cause_is_visible",
    ];
    the_flush_of_a_commit: Keyed, vec![("  IF NOT is_durable THEN\n", "  IF true THEN\n")], fails [
        "durability::appends_at_once_were_flushed",
    ];
    the_flush_of_a_commit_of_one_event: Keyed, vec![
        ("CASE WHEN NOT is_durable THEN 'off' ELSE 'on' END", "'off'"),
        ("  IF NOT is_durable OR current_setting('synchronous_commit')", "  IF true OR current_setting('synchronous_commit')"),
    ], fails [
        "durability::an_acknowledged_append_was_flushed",
    ];
    the_flush_of_a_portable_commit: Portable, vec![
        ("  IF NOT is_durable THEN\n", "  IF true THEN\n"),
    ], fails [
        "durability::an_acknowledged_append_was_flushed",
        "durability::appends_at_once_were_flushed",
    ];
    the_lock_of_the_row: Portable, slowly_portable(&[
        ("  PERFORM 1 FROM factos.head WHERE one FOR UPDATE;\n", ""),
    ]), fails [
        "concurrency::one_of_many_contenders_wins",
        "concurrency::a_counter_reaches_the_exact_total",
        "concurrency::a_decision_on_everything_sees_every_event",
    ];
}

/// Where an append or a read locks a name.
const LOCK_OF_A_NAME: &str = "is_free := CASE";

macro_rules! controls {
    ($($name:ident: $mode:ident, $changes:expr;)*) => {
        $(#[test]
        #[ignore = "needs a PostgreSQL server: run by scripts/mutation-tests"]
        fn $name() {
            struct Slow;

            impl Mutant for Slow {
                const MODE: Mode = Mode::$mode;

                fn changes() -> Vec<Change> {
                    $changes
                }
            }

            let cases: std::collections::BTreeSet<_> = CASES.iter().collect();
            cases.into_iter().for_each(|case| find::<Slow>(case).run());
        })*
    };
}

/// The control of the mutant `the_end_of_a_batch`: the positions of batches alternate, as they otherwise
/// do by chance.
#[test]
#[ignore = "needs a PostgreSQL server: run by scripts/mutation-tests"]
fn a_batch_among_others_is_seen_whole() {
    struct Alternating;

    impl Mutant for Alternating {
        const MODE: Mode = Mode::Keyed;

        fn changes() -> Vec<Change> {
            slowly(&[ALTERNATION])
        }
    }

    for case in cases::<Log<Alternating>>() {
        if case.name().starts_with("visibility::") {
            case.run();
        }
    }
}

controls! {
    with_every_protection_a_slow_keyed_log_passes: Keyed, slowly(&[]);
    with_every_protection_a_slow_portable_log_passes: Portable, slowly_portable(&[]);
}
