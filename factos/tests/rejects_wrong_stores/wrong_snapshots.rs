//! Stores whose reads are not one snapshot, or report the wrong position as observed or as the head.

use factos::{Bytes, Page, Recorded, SequencePosition};

use crate::{
    store_rules::{Rules, Show},
    suite_run::wrong_stores,
};

/// Each page shows the log as it is when the page is asked for.
struct LivePages;

impl Rules for LivePages {
    const SHOW: Show = Show::Live;
}

/// A read that is not at its end blocks every append. Positions are odd.
struct ReadsLock;

impl Rules for ReadsLock {
    const SHOW: Show = Show::Locking;

    fn next_position(log: &[Recorded<Bytes>], _since: usize) -> u64 {
        log.last().map_or(1, |record| record.position.get().div_ceil(2) + 1)
    }

    fn kept(mut record: Recorded<Bytes>) -> Recorded<Bytes> {
        record.position = record.position.saturating_add(record.position.get() - 1);
        record
    }
}

/// The observed position is taken after the records.
struct ObservedLater;

impl Rules for ObservedLater {
    const SHOW: Show = Show::ObservedLater;
}

/// The observed position is one too far.
struct ObservedTooFar;

impl Rules for ObservedTooFar {
    fn observed(log: &[Recorded<Bytes>], _page: &Page) -> Option<SequencePosition> {
        log.last().map(|record| record.position.saturating_add(1))
    }
}

/// A read observes no further than its last record, and nothing if it shows none.
struct ObservedIsTheLastMatch;

impl Rules for ObservedIsTheLastMatch {
    fn observed(_log: &[Recorded<Bytes>], page: &Page) -> Option<SequencePosition> {
        page.iter().map(|record| record.position).max()
    }
}

/// A read of an empty log observes a position.
struct ObservedInAnEmptyLog;

impl Rules for ObservedInAnEmptyLog {
    fn observed(log: &[Recorded<Bytes>], _page: &Page) -> Option<SequencePosition> {
        let last = log.last().map(|record| record.position);
        last.or(Some(SequencePosition::FIRST))
    }
}

/// The head is the position after the last event.
struct HeadIsTheNextPosition;

impl Rules for HeadIsTheNextPosition {
    fn head(log: &[Recorded<Bytes>]) -> Option<SequencePosition> {
        log.last().map(|record| record.position.saturating_add(1))
    }
}

wrong_stores! {
    live_pages: LivePages fails [
        "read::a_read_is_one_snapshot",
        "read::reads_and_appends_interleave",
    ] may fail [
        "concurrency::",
        "follow::",
        "visibility::",
    ];
    reads_lock: ReadsLock fails [
        "read::a_read_is_one_snapshot",
        "read::reads_and_appends_interleave",
        "visibility::a_batch_is_seen_whole",
    ];
    observed_later: ObservedLater fails [
        "concurrency::a_capacity_is_never_exceeded",
        "concurrency::a_counter_reaches_the_exact_total",
        "concurrency::write_skew_is_refused",
        "follow::an_append_before_the_wait_is_not_missed",
        "follow::an_append_elsewhere_before_the_wait_is_not_missed",
        "visibility::following_a_tag_is_gapless",
        "visibility::following_a_type_is_gapless",
        "visibility::following_every_event_is_gapless",
        "visibility::nothing_appears_below_observed_of_a_tag",
        "visibility::nothing_appears_below_observed_of_a_type",
        "visibility::nothing_appears_below_observed_of_all",
    ] may fail [
        "concurrency::",
        "follow::",
        "visibility::",
    ];
    observed_too_far: ObservedTooFar fails [
        "follow::an_append_before_the_wait_is_not_missed",
        "follow::an_append_elsewhere_before_the_wait_is_not_missed",
        "model::random_commands_agree_with_a_plain_log",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "read::a_read_observes_what_it_shows",
        "visibility::following_a_type_is_gapless",
        "visibility::following_every_event_is_gapless",
    ] may fail [
        "concurrency::",
        "follow::",
        "visibility::",
    ];
    observed_is_the_last_match: ObservedIsTheLastMatch fails [
        "condition::observed_does_not_depend_on_the_bounds",
        "follow::a_quiet_log_is_waited_for",
        "model::random_commands_agree_with_a_plain_log",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "read::a_read_observes_what_it_shows",
        "visibility::following_a_tag_is_gapless",
        "visibility::following_a_type_is_gapless",
    ] may fail [
        "concurrency::",
        "follow::",
        "visibility::",
    ];
    observed_in_an_empty_log: ObservedInAnEmptyLog fails [
        "follow::an_append_before_the_wait_is_not_missed",
        "follow::an_append_elsewhere_before_the_wait_is_not_missed",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "read::an_empty_log_has_nothing",
        "visibility::following_a_type_is_gapless",
        "visibility::following_every_event_is_gapless",
        "visibility::nothing_appears_below_observed_of_all",
    ] may fail [
        "concurrency::",
        "follow::",
        "visibility::",
    ];
    head_is_the_next_position: HeadIsTheNextPosition fails [
        "condition::after_is_exclusive",
        "durability::positions_go_on_after_reopening",
        "follow::a_dropped_waiter_costs_nothing",
        "handle::a_handle_reads_its_own_writes",
        "handle::a_handle_reads_the_writes_of_others",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "read::the_head_is_the_last_position",
    ] may fail [
        "follow::",
    ];
}
