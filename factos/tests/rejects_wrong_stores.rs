//! The suite is tested here: stores that are wrong in one way each fail the cases that say so, and no
//! others; right ones pass, however odd they are.

#[path = "rejects_wrong_stores/appends.rs"]
mod appends;
#[path = "rejects_wrong_stores/races.rs"]
mod races;
#[path = "rejects_wrong_stores/reads.rs"]
mod reads;
#[path = "rejects_wrong_stores/shared_fixture.rs"]
mod shared_fixture;
#[path = "rejects_wrong_stores/store_by_rules.rs"]
mod store_by_rules;
#[path = "rejects_wrong_stores/store_rules.rs"]
mod store_rules;
#[path = "rejects_wrong_stores/suite_run.rs"]
mod suite_run;

use factos::{Bytes, Recorded};

use crate::{
    appends::*,
    races::*,
    reads::*,
    store_by_rules::{log, one_for_all},
    store_rules::{Rules, Show, Wake},
    suite_run::{Expected, accepts, is_always_caught, rejects, run_case, uncovered},
};

/// Follows every rule.
struct Right;

impl Rules for Right {}

/// Positions are seven apart.
struct Gaps;

impl Rules for Gaps {
    fn next_position(log: &[Recorded<Bytes>], _since: usize) -> u64 {
        log.last().map_or(3, |record| record.position.get() + 7)
    }
}

/// Positions begin where 32 bits end.
struct FarPositions;

impl Rules for FarPositions {
    fn next_position(log: &[Recorded<Bytes>], _since: usize) -> u64 {
        log.last().map_or(1 << 40, |record| record.position.get() + 1)
    }
}

/// Pages take their time.
struct SlowPages;

impl Rules for SlowPages {
    const SHOW: Show = Show::Slowly;
}

/// Waiters wake now and then for nothing.
struct EarlyWakes;

impl Rules for EarlyWakes {
    const WAKE: Wake = Wake::Early;
}

/// Pages of one event, and empty ones between them.
struct OneEventPages;

impl Rules for OneEventPages {
    const SHOW: Show = Show::OneByOne;
}

#[test]
fn a_right_store_passes() {
    accepts(log::<Right>);
}

#[test]
fn gaps_in_positions_pass() {
    accepts(log::<Gaps>);
}

#[test]
fn far_positions_pass() {
    accepts(log::<FarPositions>);
}

#[test]
fn slow_pages_pass() {
    accepts(log::<SlowPages>);
}

#[test]
fn waking_early_passes() {
    accepts(log::<EarlyWakes>);
}

#[test]
fn pages_of_one_event_pass() {
    accepts(log::<OneEventPages>);
}

macro_rules! wrong_stores {
    ($($name:ident: $store:ident
        fails [$($fails:literal),* $(,)?] $(may fail [$($may:literal),* $(,)?])?;)*
    ) => {
        $(#[test]
        fn $name() {
            rejects(log::<$store>, &Expected {
                fails: &[$($fails),*],
                may_fail: &[$($($may),*)?],
            });
        })*

        /// Every case that some wrong store fails for certain.
        const COVERED: &[&str] = &[$($($fails,)*)*];
    };
}

