//! What differs between the records that were found and those that are right.

use std::fmt::{Debug, Write};

use bytes::Bytes;

use crate::recorded::Recorded;

/// Asserts that the records are these, else tells the rule and the first difference: not two whole lists.
#[track_caller]
pub(super) fn assert_same(rule: &str, found: &[Recorded<Bytes>], right: &[Recorded<Bytes>]) {
    if let Some(difference) = difference(found, right) {
        panic!("{rule}: {difference}");
    }
}

/// The first difference, if there is one.
pub(super) fn difference(found: &[Recorded<Bytes>], right: &[Recorded<Bytes>]) -> Option<String> {
    if found == right {
        return None;
    }
    let same = found.iter().zip(right).take_while(|(found, right)| found == right).count();
    let mut told = format!("{} records where {} are right", found.len(), right.len());
    let place = format!("; the record at {same} of the list");
    let _ = match (found.get(same), right.get(same)) {
        (Some(found), Some(right)) => write!(told, "{place} differs in {}", fields(found, right)),
        (Some(found), None) => write!(told, "{place} is too many: {}", brief(found)),
        (None, Some(right)) => write!(told, "{place} is missing: {}", brief(right)),
        (None, None) => Ok(()),
    };
    Some(told)
}

fn brief(record: &Recorded<Bytes>) -> String {
    let tags = record.tags.as_lines().replace('\n', " ");
    format!("at {}, type {}, tags [{tags}]", record.position, record.event_type)
}

/// The fields that differ, with both values.
fn fields(found: &Recorded<Bytes>, right: &Recorded<Bytes>) -> String {
    let differing = [
        field("position", &found.position, &right.position),
        field("id", &found.id, &right.id),
        field("stream", &found.stream, &right.stream),
        field("revision", &found.revision, &right.revision),
        field("type", &found.event_type, &right.event_type),
        field("version", &found.version, &right.version),
        field("tags", &found.tags, &right.tags),
        field("metadata", &found.metadata, &right.metadata),
        field("time", &found.recorded_at, &right.recorded_at),
        field("payload", &start(&found.event), &start(&right.event))
            .or_else(|| (found.event != right.event).then(|| "its payload".to_owned())),
    ];
    differing.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn field<T: PartialEq + Debug>(name: &str, found: &T, right: &T) -> Option<String> {
    (found != right).then(|| format!("{name}: {found:?}, right is {right:?}"))
}

/// The length of a payload, and its first bytes.
fn start(payload: &Bytes) -> (usize, &[u8]) {
    (payload.len(), &payload[..payload.len().min(16)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{conformance::sample_values::event, position::SequencePosition};

    fn record(position: u64) -> Recorded<Bytes> {
        let new = event("A", &["x:1"]);
        Recorded {
            id: new.id,
            position: SequencePosition::new(position).unwrap(),
            stream: None,
            revision: None,
            event_type: new.event_type,
            version: 1,
            tags: new.tags,
            metadata: new.metadata,
            recorded_at: std::time::SystemTime::UNIX_EPOCH,
            event: new.payload,
        }
    }

    #[test]
    fn only_what_differs_is_told() {
        let page: Vec<_> = (1..=100).map(record).collect();
        assert_eq!(difference(&page, &page), None);
        let missing = difference(&page[..99], &page).unwrap();
        assert_eq!(
            missing,
            "99 records where 100 are right; the record at 99 of the list is missing: at 100, type A, \
             tags [x:1]"
        );
        assert!(difference(&page, &page[..99]).unwrap().contains("is too many: at 100"));
        let mut other = page.clone();
        other[7].version = 2;
        assert_eq!(
            difference(&other, &page).unwrap(),
            "100 records where 100 are right; the record at 7 of the list differs in version: 2, right is 1"
        );
    }
}
