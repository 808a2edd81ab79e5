//! Stores that get one limit wrong. Each runs the case of that limit alone.

use factos::{
    AppendCondition, AppendError, InvalidEvent, Limits, NewEvent, StoreError, StoreErrorKind,
};

use crate::{store_rules::Rules, suite_run::told};

const PAYLOADS: usize = 0;
const TAGS: usize = 1;
const EVENTS: usize = 2;
const BYTES: usize = 3;
const ITEMS: usize = 4;

/// The floor, with one limit moved.
const fn moved(limit: usize, by: isize) -> Limits {
    let mut limits = Limits::FLOOR;
    let moved = match limit {
        PAYLOADS => &mut limits.payload_bytes,
        TAGS => &mut limits.tags_per_event,
        EVENTS => &mut limits.events_per_batch,
        BYTES => &mut limits.batch_bytes,
        _ => &mut limits.items_per_query,
    };
    *moved = moved.saturating_add_signed(by);
    limits
}

/// One more is accepted than the store says.
struct OneMore<const LIMIT: usize>;

impl<const LIMIT: usize> Rules for OneMore<LIMIT> {
    const LIMITS: Limits = moved(LIMIT, 1);
}

/// One fewer is accepted than the store says.
struct OneFewer<const LIMIT: usize>;

impl<const LIMIT: usize> Rules for OneFewer<LIMIT> {
    const LIMITS: Limits = moved(LIMIT, -1);
}

/// What is beyond a limit is refused by the name of another one.
struct AnotherName;

impl Rules for AnotherName {
    fn admit(events: &[NewEvent], condition: &AppendCondition) -> Result<(), AppendError> {
        Self::LIMITS.check(events, condition).map_err(|refusal| match refusal {
            AppendError::Invalid(InvalidEvent::TooManyEvents { events, limit }) => {
                InvalidEvent::BatchTooLarge { bytes: events, limit }.into()
            }
            AppendError::Invalid(_) => {
                let (events, limit) = (events.len(), Self::LIMITS.events_per_batch);
                InvalidEvent::TooManyEvents { events, limit }.into()
            }
            other => other,
        })
    }
}

/// What is beyond a limit is refused as a failure of the store.
struct FailsBeyond;

impl Rules for FailsBeyond {
    fn admit(events: &[NewEvent], condition: &AppendCondition) -> Result<(), AppendError> {
        Self::LIMITS.check(events, condition).map_err(|refusal| match refusal {
            AppendError::Invalid(invalid) => StoreError::new(StoreErrorKind::Other, invalid).into(),
            other => other,
        })
    }
}

/// The first event of a batch beyond a limit is written, though the batch is refused by the right name.
struct WritesAPart;

impl Rules for WritesAPart {
    const WRITES_A_PART: bool = true;
}

/// The item of an idempotency key counts as any other.
struct TheItemOfAKeyCounts;

impl Rules for TheItemOfAKeyCounts {
    fn admit(events: &[NewEvent], condition: &AppendCondition) -> Result<(), AppendError> {
        Self::LIMITS.check(events, condition)?;
        let AppendCondition::FailIfEventsMatch { query, .. } = condition else { return Ok(()) };
        let items = query.items().unwrap_or_default().len();
        let limit = Self::LIMITS.items_per_query;
        if items > limit { Err(InvalidEvent::TooManyItems { items, limit }.into()) } else { Ok(()) }
    }
}

const OF_PAYLOADS: usize = 0;
const OF_TAGS: usize = 1;
const OF_METADATA: usize = 2;
const OF_TYPES: usize = 3;
const OF_STREAMS: usize = 4;

/// How many bytes one part of an event has.
fn part(event: &NewEvent, part: usize) -> usize {
    match part {
        OF_PAYLOADS => event.payload.len(),
        OF_TAGS => event.tags.as_lines().len(),
        OF_METADATA => event.metadata.iter().map(|(key, value)| key.len() + value.len()).sum(),
        OF_TYPES => event.event_type.as_str().len(),
        _ => event.stream.as_ref().map_or(0, |stream| stream.as_str().len()),
    }
}

/// One part of an event does not count against the bytes of a batch.
struct Uncounted<const PART: usize>;

impl<const PART: usize> Rules for Uncounted<PART> {
    fn admit(events: &[NewEvent], condition: &AppendCondition) -> Result<(), AppendError> {
        Limits { batch_bytes: usize::MAX, ..Self::LIMITS }.check(events, condition)?;
        let bytes = events.iter().map(|event| event.byte_len() - part(event, PART)).sum();
        let limit = Self::LIMITS.batch_bytes;
        if bytes > limit {
            Err(InvalidEvent::BatchTooLarge { bytes, limit }.into())
        } else {
            Ok(())
        }
    }
}

/// A column is shorter than the longest name.
struct ShortColumn<const PART: usize>;

