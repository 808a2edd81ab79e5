use crate::{query::Query, recorded::Recorded, stream_name::StreamName};

/// The events that a read asks for: those that match a query, or those of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Selection {
    /// The events that match a query.
    Query(Query),
    /// The events of a stream.
    Stream(StreamName),
}

impl Selection {
    /// Whether every event is selected.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::Query(query) if query.items().is_none())
    }

    /// Whether this event is selected.
    #[must_use]
    pub fn selects<E>(&self, record: &Recorded<E>) -> bool {
        match self {
            Self::Query(query) => query.matches(&record.event_type, &record.tags),
            Self::Stream(stream) => record.stream.as_ref() == Some(stream),
        }
    }
}
