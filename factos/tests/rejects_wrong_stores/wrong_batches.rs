//! Stores that accept or refuse the wrong batches, whatever the condition.

use std::collections::HashSet;

use factos::{
    AppendCondition, AppendError, Bytes, EventId, InvalidEvent, Limits, NewEvent, Recorded,
};

use crate::{
    store_rules::{Commit, Rules, duplicate},
    suite_run::{told, wrong_stores},
};

/// An empty batch is accepted.
struct EmptyIsAccepted;

impl Rules for EmptyIsAccepted {
    fn admit(events: &[NewEvent], condition: &AppendCondition) -> Result<(), AppendError> {
        if events.is_empty() { Ok(()) } else { Self::LIMITS.check(events, condition) }
    }
}

/// One more of everything is accepted than the store says.
struct LimitsAreOneMore;

impl Rules for LimitsAreOneMore {
    const LIMITS: Limits = Limits {
        payload_bytes: Limits::FLOOR.payload_bytes + 1,
        tags_per_event: Limits::FLOOR.tags_per_event + 1,
        events_per_batch: Limits::FLOOR.events_per_batch + 1,
        batch_bytes: Limits::FLOOR.batch_bytes + 1,
        items_per_query: Limits::FLOOR.items_per_query + 1,
    };
}

/// The tag of an idempotency key counts as any other.
struct TheKeyCounts;

impl Rules for TheKeyCounts {
    fn admit(events: &[NewEvent], condition: &AppendCondition) -> Result<(), AppendError> {
        let (tags, limit) =
            (events.iter().map(|event| event.tags.len()), Self::LIMITS.tags_per_event);
        match tags.enumerate().find(|(_, tags)| *tags > limit) {
            Some((index, tags)) => Err(InvalidEvent::TooManyTags { index, tags, limit }.into()),
            None => Self::LIMITS.check(events, condition),
        }
    }
}

/// Every limit is half of the floor.
struct LimitsAreHalved;

impl Rules for LimitsAreHalved {
    const LIMITS: Limits = Limits {
        payload_bytes: Limits::FLOOR.payload_bytes / 2,
        tags_per_event: Limits::FLOOR.tags_per_event / 2,
        events_per_batch: Limits::FLOOR.events_per_batch / 2,
        batch_bytes: Limits::FLOOR.batch_bytes / 2,
        items_per_query: Limits::FLOOR.items_per_query / 2,
    };
}

/// An id may be in the log twice.
struct DuplicatesAreAccepted;

impl Rules for DuplicatesAreAccepted {
    fn check_ids(_: &[Recorded<Bytes>], _: usize, _: &[NewEvent]) -> Result<(), AppendError> {
        Ok(())
    }
}

/// An id may be in a batch twice.
struct DuplicatesInABatch;

impl Rules for DuplicatesInABatch {
    fn check_ids(
        log: &[Recorded<Bytes>],
        _since: usize,
        events: &[NewEvent],
    ) -> Result<(), AppendError> {
        let taken: HashSet<_> = log.iter().map(|record| record.id).collect();
        match events.iter().find(|event| taken.contains(&event.id)) {
            Some(event) => Err(duplicate(event.id)),
            None => Ok(()),
        }
    }
}

/// A handle checks only the ids of events that were appended after it was opened.
struct OldIdsAreForgotten;

impl Rules for OldIdsAreForgotten {
    fn check_ids(
        log: &[Recorded<Bytes>],
        since: usize,
        events: &[NewEvent],
    ) -> Result<(), AppendError> {
        let mut taken: HashSet<_> = log[since..].iter().map(|record| record.id).collect();
        match events.iter().find(|event| !taken.insert(event.id)) {
            Some(event) => Err(duplicate(event.id)),
            None => Ok(()),
        }
    }
}

/// Of several taken ids, the one that was appended first is told.
struct OldestDuplicate;

impl Rules for OldestDuplicate {
    fn taken_id(log: &[Recorded<Bytes>], events: &[NewEvent]) -> Option<EventId> {
        let ids: HashSet<_> = events.iter().map(|event| event.id).collect();
        log.iter().map(|record| record.id).find(|id| ids.contains(id))
    }
}

