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
