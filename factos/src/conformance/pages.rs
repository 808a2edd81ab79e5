use bytes::Bytes;

use crate::{
    event_id::EventId, events::Page, position::SequencePosition, query::Query,
    read_options::ReadOptions, recorded::Recorded,
};

/// What a read of this log must return, by the reference matcher.
pub(super) fn expected(log: &[Recorded<Bytes>], query: &Query, options: ReadOptions) -> Page {
    let within = |record: &&Recorded<Bytes>| {
        query.matches(&record.event_type, &record.tags)
            && options.after.is_none_or(|after| record.position > after)
            && options.before.is_none_or(|before| record.position < before)
    };
    let mut page: Page = log.iter().filter(within).cloned().collect();
    if options.backwards {
        page.reverse();
    }
    let limit = options.limit.unwrap_or(u64::MAX);
    page.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    page
}

pub(super) fn types(page: &[Recorded<Bytes>]) -> Vec<&str> {
    page.iter().map(|r| r.event_type.as_str()).collect()
}

pub(super) fn ids(page: &[Recorded<Bytes>]) -> Vec<EventId> {
    page.iter().map(|record| record.id).collect()
}

pub(super) fn positions(page: &[Recorded<Bytes>]) -> Vec<SequencePosition> {
    page.iter().map(|record| record.position).collect()
}

pub(super) fn revisions(page: &[Recorded<Bytes>]) -> Vec<Option<u64>> {
    page.iter().map(|record| record.revision).collect()
}

/// For a failure message: position, type, tags and payload of each event. The payload of a decision
/// says what it was decided from.
pub(super) fn lines(page: &[Recorded<Bytes>]) -> String {
    let line = |record: &Recorded<Bytes>| {
        let (tags, told) = (record.tags.as_lines(), String::from_utf8_lossy(&record.event));
        let tags = tags.replace('\n', " ");
        format!("\n  at {}: {} {tags}, {told}", record.position, record.event_type)
    };
    page.iter().map(line).collect()
}

/// The numbers that a payload tells, at least so many.
#[track_caller]
pub(super) fn numbers(record: &Recorded<Bytes>, least: usize) -> Vec<u64> {
    let text = String::from_utf8_lossy(&record.event);
    let words = text.split(|c: char| !c.is_ascii_digit());
    let numbers: Vec<_> = words.filter_map(|word| word.parse().ok()).collect();
    assert!(
        numbers.len() >= least,
        "a payload comes back byte for byte, and that at {} has {text:?}, where {least} numbers were",
        record.position
    );
    numbers
}

/// Asserts that positions strictly increase, else tells the first two that do not.
#[track_caller]
pub(super) fn assert_increasing(page: &[Recorded<Bytes>]) {
    let pair = page.windows(2).find(|pair| pair[0].position >= pair[1].position);
    let pair = pair.map(lines);
    assert!(pair.is_none(), "positions strictly increase:{}", pair.unwrap_or_default());
}

/// Asserts that the records have the revisions from 0, without gaps.
#[track_caller]
pub(super) fn assert_counted(stream: &str, page: &[Recorded<Bytes>]) {
    let wrong = page.iter().zip(0..).find(|(record, right)| record.revision != Some(*right));
    if let Some((record, right)) = wrong {
        panic!(
            "the revisions of the stream {stream} count from 0 without gaps: at {} is {:?}, and not {right}",
            record.position, record.revision
        );
    }
}
