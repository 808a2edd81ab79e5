//! Stores that apply the bounds, the order or the limit of a read wrongly.

use factos::{Bytes, Page, ReadOptions, Recorded, SequencePosition};

use crate::{
    store_rules::{Rules, Show, arrange, limit},
    suite_run::wrong_stores,
};

/// `after` is inclusive.
pub(crate) struct AfterIsInclusive;

impl Rules for AfterIsInclusive {
    fn is_after(position: SequencePosition, after: SequencePosition) -> bool {
        position >= after
    }
}

/// `before` is inclusive.
struct BeforeIsInclusive;

impl Rules for BeforeIsInclusive {
    fn is_before(position: SequencePosition, before: SequencePosition) -> bool {
        position <= before
    }
}

/// Positions are compared as signed numbers, so that large ones are negative.
struct PositionsWrap;

impl Rules for PositionsWrap {
    fn is_after(position: SequencePosition, after: SequencePosition) -> bool {
        position.get().cast_signed() > after.get().cast_signed()
    }

    fn is_before(position: SequencePosition, before: SequencePosition) -> bool {
        position.get().cast_signed() < before.get().cast_signed()
    }
}

/// Positions that do not fit a signed number are refused.
struct PositionsAreSigned;

impl Rules for PositionsAreSigned {
    const SHOW: Show = Show::Signed;
}

/// `backwards` is ignored.
struct BackwardsIsIgnored;

impl Rules for BackwardsIsIgnored {
    fn arrange(page: Page, mut options: ReadOptions) -> Page {
        options.backwards = false;
        arrange(page, options)
    }
}

/// The limit is applied before the order is reversed.
struct LimitBeforeOrder;

impl Rules for LimitBeforeOrder {
    fn arrange(mut page: Page, options: ReadOptions) -> Page {
        page.truncate(limit(options));
        arrange(page, options)
    }
}

/// The limit counts the events that are looked at, not those that match.
struct LimitBeforeFilter;

impl Rules for LimitBeforeFilter {
    fn select(
        log: &[Recorded<Bytes>],
        wanted: &dyn Fn(&Recorded<Bytes>) -> bool,
        options: ReadOptions,
    ) -> Page {
        let looked_at = Self::within(log, options).cloned().collect();
        let mut page = arrange(looked_at, options);
        page.retain(|record| wanted(record));
        page
    }
}

/// A limit of 0 is no limit.
struct ZeroIsNoLimit;

impl Rules for ZeroIsNoLimit {
    fn arrange(page: Page, mut options: ReadOptions) -> Page {
        options.limit = options.limit.filter(|limit| *limit > 0);
        arrange(page, options)
    }
}

/// At most 1000 events are shown.
struct OnlyTheFirstPage;

impl Rules for OnlyTheFirstPage {
    fn arrange(page: Page, options: ReadOptions) -> Page {
        let mut page = arrange(page, options);
        page.truncate(1000);
        page
    }
}

/// Crossed bounds show the events between them.
struct BoundsAreSorted;

impl Rules for BoundsAreSorted {
    fn within(
        log: &[Recorded<Bytes>],
        options: ReadOptions,
    ) -> impl Iterator<Item = &Recorded<Bytes>> {
        let (after, before) = match (options.after, options.before) {
            (Some(after), Some(before)) => (Some(after.min(before)), Some(after.max(before))),
            bounds => bounds,
        };
        log.iter().filter(move |record| {
            after.is_none_or(|after| record.position > after)
                && before.is_none_or(|before| record.position < before)
        })
    }
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
        "limits::the_event_limit_is_exact",
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
}
