use crate::{event_type::EventType, query::Query, tags::Tags};

/// The error of a decision whose guard selects none of the decided events.
///
/// The next decision would see none of them. Often a tag was forgotten.
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