wrong_stores! {
    after_is_inclusive: AfterIsInclusive fails [
        "follow::an_append_before_the_wait_is_not_missed",
        "follow::an_append_elsewhere_before_the_wait_is_not_missed",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "query::generated_queries_match_by_the_reference",
        "read::a_long_read_is_complete",
        "read::after_is_exclusive",
        "read::crossed_bounds_show_nothing",
        "read::options_combine",
        "revisions::a_stream_is_read_by_itself",
        "visibility::following_a_tag_is_gapless",
        "visibility::following_every_event_is_gapless",
    ] may fail [
        "concurrency::",
        "follow::",
        "visibility::",
    ];
    before_is_inclusive: BeforeIsInclusive fails [
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "query::generated_queries_match_by_the_reference",
        "read::before_is_exclusive",
        "read::crossed_bounds_show_nothing",
        "read::options_combine",
        "revisions::a_stream_is_read_by_itself",
    ];
    positions_wrap: PositionsWrap fails [
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "read::positions_past_the_head_are_no_error",
    ];
    positions_are_signed: PositionsAreSigned fails [
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "read::positions_past_the_head_are_no_error",
    ];
    backwards_is_ignored: BackwardsIsIgnored fails [
        "concurrency::a_counter_reaches_the_exact_total",
        "handle::a_handle_reads_the_writes_of_others",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "query::generated_queries_match_by_the_reference",
        "read::a_limit_counts_across_items",
        "read::a_limit_counts_after_filtering",
        "read::a_long_read_is_complete",
        "read::a_read_is_one_snapshot",
        "read::an_event_that_matches_two_items_comes_once",
        "read::backwards_is_the_reverse",
        "read::options_combine",
        "revisions::a_stream_is_read_by_itself",
    ];
    limit_before_order: LimitBeforeOrder fails [
        "concurrency::a_counter_reaches_the_exact_total",
        "handle::a_handle_reads_the_writes_of_others",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "query::generated_queries_match_by_the_reference",
        "read::a_limit_counts_across_items",
        "read::a_limit_counts_after_filtering",
        "read::a_long_read_is_complete",
        "read::options_combine",
        "revisions::a_stream_is_read_by_itself",
    ];
    limit_before_filter: LimitBeforeFilter fails [
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "query::generated_queries_match_by_the_reference",
        "read::a_limit_counts_across_items",
        "read::a_limit_counts_after_filtering",
        "read::options_combine",
        "revisions::a_stream_is_read_by_itself",
    ];
    zero_is_no_limit: ZeroIsNoLimit fails [
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "query::generated_queries_match_by_the_reference",
        "read::a_limit_may_be_zero_or_huge",
        "read::options_combine",
    ];
    only_the_first_page: OnlyTheFirstPage fails [
        "handle::a_handle_may_be_dropped_anywhere",
        "limits::many_events_in_a_batch_are_accepted",
        "read::a_dropped_read_leaves_the_store_usable",
        "read::a_long_read_is_complete",
        "read::a_read_is_one_snapshot",
        "read::reads_and_appends_interleave",
        "visibility::a_batch_is_seen_whole",
        "visibility::following_a_tag_is_gapless",
        "visibility::following_a_type_is_gapless",
        "visibility::following_every_event_is_gapless",
    ] may fail [
        "visibility::",
    ];
    bounds_are_sorted: BoundsAreSorted fails [
        "model::random_operations_agree_with_a_plain_log",
        "query::generated_queries_match_by_the_reference",
        "read::crossed_bounds_show_nothing",
        "read::options_combine",
    ];
    live_pages: LivePages fails [
        "read::a_read_is_one_snapshot",
        "read::reads_and_appends_interleave",
    ] may fail [
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
        "follow::a_position_above_the_head_is_waited_for",
        "handle::a_handle_reads_its_own_writes",
        "handle::a_handle_reads_the_writes_of_others",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "read::the_head_is_the_last_position",
    ] may fail [
        "follow::",
    ];
    own_writes_only: OwnWritesOnly fails [
        "concurrency::a_batch_sent_twice_at_once_is_appended_once",
        "concurrency::a_capacity_is_never_exceeded",
        "concurrency::a_counter_reaches_the_exact_total",
        "concurrency::one_of_many_contenders_wins",
        "condition::observed_is_sound_as_after",
        "follow::an_append_elsewhere_before_the_wait_is_not_missed",
        "handle::a_handle_reads_the_writes_of_others",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "visibility::following_a_tag_is_gapless",
        "visibility::following_a_type_is_gapless",
        "visibility::following_every_event_is_gapless",
        "visibility::the_head_never_steps_back",
    ] may fail [
        "concurrency::",
        "follow::",
        "visibility::",
    ];
    any_tag_matches: AnyTagMatches fails [
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "query::a_key_may_have_two_values",
        "query::generated_queries_match_by_the_reference",
        "query::tags_must_all_be_there",
    ];
    types_are_ignored: TypesAreIgnored fails [
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "query::generated_queries_match_by_the_reference",
        "query::items_are_alternatives",
        "query::type_and_tags_must_both_match",
    ];
    only_the_first_type: OnlyTheFirstType fails [
        "concurrency::a_decision_on_a_type_sees_every_event",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "query::generated_queries_match_by_the_reference",
        "query::type_and_tags_must_both_match",
        "query::types_are_alternatives",
        "read::a_long_read_is_complete",
        "read::options_combine",
        "visibility::a_batch_is_seen_whole",
    ] may fail [
        "visibility::",
    ];
    only_the_first_item: OnlyTheFirstItem fails [
        "concurrency::a_capacity_is_never_exceeded",
        "limits::many_items_are_accepted",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "query::generated_queries_match_by_the_reference",
        "query::items_are_alternatives",
        "read::a_limit_counts_across_items",
        "read::a_long_read_is_complete",
        "read::an_event_that_matches_two_items_comes_once",
        "read::options_combine",
        "visibility::following_a_tag_is_gapless",
    ] may fail [
        "visibility::",
    ];
    items_are_cut_off: ItemsAreCutOff fails [
        "limits::many_items_are_accepted",
    ];
    once_per_item: OncePerItem fails [
        "concurrency::a_capacity_is_never_exceeded",
        "concurrency::a_decision_on_a_type_sees_every_event",
        "concurrency::a_decision_on_everything_sees_every_event",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "query::a_key_may_have_two_values",
        "query::all_matches_every_event",
        "query::names_match_as_a_whole",
        "query::no_types_is_any_type",
        "query::tags_must_all_be_there",
        "query::type_and_tags_must_both_match",
        "read::an_event_that_matches_two_items_comes_once",
    ];
    tags_are_prefixes: TagsArePrefixes fails [
        "append::names_are_equal_only_byte_for_byte",
        "query::names_match_as_a_whole",
    ];
    untagged_is_invisible: UntaggedIsInvisible fails [
        "append::a_dropped_append_leaves_all_or_nothing",
        "append::a_payload_comes_back_byte_for_byte",
        "append::a_record_says_what_was_appended",
        "append::a_taken_id_is_told_before_the_condition",
        "append::any_uuid_is_an_id",
        "append::ids_have_no_say_in_the_order",
        "append::metadata_comes_back_byte_for_byte",
        "append::positions_strictly_increase",
        "append::returned_records_equal_a_later_read",
        "concurrency::a_batch_sent_twice_at_once_is_appended_once",
        "concurrency::a_decision_on_a_type_sees_every_event",
        "concurrency::a_decision_on_everything_sees_every_event",
        "concurrency::no_acknowledged_event_is_missing",
        "durability::ids_stay_unique_after_reopening",
        "durability::reopening_finds_every_acknowledged_event",
        "follow::an_append_before_the_wait_is_not_missed",
        "follow::an_append_elsewhere_before_the_wait_is_not_missed",
        "handle::a_dropped_handle_leaves_the_others_alone",
        "handle::a_handle_may_be_dropped_anywhere",
        "handle::a_handle_reads_the_writes_of_others",
        "handle::a_store_outlives_a_runtime",
        "limits::a_large_batch_is_accepted",
        "limits::a_long_payload_is_accepted",
        "limits::long_names_are_accepted",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "query::all_matches_every_event",
        "query::items_are_alternatives",
        "query::no_tags_is_no_constraint",
        "read::a_read_is_one_snapshot",
        "read::options_combine",
        "read::positions_past_the_head_are_no_error",
        "revisions::queries_see_events_of_streams",
    ] may fail [
        "follow::",
    ];
    streams_are_apart: StreamsAreApart fails [
        "append::names_are_equal_only_byte_for_byte",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "read::a_read_is_one_snapshot",
        "read::options_combine",
        "revisions::queries_see_events_of_streams",
        "visibility::following_a_tag_is_gapless",
        "visibility::following_a_type_is_gapless",
    ] may fail [
        "concurrency::",
        "visibility::",
    ];
    streams_fold_case: StreamsFoldCase fails [
        "revisions::a_stream_is_read_by_itself",
    ];
    ordered_by_id: OrderedById fails [
        "append::ids_have_no_say_in_the_order",
        "model::random_operations_agree_with_a_plain_log",
    ];
    one_position_for_a_batch: OnePositionForABatch fails [
        "append::positions_strictly_increase",
        "append::returned_records_equal_a_later_read",
        "concurrency::no_acknowledged_event_is_missing",
        "concurrency::unconditional_appends_are_counted_exactly",
        "condition::after_is_exclusive",
        "durability::conditions_go_on_after_reopening",
        "durability::ids_stay_unique_after_reopening",
        "durability::reopening_finds_every_acknowledged_event",
        "limits::many_events_in_a_batch_are_accepted",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "read::a_limit_may_be_zero_or_huge",
        "read::a_long_read_is_complete",
        "read::after_is_exclusive",
        "read::backwards_is_the_reverse",
        "read::before_is_exclusive",
        "read::positions_past_the_head_are_no_error",
        "read::reads_and_appends_interleave",
        "read::the_head_is_the_last_position",
        "visibility::the_head_never_steps_back",
    ] may fail [
        "concurrency::",
        "visibility::",
    ];
    returns_in_reverse: ReturnsInReverse fails [
        "append::a_record_says_what_was_appended",
        "append::a_refused_append_leaves_no_trace",
        "append::positions_strictly_increase",
        "append::returned_records_equal_a_later_read",
        "concurrency::unconditional_appends_are_counted_exactly",
        "condition::after_is_exclusive",
        "condition::the_batch_does_not_count",
        "durability::conditions_go_on_after_reopening",
        "durability::ids_stay_unique_after_reopening",
        "durability::reopening_finds_every_acknowledged_event",
        "limits::many_events_in_a_batch_are_accepted",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "read::a_limit_may_be_zero_or_huge",
        "read::a_long_read_is_complete",
        "read::after_is_exclusive",
        "read::before_is_exclusive",
        "read::crossed_bounds_show_nothing",
        "read::positions_past_the_head_are_no_error",
        "read::reads_and_appends_interleave",
        "read::the_head_is_the_last_position",
        "revisions::a_batch_may_mix_streams",
        "revisions::no_events_holds_for_a_new_stream",
        "revisions::the_current_revision_holds",
    ] may fail [
        "visibility::",
    ];
    returns_another_time: ReturnsAnotherTime fails [
        "append::returned_records_equal_a_later_read",
        "concurrency::no_acknowledged_event_is_missing",
        "durability::ids_stay_unique_after_reopening",
        "durability::reopening_finds_every_acknowledged_event",
        "handle::a_handle_reads_the_writes_of_others",
        "handle::a_store_outlives_a_runtime",
        "limits::many_events_in_a_batch_are_accepted",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "read::a_limit_may_be_zero_or_huge",
        "read::a_long_read_is_complete",
        "read::after_is_exclusive",
        "read::before_is_exclusive",
        "read::positions_past_the_head_are_no_error",
        "read::reads_and_appends_interleave",
    ];
    times_are_finer: TimesAreFiner fails [
        "append::the_time_is_in_whole_microseconds",
    ];
    versions_are_cut: VersionsAreCut fails [
        "append::a_record_says_what_was_appended",
    ];
    payloads_are_text: PayloadsAreText fails [
        "append::a_payload_comes_back_byte_for_byte",
        "append::a_record_says_what_was_appended",
        "limits::a_large_batch_is_accepted",
        "limits::a_long_payload_is_accepted",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ];
    metadata_is_normalised: MetadataIsNormalised fails [
        "append::metadata_comes_back_byte_for_byte",
    ];
    metadata_is_lost: MetadataIsLost fails [
        "append::a_record_says_what_was_appended",
        "append::metadata_comes_back_byte_for_byte",
        "limits::long_names_are_accepted",
    ];
    tags_are_cut_off: TagsAreCutOff fails [
        "limits::many_long_tags_are_accepted",
    ];
    unicode_is_composed: UnicodeIsComposed fails [
        "append::names_are_equal_only_byte_for_byte",
    ];
    long_names_are_cut: LongNamesAreCut fails [
        "limits::long_names_are_accepted",
    ];
    ids_are_forced: IdsAreForced fails [
        "append::any_uuid_is_an_id",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ];
    empty_is_accepted: EmptyIsAccepted fails [
        "append::an_empty_batch_is_refused_before_its_condition",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ];
    limits_are_halved: LimitsAreHalved fails [
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
        "concurrency::a_batch_sent_twice_at_once_is_appended_once",
        "durability::ids_stay_unique_after_reopening",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "revisions::a_refused_append_uses_no_revision",
    ];
    duplicates_in_a_batch: DuplicatesInABatch fails [
        "append::an_id_twice_in_a_batch_is_refused",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ];
    old_ids_are_forgotten: OldIdsAreForgotten fails [
        "append::an_id_of_the_log_is_refused",
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
        "limits::beyond_the_floor_is_all_or_nothing",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "revisions::a_refused_append_uses_no_revision",
    ];
    condition_is_ignored: ConditionIsIgnored fails [
        "append::a_refused_append_leaves_no_trace",
        "concurrency::a_counter_reaches_the_exact_total",
        "concurrency::a_name_is_taken_once",
        "concurrency::one_of_many_contenders_wins",
        "concurrency::racing_revisions_have_one_winner",
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
        "limits::many_items_are_accepted",
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
        "limits::many_items_are_accepted",
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
        "condition::some_of_the_tags_do_not_refuse",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ];
    only_the_first_item_conflicts: OnlyTheFirstItemConflicts fails [
        "concurrency::a_name_is_taken_once",
        "condition::a_refusal_names_its_condition",
        "condition::each_item_counts",
        "condition::generated_conditions_hold_by_the_reference",
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
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ] may fail [
        "concurrency::",
    ];
    refusals_are_vague: RefusalsAreVague fails [
        "condition::a_refusal_names_its_condition",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ];
    revisions_are_vague: RevisionsAreVague fails [
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
    positions_start_again: PositionsStartAgain fails [
        "durability::positions_go_on_after_reopening",
        "model::random_reopening_agrees_with_a_plain_log",
    ];
    acknowledged_before_durable: AcknowledgedBeforeDurable fails [
        "durability::conditions_go_on_after_reopening",
        "durability::ids_stay_unique_after_reopening",
        "durability::positions_go_on_after_reopening",
        "durability::reopening_finds_every_acknowledged_event",
        "durability::revisions_go_on_after_reopening",
        "handle::a_handle_may_be_dropped_anywhere",
        "model::random_reopening_agrees_with_a_plain_log",
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
    event_by_event: EventByEvent fails [
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
    ] may fail [
        "concurrency::",
        "follow::",
        "visibility::",
    ];
    bound_to_its_runtime: BoundToItsRuntime fails [
        "handle::a_store_outlives_a_runtime",
    ];
    dropped_within_a_runtime: DroppedWithinARuntime fails [
        "handle::a_handle_may_be_dropped_anywhere",
    ];
    listens_late: ListensLate fails [
        "follow::an_append_before_the_wait_is_not_missed",
        "follow::an_append_elsewhere_before_the_wait_is_not_missed",
    ] may fail [
        "follow::",
    ];
    waits_for_the_next: WaitsForTheNext fails [
        "follow::what_is_there_is_not_waited_for",
    ] may fail [
        "follow::",
    ];
    wakes_for_its_own: WakesForItsOwn fails [
        "follow::a_waiter_wakes_for_another_handle",
        "follow::a_waiter_wakes_for_the_first_event",
        "follow::an_append_elsewhere_before_the_wait_is_not_missed",
        "follow::every_waiter_wakes",
    ] may fail [
        "follow::",
    ];
    wakes_for_others: WakesForOthers fails [
        "follow::a_waiter_wakes_for_its_own_handle",
    ] may fail [
        "follow::",
    ];
    wakes_one: WakesOne fails [
        "follow::every_waiter_wakes",
    ] may fail [
        "follow::",
    ];
    sleeps_through_the_first: SleepsThroughTheFirst fails [
        "follow::a_dropped_waiter_costs_nothing",
        "follow::a_waiter_wakes_for_the_first_event",
        "follow::an_append_before_the_wait_is_not_missed",
        "follow::an_append_elsewhere_before_the_wait_is_not_missed",
    ] may fail [
        "follow::",
    ];
    never_waits: NeverWaits fails [
        "follow::a_quiet_log_is_waited_for",
    ] may fail [
        "follow::",
    ];
    refuses_ahead: RefusesAhead fails [
        "follow::a_position_above_the_head_is_waited_for",
    ];
}

/// The one case that a wrong fixture fails, and not a wrong store.
const ISOLATED: &str = "handle::fixtures_are_isolated";

#[test]
fn a_log_that_fixtures_share_is_found() {
    assert!(run_case(one_for_all, ISOLATED).is_err());
    assert!(run_case(log::<Right>, ISOLATED).is_ok());
}

#[test]
fn every_case_is_failed_by_some_store() {
    assert_eq!(uncovered(log::<Right>, COVERED), [ISOLATED]);
}

macro_rules! races {
    ($($name:ident: $store:ident by $case:literal;)*) => {
        $(#[test]
        fn $name() {
            is_always_caught(log::<$store>, $case);
        })*
    };
}

races! {
    checking_first_is_always_caught: CheckedThenWritten
        by "concurrency::one_of_many_contenders_wins";
    checking_a_type_first_is_always_caught: OnlyTagsExclude
        by "concurrency::a_decision_on_a_type_sees_every_event";
    checking_everything_first_is_always_caught: OnlyTagsExclude
        by "concurrency::a_decision_on_everything_sees_every_event";
    write_skew_is_always_caught: OnlyWritesExclude by "concurrency::write_skew_is_refused";
    half_a_batch_is_always_caught: EventByEvent by "visibility::a_batch_is_seen_whole";
    late_positions_are_always_caught: LateVisible
        by "visibility::following_every_event_is_gapless";
    late_positions_are_always_caught_by_a_watcher: LateVisible
        by "visibility::nothing_appears_below_observed_of_all";
    a_missed_wake_up_is_always_caught: ListensLate
        by "follow::an_append_before_the_wait_is_not_missed";
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
