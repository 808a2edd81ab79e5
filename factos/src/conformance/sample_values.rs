use crate::{
    append::{AppendCondition, NewEvent},
    event_type::EventType,
    position::SequencePosition,
    query::{Query, QueryItem},
    revision::Revision,
    stream_name::StreamName,
    tag::Tag,
    tags::Tags,
};

/// Numbers that a store with signed or 32-bit integers gets wrong.
pub(super) const LARGE: [u64; 5] =
    [u32::MAX as u64, i64::MAX as u64 - 1, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX];

pub(super) fn event(event_type: &str, tags: &[&str]) -> NewEvent {
    let mut event = NewEvent::new(EventType::new(event_type).unwrap(), "{}");
    event.tags = tag_set(tags);
    event
}

pub(super) fn in_stream(name: &str, event_type: &str) -> NewEvent {
    let mut event = event(event_type, &[]);
    event.stream = Some(stream(name));
    event
}

pub(super) fn tag_set(tags: &[&str]) -> Tags {
    tags.iter().map(|tag| Tag::parse(tag).unwrap()).collect()
}

pub(super) fn stream(name: &str) -> StreamName {
    StreamName::new(name).unwrap()
}

pub(super) fn at(number: u64) -> SequencePosition {
    SequencePosition::new(number).unwrap()
}

/// An item of these types and tags, at least one in all.
pub(super) fn item(types: &[&str], tags: &[&str]) -> QueryItem {
    let Some(item) = QueryItem::of_types(types.iter().map(|t| EventType::new(t).unwrap())).ok()
    else {
        return QueryItem::with_tags(tag_set(tags)).unwrap();
    };
    tags.iter().fold(item, |item, tag| item.tagged(&Tag::parse(tag).unwrap()))
}

pub(super) fn query(types: &[&str], tags: &[&str]) -> Query {
    item(types, tags).into()
}

/// The condition that no event of the query was accepted, ever or after a position.
pub(super) fn unless(query: &Query) -> AppendCondition {
    AppendCondition::fail_if_events_match(query.clone())
}

pub(super) fn expecting(name: &str, revision: Revision) -> AppendCondition {
    AppendCondition::expected_revision(stream(name), revision)
}
