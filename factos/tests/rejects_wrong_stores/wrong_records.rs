//! Stores that keep or return wrong records.

use std::time::SystemTime;

use factos::{Bytes, EventType, Metadata, Page, Recorded, Tag};

use crate::{
    store_rules::Rules,
    suite_run::{told, wrong_stores},
};

/// The events of a batch are put in the order of their ids.
struct OrderedById;

impl Rules for OrderedById {
    fn place(log: &mut Vec<Recorded<Bytes>>, mut batch: Page) {
        let positions: Vec<_> = batch.iter().map(|record| record.position).collect();
        batch.sort_by_key(|record| record.id);
        for (record, position) in batch.iter_mut().zip(positions) {
            record.position = position;
        }
        log.extend(batch);
    }
}

/// All events of a batch have one position.
struct OnePositionForABatch;

impl Rules for OnePositionForABatch {
    fn place(log: &mut Vec<Recorded<Bytes>>, mut batch: Page) {
        let first = batch[0].position;
        batch.iter_mut().for_each(|record| record.position = first);
        log.extend(batch);
    }
}

/// An append returns its records in reverse.
struct ReturnsInReverse;

impl Rules for ReturnsInReverse {
    fn returned(mut records: Page) -> Page {
        records.reverse();
        records
    }
}

/// An append returns another time than it stored.
struct ReturnsAnotherTime;

impl Rules for ReturnsAnotherTime {
    fn returned(mut records: Page) -> Page {
        for record in &mut records {
            record.recorded_at += std::time::Duration::from_micros(1);
        }
        records
    }
}

/// Times are as fine as the clock.
struct TimesAreFiner;

impl Rules for TimesAreFiner {
    fn now() -> SystemTime {
        let now = SystemTime::now();
        let nanos = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.subsec_nanos());
        now + std::time::Duration::from_nanos(u64::from(nanos.is_multiple_of(1000)))
    }
}

/// Versions have 16 bits.
struct VersionsAreCut;

impl Rules for VersionsAreCut {
    fn kept(mut record: Recorded<Bytes>) -> Recorded<Bytes> {
        record.version &= 0xFFFF;
        record
    }
}

/// Payloads are text.
struct PayloadsAreText;

impl Rules for PayloadsAreText {
    fn kept(mut record: Recorded<Bytes>) -> Recorded<Bytes> {
        record.event = String::from_utf8_lossy(&record.event).into_owned().into();
        record
    }
}

/// Line breaks in metadata are normalised.
struct MetadataIsNormalised;

impl Rules for MetadataIsNormalised {
    fn kept(mut record: Recorded<Bytes>) -> Recorded<Bytes> {
        let lines: Vec<_> =
            record.metadata.iter().map(|(k, v)| (k.to_owned(), v.replace("\r\n", "\n"))).collect();
        for (key, value) in lines {
            let _replaced = record.metadata.insert(&key, &value);
        }
        record
    }
}

/// Metadata is not kept.
struct MetadataIsLost;

impl Rules for MetadataIsLost {
    fn kept(mut record: Recorded<Bytes>) -> Recorded<Bytes> {
        record.metadata = Metadata::new();
        record
    }
}

/// At most 60 tags are kept.
struct TagsAreCutOff;

impl Rules for TagsAreCutOff {
    fn kept(mut record: Recorded<Bytes>) -> Recorded<Bytes> {
        record.tags = record.tags.iter().take(60).filter_map(|tag| Tag::parse(tag).ok()).collect();
        record
    }
}

/// Types are composed, as if texts that look the same were equal.
struct UnicodeIsComposed;

impl Rules for UnicodeIsComposed {
    fn kept(mut record: Recorded<Bytes>) -> Recorded<Bytes> {
        let composed = record.event_type.as_str().replace("e\u{301}", "\u{e9}");
        record.event_type = EventType::new(composed).unwrap_or(record.event_type);
        record
    }
}

/// Types are cut to 50 characters.
struct LongNamesAreCut;

impl Rules for LongNamesAreCut {
    fn kept(mut record: Recorded<Bytes>) -> Recorded<Bytes> {
        let cut: String = record.event_type.as_str().chars().take(50).collect();
        record.event_type = EventType::new(cut).unwrap_or(record.event_type);
        record
    }
}

/// Ids become version 7, whatever they were.
struct IdsAreForced;

impl Rules for IdsAreForced {
    fn kept(mut record: Recorded<Bytes>) -> Recorded<Bytes> {
        let mut bytes = record.id.to_bytes();
        bytes[6] = 0x70 | (bytes[6] & 0x0F);
        record.id = factos::EventId::from_bytes(bytes);
        record
    }
}

told! {
    a_field_that_differs_is_told: MetadataIsLost, "append::a_record_says_what_was_appended"
        says "a record says what was appended: 4 records where 4 are right; the record at 1 of the list \
              differs in metadata: ";
    another_time_is_told: ReturnsAnotherTime, "append::returned_records_equal_a_later_read"
        says "the record at 0 of the list differs in time: ";
    positions_that_do_not_increase_are_told: OnePositionForABatch,
        "append::positions_strictly_increase"
        says "positions strictly increase:\n  at 2: B , {}\n  at 2: C , {}";
}

wrong_stores! {
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
        "model::random_commands_agree_with_a_plain_log",
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
        "limits::an_idempotency_key_counts_against_no_limit",
        "limits::many_long_tags_are_accepted",
        "model::random_commands_agree_with_a_plain_log",
    ];
    unicode_is_composed: UnicodeIsComposed fails [
        "append::names_are_equal_only_byte_for_byte",
    ];
    long_names_are_cut: LongNamesAreCut fails [
        "limits::long_names_are_accepted",
    ];
    ids_are_forced: IdsAreForced fails [
        "append::any_uuid_is_an_id",
        "concurrency::a_refusals_cause_is_visible",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
    ];
}
