use crate::{event_type::EventType, query::Query, tags::Tags};

/// The events decided upon are outside of the boundary that they were decided in, so the next decision
/// would not see any of them: often a tag that was forgotten.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an event of type {event_type} with the tags {tags:?} is outside of the boundary {query}")]
#[non_exhaustive]
pub struct OutsideBoundary {
    /// The type of the first event.
    pub event_type: EventType,
    /// Its tags.
    pub tags: Tags,
    /// The guard.
    pub query: Query,
}