impl<const PART: usize> Rules for ShortColumn<PART> {
    fn admit(events: &[NewEvent], condition: &AppendCondition) -> Result<(), AppendError> {
        Self::LIMITS.check(events, condition)?;
        let longest = events.iter().map(|event| part(event, PART)).max().unwrap_or_default();
        let too_long = || StoreError::new(StoreErrorKind::Other, "the column is too short");
        if longest > 250 { Err(too_long().into()) } else { Ok(()) }
    }
}

told! {
    one_payload_byte_more: OneMore<PAYLOADS>, "limits::the_payload_limit_is_exact"
        says "one beyond the limit is refused, as event 1 of the batch has a payload of 1048577 bytes";
    one_tag_more: OneMore<TAGS>, "limits::the_tag_limit_is_exact"
        says "one beyond the limit is refused, as event 1 of the batch has 65 tags";
    one_event_more: OneMore<EVENTS>, "limits::the_event_limit_is_exact"
        says "one beyond the limit is refused, as the batch holds 10001 events";
    one_byte_more: OneMore<BYTES>, "limits::the_byte_limit_is_exact"
        says "one beyond the limit is refused, as the batch has 67108865 bytes";
    one_item_more: OneMore<ITEMS>, "limits::the_item_limit_is_exact"
        says "one beyond the limit is refused, as the query has 129 items";

    one_payload_byte_fewer: OneFewer<PAYLOADS>, "limits::the_payload_limit_is_exact"
        says "an append must be accepted";
    one_tag_fewer: OneFewer<TAGS>, "limits::the_tag_limit_is_exact"
        says "an append must be accepted";
    one_event_fewer: OneFewer<EVENTS>, "limits::the_event_limit_is_exact"
        says "an append must be accepted";
    one_byte_fewer: OneFewer<BYTES>, "limits::the_byte_limit_is_exact"
        says "an append must be accepted";
    one_item_fewer: OneFewer<ITEMS>, "limits::the_item_limit_is_exact"
        says "an append must be accepted";

    payloads_refused_by_another_name: AnotherName, "limits::the_payload_limit_is_exact"
        says "refused by the name of the limit";
    tags_refused_by_another_name: AnotherName, "limits::the_tag_limit_is_exact"
        says "refused by the name of the limit";
    events_refused_by_another_name: AnotherName, "limits::the_event_limit_is_exact"
        says "refused by the name of the limit";
    bytes_refused_by_another_name: AnotherName, "limits::the_byte_limit_is_exact"
        says "refused by the name of the limit";
    items_refused_by_another_name: AnotherName, "limits::the_item_limit_is_exact"
        says "refused by the name of the limit";

    a_part_of_long_payloads_written: WritesAPart, "limits::the_payload_limit_is_exact"
        says "leaves nothing behind";
    a_part_of_many_tags_written: WritesAPart, "limits::the_tag_limit_is_exact"
        says "leaves nothing behind";
    a_part_of_many_events_written: WritesAPart, "limits::the_event_limit_is_exact"
        says "leaves nothing behind";
    a_part_of_many_bytes_written: WritesAPart, "limits::the_byte_limit_is_exact"
        says "leaves nothing behind";
    a_part_of_many_items_written: WritesAPart, "limits::the_item_limit_is_exact"
        says "leaves nothing behind";
    a_part_beyond_the_floor_written: WritesAPart, "limits::beyond_the_floor_is_all_or_nothing"
        says "leaves nothing behind";
    beyond_the_floor_is_a_failure: FailsBeyond, "limits::beyond_the_floor_is_all_or_nothing"
        says "is accepted or invalid, and came to";

    the_item_of_a_key_counts: TheItemOfAKeyCounts,
        "limits::an_idempotency_key_counts_against_no_limit"
        says "is an item of the condition as any other";

    bytes_of_payloads_uncounted: Uncounted<OF_PAYLOADS>, "limits::the_byte_limit_is_exact"
        says "one beyond the limit is refused";
    bytes_of_tags_uncounted: Uncounted<OF_TAGS>, "limits::the_byte_limit_is_exact"
        says "one beyond the limit is refused";
    bytes_of_metadata_uncounted: Uncounted<OF_METADATA>, "limits::the_byte_limit_is_exact"
        says "one beyond the limit is refused";
    bytes_of_types_uncounted: Uncounted<OF_TYPES>, "limits::the_byte_limit_is_exact"
        says "one beyond the limit is refused";
    bytes_of_streams_uncounted: Uncounted<OF_STREAMS>, "limits::the_byte_limit_is_exact"
        says "one beyond the limit is refused";

    a_short_column_of_types: ShortColumn<OF_TYPES>, "limits::long_names_are_accepted"
        says "the column is too short";
    a_short_column_of_streams: ShortColumn<OF_STREAMS>, "limits::long_names_are_accepted"
        says "the column is too short";
    a_short_column_of_metadata: ShortColumn<OF_METADATA>, "limits::long_names_are_accepted"
        says "the column is too short";
    a_short_column_of_tags: ShortColumn<OF_TAGS>, "limits::many_long_tags_are_accepted"
        says "the column is too short";
}
