//! Stores whose flaw shows only while several tasks append.

use crate::{
    store_rules::{Commit, Flush, Rules},
    suite_run::{always_caught, told, wrong_stores},
};

/// The condition is checked under one lock, and the batch is written under another.
struct CheckedThenWritten;

impl Rules for CheckedThenWritten {
    const COMMIT: Commit = Commit::CheckedBefore;
}

/// A condition without a tag is checked under one lock, and the batch is written under another.
struct OnlyTagsExclude;

impl Rules for OnlyTagsExclude {
    const COMMIT: Commit = Commit::LockedByTags;
}

/// Two appends exclude each other only if they write events that match their own conditions.
struct OnlyWritesExclude;

impl Rules for OnlyWritesExclude {
    const COMMIT: Commit = Commit::CheckedAgainstWrites;
}

/// An append is refused because of a batch that is not visible yet.
struct RefusedEarly;

impl Rules for RefusedEarly {
    const COMMIT: Commit = Commit::RefusedEarly;
}

/// The events of a batch become visible one by one.
struct EventByEvent;

impl Rules for EventByEvent {
    const COMMIT: Commit = Commit::EventByEvent;
}

/// The events of a batch become visible one by one, a while after one another.
struct EventByEventSlowly;

impl Rules for EventByEventSlowly {
    const COMMIT: Commit = Commit::EventByEventSlowly;
}

/// Positions are given out before the lock is taken, so that lower ones may appear late.
struct LateVisible;

impl Rules for LateVisible {
    const COMMIT: Commit = Commit::Late;
}

/// No append is flushed.
struct NeverFlushed;

impl Rules for NeverFlushed {
    const FLUSH: Flush = Flush::Never;
}

/// An append that meets the flush of another takes it for its own.
struct FlushedByAnother;

impl Rules for FlushedByAnother {
    const FLUSH: Flush = Flush::UnlessUnderWay;
}

wrong_stores! {
    never_flushed: NeverFlushed fails [
        "durability::an_acknowledged_append_was_flushed",
        "durability::appends_at_once_were_flushed",
    ];
    flushed_by_another: FlushedByAnother fails [
        "durability::appends_at_once_were_flushed",
    ];
    checked_then_written: CheckedThenWritten fails [
        "concurrency::a_batch_sent_twice_at_once_is_appended_once",
        "concurrency::a_capacity_is_never_exceeded",
        "concurrency::a_counter_reaches_the_exact_total",
        "concurrency::a_decision_on_a_type_sees_every_event",
        "concurrency::a_decision_on_everything_sees_every_event",
        "concurrency::a_name_is_taken_once",
        "concurrency::one_of_many_contenders_wins",
        "concurrency::racing_revisions_have_one_winner",
        "concurrency::write_skew_is_refused",
    ] may fail [
        "concurrency::",
        "visibility::",
    ];
    only_tags_exclude: OnlyTagsExclude fails [
        "concurrency::a_decision_on_a_type_sees_every_event",
        "concurrency::a_decision_on_everything_sees_every_event",
    ];
    only_writes_exclude: OnlyWritesExclude fails [
        "concurrency::write_skew_is_refused",
    ] may fail [
        "concurrency::",
    ];
    refused_early: RefusedEarly fails [
        "concurrency::a_refusals_cause_is_visible",
    ] may fail [
        "append::a_dropped_append_leaves_all_or_nothing",
        "concurrency::",
    ];
    event_by_event: EventByEvent fails [
        "append::a_dropped_append_leaves_all_or_nothing",
        "visibility::a_batch_is_seen_whole",
    ] may fail [
        "concurrency::",
        "follow::",
        "visibility::",
    ];
    event_by_event_slowly: EventByEventSlowly fails [
        "append::a_dropped_append_leaves_all_or_nothing",
        "visibility::a_batch_is_seen_whole",
    ] may fail [
        "concurrency::",
        "follow::",
        "visibility::",
    ];
    late_visible: LateVisible fails [
        "concurrency::unconditional_appends_are_counted_exactly",
        "visibility::following_a_tag_is_gapless",
        "visibility::following_a_type_is_gapless",
        "visibility::following_every_event_is_gapless",
        "visibility::nothing_appears_below_observed_of_a_tag",
        "visibility::nothing_appears_below_observed_of_a_type",
        "visibility::nothing_appears_below_observed_of_all",
        "visibility::nothing_appears_below_observed_of_several_tags",
    ] may fail [
        "concurrency::",
        "follow::",
        "visibility::",
    ];
}

told! {
    a_missing_flush_is_told: NeverFlushed, "durability::an_acknowledged_append_was_flushed"
        says "flushed before an append is acknowledged, and append 0 of writer 0";
    a_cause_out_of_sight_is_told: RefusedEarly, "concurrency::a_refusals_cause_is_visible"
        says "what made the store refuse an append can be read once that is told";
    a_lost_conflict_is_told: OnlyTagsExclude, "concurrency::a_decision_on_a_type_sees_every_event"
        says "a decision is made from every event before its own: at ";
}

always_caught! {
    a_flush_of_another_is_always_caught: FlushedByAnother
        by "durability::appends_at_once_were_flushed";
    checking_first_is_always_caught: CheckedThenWritten
        by "concurrency::one_of_many_contenders_wins";
    checking_a_type_first_is_always_caught: OnlyTagsExclude
        by "concurrency::a_decision_on_a_type_sees_every_event";
    checking_everything_first_is_always_caught: OnlyTagsExclude
        by "concurrency::a_decision_on_everything_sees_every_event";
    write_skew_is_always_caught: OnlyWritesExclude by "concurrency::write_skew_is_refused";
    a_refusal_told_early_is_always_caught: RefusedEarly
        by "concurrency::a_refusals_cause_is_visible";
    half_a_batch_is_always_caught: EventByEvent by "visibility::a_batch_is_seen_whole";
    late_positions_are_always_caught: LateVisible by "visibility::following_every_event_is_gapless";
    late_positions_are_always_caught_by_a_watcher: LateVisible
        by "visibility::nothing_appears_below_observed_of_all";
}
