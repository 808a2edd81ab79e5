//! Stores that check a condition on events wrongly.

use factos::{AppendCondition, AppendError, Bytes, NewEvent, Query, Recorded, SequencePosition};

use crate::{
    store_rules::{Rules, refusal},
    suite_run::wrong_stores,
};

/// Conditions are not checked.
struct ConditionIsIgnored;

impl Rules for ConditionIsIgnored {
    fn check_condition(
        _: &[Recorded<Bytes>],
        _: usize,
        _: &[NewEvent],
        _: &AppendCondition,
    ) -> Result<(), AppendError> {
        Ok(())
    }
}

/// `after` of a condition is inclusive.
struct ConditionAfterIsInclusive;

impl Rules for ConditionAfterIsInclusive {
    fn counts(position: SequencePosition, after: Option<SequencePosition>) -> bool {
        Some(position) >= after
    }
}

/// `after` of a condition is ignored.
struct ConditionAfterIsIgnored;

impl Rules for ConditionAfterIsIgnored {
    fn counts(_: SequencePosition, _: Option<SequencePosition>) -> bool {
        true
    }
}

/// `after` of a condition is compared as a signed number.
struct ConditionAfterWraps;

impl Rules for ConditionAfterWraps {
    fn counts(position: SequencePosition, after: Option<SequencePosition>) -> bool {
        let after = after.map_or(0, SequencePosition::get).cast_signed();
        position.get().cast_signed() > after
    }
}

/// A condition without `after` always holds.
struct NoAfterAlwaysHolds;

impl Rules for NoAfterAlwaysHolds {
    fn counts(position: SequencePosition, after: Option<SequencePosition>) -> bool {
        after.is_some_and(|after| position > after)
    }
}

/// A condition is checked against the last ten events only.
struct OldMatchesDoNotCount;

impl Rules for OldMatchesDoNotCount {
    fn check_query(
        log: &[Recorded<Bytes>],
        _since: usize,
        query: &Query,
        after: Option<SequencePosition>,
    ) -> Result<(), AppendError> {
        let recent = log.len().saturating_sub(10);
        let refuses =
            |r: &&Recorded<Bytes>| Self::counts(r.position, after) && Self::guards(query, r);
        match log[recent..].iter().find(refuses) {
            Some(record) => Err(refusal(query.clone(), after, record.position)),
            None => Ok(()),
        }
    }
}

/// A condition is checked only against events that were appended after the handle was opened.
struct ConditionSinceOpening;

impl Rules for ConditionSinceOpening {
    fn check_query(
        log: &[Recorded<Bytes>],
        since: usize,
        query: &Query,
        after: Option<SequencePosition>,
    ) -> Result<(), AppendError> {
        let refuses =
            |r: &&Recorded<Bytes>| Self::counts(r.position, after) && Self::guards(query, r);
        match log[since..].iter().find(refuses) {
            Some(record) => Err(refusal(query.clone(), after, record.position)),
            None => Ok(()),
        }
    }
}

/// Any event breaks any condition.
struct EveryEventConflicts;

impl Rules for EveryEventConflicts {
    fn guards(_: &Query, _: &Recorded<Bytes>) -> bool {
        true
    }
}

/// An event that has one tag of an item breaks a condition.
struct AnyTagConflicts;

impl Rules for AnyTagConflicts {
    fn guards(query: &Query, record: &Recorded<Bytes>) -> bool {
        crate::wrong_matches::AnyTagMatches::matches(query, record)
    }
}

/// Only the first item of a condition is checked.
struct OnlyTheFirstItemConflicts;

impl Rules for OnlyTheFirstItemConflicts {
    fn guards(query: &Query, record: &Recorded<Bytes>) -> bool {
        crate::wrong_matches::OnlyTheFirstItem::matches(query, record)
    }
}

/// The events of a batch may break its own condition.
struct TheBatchConflicts;

impl Rules for TheBatchConflicts {
    fn check_condition(
        log: &[Recorded<Bytes>],
        since: usize,
        events: &[NewEvent],
        condition: &AppendCondition,
    ) -> Result<(), AppendError> {
        match condition {
            AppendCondition::None => Ok(()),
            AppendCondition::FailIfEventsMatch { query, after } => {
                let matches = |event: &NewEvent| query.matches(&event.event_type, &event.tags);
                if events.iter().any(matches) {
                    return Err(refusal(query.clone(), *after, SequencePosition::FIRST));
                }
                Self::check_query(log, since, query, *after)
            }
            AppendCondition::ExpectedRevision { stream, revision } => {
                let actual = Self::revision(log, since, stream);
                Self::check_revision(stream, *revision, actual)
            }
        }
    }
}

/// A refusal leaves out `after`, and names a wrong position.
struct RefusalsAreVague;

impl Rules for RefusalsAreVague {
    fn refusal(query: &Query, _: Option<SequencePosition>, _: SequencePosition) -> AppendError {
        refusal(query.clone(), None, SequencePosition::FIRST.saturating_add(99))
    }
}

