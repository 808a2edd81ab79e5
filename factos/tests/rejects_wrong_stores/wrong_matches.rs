//! Stores whose reads select the wrong events.

use factos::{Bytes, Page, Query, ReadOptions, Recorded, StreamName};

use crate::{
    store_rules::{Rules, arrange},
    suite_run::wrong_stores,
};

/// An event need only have one tag of an item.
pub(crate) struct AnyTagMatches;

impl Rules for AnyTagMatches {
    fn matches(query: &Query, record: &Recorded<Bytes>) -> bool {
        query.items().is_none_or(|items| {
            items.iter().any(|item| {
                let typed =
                    item.types().len() == 0 || item.types().any(|t| *t == record.event_type);
                let mut tags = item.tags().iter();
                typed && (item.tags().is_empty() || tags.any(|tag| record.tags.contains(tag)))
            })
        })
    }
}

/// An item with tags matches whatever the type.
struct TypesAreIgnored;

impl Rules for TypesAreIgnored {
    fn matches(query: &Query, record: &Recorded<Bytes>) -> bool {
        query.items().is_none_or(|items| {
            items.iter().any(|item| {
                let tagged = !item.tags().is_empty() && record.tags.contains_all(item.tags());
                tagged || item.matches(&record.event_type, &record.tags)
            })
        })
    }
}

/// Only the first type of an item is checked.
struct OnlyTheFirstType;

impl Rules for OnlyTheFirstType {
    fn matches(query: &Query, record: &Recorded<Bytes>) -> bool {
        query.items().is_none_or(|items| {
            items.iter().any(|item| {
                let typed = item.types().next().is_none_or(|name| *name == record.event_type);
                typed && record.tags.contains_all(item.tags())
            })
        })
    }
}

/// Only the first item of a query is checked.
pub(crate) struct OnlyTheFirstItem;

impl Rules for OnlyTheFirstItem {
    fn matches(query: &Query, record: &Recorded<Bytes>) -> bool {
        let first = query.items().and_then(<[_]>::first);
        first.is_none_or(|item| item.matches(&record.event_type, &record.tags))
    }
}

/// Only the first 100 items of a query are checked.
struct ItemsAreCutOff;

impl Rules for ItemsAreCutOff {
    fn matches(query: &Query, record: &Recorded<Bytes>) -> bool {
        query.items().is_none_or(|items| {
            let mut items = items.iter().take(100);
            items.any(|item| item.matches(&record.event_type, &record.tags))
        })
    }
}

/// An event is shown once for each item that it matches.
struct OncePerItem;

impl Rules for OncePerItem {
    fn select(
        log: &[Recorded<Bytes>],
        wanted: &dyn Fn(&Recorded<Bytes>) -> bool,
        options: ReadOptions,
    ) -> Page {
        // The items are not known here: an event with two tags stands for one that matches two items.
        let within = Self::within(log, options).filter(|record| wanted(record));
        let page =
            within.flat_map(|r| std::iter::repeat_n(r.clone(), 1 + usize::from(r.tags.len() == 2)));
        arrange(page.collect(), options)
    }
}

/// Tags match by their beginning.
struct TagsArePrefixes;

impl Rules for TagsArePrefixes {
    fn matches(query: &Query, record: &Recorded<Bytes>) -> bool {
        query.items().is_none_or(|items| {
            items.iter().any(|item| {
                let typed =
                    item.types().len() == 0 || item.types().any(|t| *t == record.event_type);
                let has = |wanted: &str| record.tags.iter().any(|tag| tag.starts_with(wanted));
                typed && item.tags().iter().all(has)
            })
        })
    }
}

/// No query selects an event without tags.
struct UntaggedIsInvisible;

impl Rules for UntaggedIsInvisible {
    fn matches(query: &Query, record: &Recorded<Bytes>) -> bool {
        !record.tags.is_empty() && query.matches(&record.event_type, &record.tags)
    }
}

/// No query selects an event of a stream, unless it selects every event.
struct StreamsAreApart;

impl Rules for StreamsAreApart {
    fn matches(query: &Query, record: &Recorded<Bytes>) -> bool {
        let wildcard = query.items().is_none();
        (wildcard || record.stream.is_none()) && query.matches(&record.event_type, &record.tags)
    }
}

/// Names of streams are compared without case.
struct StreamsFoldCase;

impl Rules for StreamsFoldCase {
    fn is_of(stream: &StreamName, record: &Recorded<Bytes>) -> bool {
        let own = record.stream.as_ref();
        own.is_some_and(|own| own.as_str().eq_ignore_ascii_case(stream.as_str()))
    }
}

wrong_stores! {
    any_tag_matches: AnyTagMatches fails [
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "query::a_key_may_have_two_values",
        "query::generated_queries_match_by_the_reference",
        "query::tags_must_all_be_there",
    ];
    types_are_ignored: TypesAreIgnored fails [
        "model::random_commands_agree_with_a_plain_log",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "query::generated_queries_match_by_the_reference",
        "query::items_are_alternatives",
        "query::type_and_tags_must_both_match",
    ];
    only_the_first_type: OnlyTheFirstType fails [
        "concurrency::a_decision_on_a_type_sees_every_event",
        "model::random_commands_agree_with_a_plain_log",
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
        "concurrency::commands_decided_together_exceed_no_capacity",
        "limits::many_items_are_accepted",
        "model::random_commands_agree_with_a_plain_log",
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
        "concurrency::commands_decided_together_exceed_no_capacity",
        "model::random_commands_agree_with_a_plain_log",
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
        "concurrency::a_refusals_cause_is_visible",
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
        "limits::the_item_limit_is_exact",
        "limits::the_payload_limit_is_exact",
        "model::random_commands_agree_with_a_plain_log",
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
}