/// The condition is checked before the ids.
struct ConditionBeforeIds;

impl Rules for ConditionBeforeIds {
    fn check(
        log: &[Recorded<Bytes>],
        since: usize,
        events: &[NewEvent],
        condition: &AppendCondition,
    ) -> Result<(), AppendError> {
        Self::check_condition(log, since, events, condition)?;
        Self::check_ids(log, since, events)
    }
}

/// If an event of a batch is refused, the events before it stay in the log.
struct TornBatches;

impl Rules for TornBatches {
    const COMMIT: Commit = Commit::Torn;

    fn admit(_: &[NewEvent], _: &AppendCondition) -> Result<(), AppendError> {
        Ok(())
    }
}

told! {
    a_trace_is_told: TornBatches, "append::an_id_of_the_log_is_refused"
        says "leaves nothing behind, its event 1 has an id of the log: 2 records where 1 are right";
    an_accepted_duplicate_is_told: DuplicatesAreAccepted, "append::an_id_of_the_log_is_refused"
        says "and it was accepted with 3 records";
}

wrong_stores! {
    empty_is_accepted: EmptyIsAccepted fails [
        "append::an_empty_batch_is_refused_before_its_condition",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ];
    limits_are_one_more: LimitsAreOneMore fails [
        "limits::the_byte_limit_is_exact",
        "limits::the_event_limit_is_exact",
        "limits::the_item_limit_is_exact",
        "limits::the_payload_limit_is_exact",
        "limits::the_tag_limit_is_exact",
    ];
    the_key_counts: TheKeyCounts fails [
        "limits::an_idempotency_key_counts_against_no_limit",
    ];
    limits_are_halved: LimitsAreHalved fails [
        "limits::an_idempotency_key_counts_against_no_limit",
        "limits::the_byte_limit_is_exact",
        "limits::the_event_limit_is_exact",
        "limits::the_item_limit_is_exact",
        "limits::the_payload_limit_is_exact",
        "limits::the_tag_limit_is_exact",
        "limits::a_large_batch_is_accepted",
        "limits::a_long_payload_is_accepted",
        "limits::many_events_in_a_batch_are_accepted",
        "limits::many_items_are_accepted",
        "limits::many_long_tags_are_accepted",
        "read::a_long_read_is_complete",
    ];
    duplicates_are_accepted: DuplicatesAreAccepted fails [
        "append::a_dropped_append_leaves_all_or_nothing",
        "append::a_taken_id_is_told_before_the_condition",
        "append::an_id_of_the_log_is_refused",
        "append::an_id_twice_in_a_batch_is_refused",
        "append::the_first_duplicate_is_told",
        "concurrency::a_batch_sent_twice_at_once_is_appended_once",
        "concurrency::a_refusals_cause_is_visible",
        "durability::ids_stay_unique_after_reopening",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "revisions::a_refused_append_uses_no_revision",
    ];
    duplicates_in_a_batch: DuplicatesInABatch fails [
        "append::an_id_twice_in_a_batch_is_refused",
        "append::the_first_duplicate_is_told",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ];
    old_ids_are_forgotten: OldIdsAreForgotten fails [
        "append::an_id_of_the_log_is_refused",
        "append::the_first_duplicate_is_told",
        "durability::ids_stay_unique_after_reopening",
    ];
    condition_before_ids: ConditionBeforeIds fails [
        "append::a_taken_id_is_told_before_the_condition",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ];
    torn_batches: TornBatches fails [
        "append::a_taken_id_is_told_before_the_condition",
        "append::an_empty_batch_is_refused_before_its_condition",
        "append::an_id_of_the_log_is_refused",
        "append::an_id_twice_in_a_batch_is_refused",
        "append::the_first_duplicate_is_told",
        "limits::beyond_the_floor_is_all_or_nothing",
        "limits::the_byte_limit_is_exact",
        "limits::the_event_limit_is_exact",
        "limits::the_item_limit_is_exact",
        "limits::the_payload_limit_is_exact",
        "limits::the_tag_limit_is_exact",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "revisions::a_refused_append_uses_no_revision",
    ];
    oldest_duplicate: OldestDuplicate fails [
        "append::the_first_duplicate_is_told",
    ];
}