wrong_stores! {
    condition_is_ignored: ConditionIsIgnored fails [
        "append::a_refused_append_leaves_no_trace",
        "concurrency::a_capacity_is_never_exceeded",
        "concurrency::a_counter_reaches_the_exact_total",
        "concurrency::a_name_is_taken_once",
        "concurrency::one_of_many_contenders_wins",
        "concurrency::racing_revisions_have_one_winner",
        "concurrency::write_skew_is_refused",
        "condition::a_refusal_names_its_condition",
        "condition::a_refusal_names_the_revision",
        "condition::after_is_exclusive",
        "condition::after_may_be_beyond_the_last_match",
        "condition::any_match_refuses",
        "condition::each_item_counts",
        "condition::generated_conditions_hold_by_the_reference",
        "condition::observed_is_sound_as_after",
        "condition::some_of_the_tags_do_not_refuse",
        "durability::conditions_go_on_after_reopening",
        "durability::revisions_go_on_after_reopening",
        "handle::a_condition_counts_the_writes_of_others",
        "limits::an_idempotency_key_counts_against_no_limit",
        "limits::many_items_are_accepted",
        "model::random_commands_agree_with_a_plain_log",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "revisions::a_condition_may_look_at_another_stream",
        "revisions::a_refused_append_uses_no_revision",
        "revisions::no_events_holds_for_a_new_stream",
        "revisions::other_revisions_are_refused",
    ] may fail [
        "concurrency::",
    ];
    condition_after_is_inclusive: ConditionAfterIsInclusive fails [
        "concurrency::a_capacity_is_never_exceeded",
        "concurrency::a_counter_reaches_the_exact_total",
        "concurrency::disjoint_boundaries_never_conflict",
        "condition::a_refusal_names_its_condition",
        "condition::after_is_exclusive",
        "condition::generated_conditions_hold_by_the_reference",
        "condition::observed_does_not_depend_on_the_bounds",
        "condition::observed_is_sound_as_after",
        "condition::the_batch_does_not_count",
        "durability::conditions_go_on_after_reopening",
        "model::random_commands_agree_with_a_plain_log",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ] may fail [
        "concurrency::",
    ];
    condition_after_is_ignored: ConditionAfterIsIgnored fails [
        "concurrency::a_capacity_is_never_exceeded",
        "concurrency::a_counter_reaches_the_exact_total",
        "concurrency::disjoint_boundaries_never_conflict",
        "condition::a_refusal_names_its_condition",
        "condition::after_is_exclusive",
        "condition::after_may_be_beyond_the_head",
        "condition::after_may_be_beyond_the_last_match",
        "condition::generated_conditions_hold_by_the_reference",
        "condition::observed_does_not_depend_on_the_bounds",
        "condition::observed_is_sound_as_after",
        "condition::the_batch_does_not_count",
        "durability::conditions_go_on_after_reopening",
        "model::random_commands_agree_with_a_plain_log",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ] may fail [
        "concurrency::",
    ];
    condition_after_wraps: ConditionAfterWraps fails [
        "condition::after_may_be_beyond_the_head",
        "model::random_operations_agree_with_a_plain_log",
    ] may fail [
        "model::",
    ];
    no_after_always_holds: NoAfterAlwaysHolds fails [
        "append::a_refused_append_leaves_no_trace",
        "concurrency::a_name_is_taken_once",
        "concurrency::one_of_many_contenders_wins",
        "condition::a_refusal_names_its_condition",
        "condition::any_match_refuses",
        "condition::each_item_counts",
        "condition::generated_conditions_hold_by_the_reference",
        "condition::some_of_the_tags_do_not_refuse",
        "durability::conditions_go_on_after_reopening",
        "handle::a_condition_counts_the_writes_of_others",
        "limits::an_idempotency_key_counts_against_no_limit",
        "limits::many_items_are_accepted",
        "model::random_commands_agree_with_a_plain_log",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ] may fail [
        "concurrency::",
    ];
    old_matches_do_not_count: OldMatchesDoNotCount fails [
        "concurrency::a_name_is_taken_once",
        "condition::any_match_refuses",
        "condition::generated_conditions_hold_by_the_reference",
    ] may fail [
        "model::",
        "concurrency::",
    ];
    condition_since_opening: ConditionSinceOpening fails [
        "durability::conditions_go_on_after_reopening",
        "model::random_reopening_agrees_with_a_plain_log",
    ];
    every_event_conflicts: EveryEventConflicts fails [
        "concurrency::disjoint_boundaries_never_conflict",
        "concurrency::one_of_many_contenders_wins",
        "condition::after_is_exclusive",
        "condition::after_may_be_beyond_the_last_match",
        "condition::each_item_counts",
        "condition::generated_conditions_hold_by_the_reference",
        "condition::observed_is_sound_as_after",
        "condition::other_events_do_not_refuse",
        "condition::some_of_the_tags_do_not_refuse",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ] may fail [
        "concurrency::",
    ];
    any_tag_conflicts: AnyTagConflicts fails [
        "condition::generated_conditions_hold_by_the_reference",
        "condition::some_of_the_tags_do_not_refuse",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ];
    only_the_first_item_conflicts: OnlyTheFirstItemConflicts fails [
        "concurrency::a_name_is_taken_once",
        "condition::a_refusal_names_its_condition",
        "condition::each_item_counts",
        "condition::generated_conditions_hold_by_the_reference",
        "limits::an_idempotency_key_counts_against_no_limit",
        "limits::many_items_are_accepted",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ] may fail [
        "concurrency::",
    ];
    the_batch_conflicts: TheBatchConflicts fails [
        "append::a_taken_id_is_told_before_the_condition",
        "concurrency::a_capacity_is_never_exceeded",
        "concurrency::a_counter_reaches_the_exact_total",
        "concurrency::disjoint_boundaries_never_conflict",
        "concurrency::one_of_many_contenders_wins",
        "condition::after_is_exclusive",
        "condition::after_may_be_beyond_the_head",
        "condition::generated_conditions_hold_by_the_reference",
        "condition::some_of_the_tags_do_not_refuse",
        "condition::the_batch_does_not_count",
        "durability::conditions_go_on_after_reopening",
        "limits::many_items_are_accepted",
        "model::random_commands_agree_with_a_plain_log",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ] may fail [
        "concurrency::",
    ];
    refusals_are_vague: RefusalsAreVague fails [
        "concurrency::a_refusals_cause_is_visible",
        "condition::a_refusal_names_its_condition",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ];
}
