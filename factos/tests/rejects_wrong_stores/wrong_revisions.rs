//! Stores that count revisions wrongly, or check a condition on them wrongly.

use factos::{AppendCondition, AppendError, Bytes, NewEvent, Recorded, Revision, StreamName};

use crate::{
    store_rules::{Rules, wrong_revision},
    suite_run::wrong_stores,
};

/// A refusal names the expected revision as the actual one.
struct RevisionsAreVague;

impl Rules for RevisionsAreVague {
    fn check_revision(
        stream: &StreamName,
        expected: Revision,
        actual: Revision,
    ) -> Result<(), AppendError> {
        if expected == actual { Ok(()) } else { Err(wrong_revision(stream, expected, expected)) }
    }
}

/// A condition on a future revision holds.
struct FutureRevisionsHold;

impl Rules for FutureRevisionsHold {
    fn check_revision(
        stream: &StreamName,
        expected: Revision,
        actual: Revision,
    ) -> Result<(), AppendError> {
        if expected >= actual { Ok(()) } else { Err(wrong_revision(stream, expected, actual)) }
    }
}

/// `NoEvents` holds only for a batch of one event: the stream is counted with the batch.
struct NoEventsCountsTheBatch;

impl Rules for NoEventsCountsTheBatch {
    fn check_condition(
        log: &[Recorded<Bytes>],
        since: usize,
        events: &[NewEvent],
        condition: &AppendCondition,
    ) -> Result<(), AppendError> {
        match condition {
            AppendCondition::None => Ok(()),
            AppendCondition::FailIfEventsMatch { query, after } => {
                Self::check_query(log, since, query, *after)
            }
            AppendCondition::ExpectedRevision { stream, revision } => {
                let written = events.iter().filter(|e| e.stream.as_ref() == Some(stream)).count();
                if *revision == Revision::NoEvents && written > 1 {
                    return Err(wrong_revision(stream, *revision, Revision::Current(0)));
                }
                Self::check_revision(stream, *revision, Self::revision(log, since, stream))
            }
        }
    }
}

/// A condition on a revision is checked on the stream that the batch writes to.
struct RevisionOfTheBatch;

impl Rules for RevisionOfTheBatch {
    fn check_condition(
        log: &[Recorded<Bytes>],
        since: usize,
        events: &[NewEvent],
        condition: &AppendCondition,
    ) -> Result<(), AppendError> {
        match condition {
            AppendCondition::None => Ok(()),
            AppendCondition::FailIfEventsMatch { query, after } => {
                Self::check_query(log, since, query, *after)
            }
            AppendCondition::ExpectedRevision { stream, revision } => {
                let own = events.iter().find_map(|event| event.stream.as_ref()).unwrap_or(stream);
                Self::check_revision(stream, *revision, Self::revision(log, since, own))
            }
        }
    }
}

/// Revisions count the events of all streams.
struct RevisionsAreShared;

impl Rules for RevisionsAreShared {
    fn revision(log: &[Recorded<Bytes>], _since: usize, _stream: &StreamName) -> Revision {
        let of_streams = log.iter().filter(|record| record.stream.is_some()).count();
        (of_streams as u64).checked_sub(1).into()
    }
}

/// A handle counts revisions from the events that were appended after it was opened.
struct RevisionsSinceOpening;

impl Rules for RevisionsSinceOpening {
    fn revision(log: &[Recorded<Bytes>], since: usize, stream: &StreamName) -> Revision {
        let own = log[since..].iter().filter(|record| record.stream.as_ref() == Some(stream));
        (own.count() as u64).checked_sub(1).into()
    }
}

wrong_stores! {
    revisions_are_vague: RevisionsAreVague fails [
        "concurrency::a_refusals_cause_is_visible",
        "condition::a_refusal_names_the_revision",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ];
    future_revisions_hold: FutureRevisionsHold fails [
        "append::a_refused_append_leaves_no_trace",
        "condition::a_refusal_names_the_revision",
        "durability::revisions_go_on_after_reopening",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "revisions::a_condition_may_look_at_another_stream",
        "revisions::other_revisions_are_refused",
    ];
    no_events_counts_the_batch: NoEventsCountsTheBatch fails [
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "revisions::no_events_holds_for_a_new_stream",
        "revisions::the_current_revision_holds",
    ];
    revision_of_the_batch: RevisionOfTheBatch fails [
        "append::a_refused_append_leaves_no_trace",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "revisions::a_condition_may_look_at_another_stream",
    ];
    revisions_are_shared: RevisionsAreShared fails [
        "append::a_refused_append_leaves_no_trace",
        "append::names_are_equal_only_byte_for_byte",
        "concurrency::unconditional_appends_are_counted_exactly",
        "condition::a_refusal_names_the_revision",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "revisions::a_batch_may_mix_streams",
        "revisions::a_condition_may_look_at_another_stream",
        "revisions::no_events_holds_for_a_new_stream",
        "revisions::other_streams_leave_a_revision_alone",
        "revisions::revisions_count_from_zero",
    ];
    revisions_since_opening: RevisionsSinceOpening fails [
        "durability::revisions_go_on_after_reopening",
        "model::random_reopening_agrees_with_a_plain_log",
        "revisions::revisions_go_on_across_handles",
    ];
}
