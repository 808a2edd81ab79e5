use std::borrow::Borrow;

use bytes::Bytes;

use crate::{
    event_id::EventId, event_type::EventType, metadata::Metadata, position::SequencePosition,
    query::Query, revision::Revision, stream_name::StreamName, tag::Tag, tags::Tags,
};

/// An event to append: id, stream, type, version, tags, metadata and payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Its id, unique in the log.
    pub id: EventId,
    /// The stream it belongs to, if any.
    pub stream: Option<StreamName>,
    /// The stored name of its type.
    pub event_type: EventType,
    /// The schema version of the payload; by convention from 1.
    pub version: u32,
    /// The parts of the payload that queries can match.
    pub tags: Tags,
    /// Data about the event that is not part of the payload.
    pub metadata: Metadata,
    /// The encoded event, opaque to every store.
    pub payload: Bytes,
}

impl NewEvent {
    /// An event with a new id, version 1, no stream, no tags and no metadata.
    #[must_use]
    pub fn new(event_type: EventType, payload: impl Into<Bytes>) -> Self {
        Self {
            id: EventId::new(),
            stream: None,
            event_type,
            version: 1,
            tags: Tags::new(),
            metadata: Metadata::new(),
            payload: payload.into(),
        }
    }

    /// The same event with this id.
    #[must_use]
    pub const fn with_id(mut self, id: EventId) -> Self {
        self.id = id;
        self
    }

    /// The same event in this stream.
    #[must_use]
    pub fn in_stream(mut self, stream: StreamName) -> Self {
        self.stream = Some(stream);
        self
    }

    /// The same event with this schema version of its payload.
    #[must_use]
    pub const fn with_version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// The same event with this tag as well.
    ///
    /// ```
    /// use factos::{EventType, Metadata, NewEvent, StreamName, Tag};
    ///
    /// let sold = NewEvent::new(EventType::from_static("TicketSold"), r#"{"buyer":"lucy"}"#)
    ///     .with_tag(Tag::new("show", "rust-conf")?)
    ///     .in_stream(StreamName::new("rust-conf")?)
    ///     .with_metadata(Metadata::new().with_correlation_id("request-7")?);
    /// assert!(sold.tags.contains("show:rust-conf"));
    /// # Ok::<(), factos::InvalidText>(())
    /// ```
    #[must_use]
    pub fn with_tag(mut self, tag: impl Borrow<Tag>) -> Self {
        self.tags.insert(tag.borrow());
        self
    }

    /// The same event with this metadata, in place of what it had.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// The bytes of this event as they count against the limit of a batch: payload, tags, metadata and
    /// names.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.payload.len()
            + self.tags.as_lines().len()
            + self.metadata.byte_len()
            + self.event_type.as_str().len()
            + self.stream.as_ref().map_or(0, |stream| stream.as_str().len())
    }
}

/// The condition under which a store accepts an append.
///
/// The events of the batch itself do not count.
///
/// The enum is exhaustive: a store that does not know a condition could not check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppendCondition {
    /// No condition.
    None,
    /// No event that matches `query` was accepted after the position `after`, or at all if `after` is `None`.
    FailIfEventsMatch {
        /// Selects the events that would invalidate the decision.
        query: Query,
        /// The last position that the decision took into account: the
        /// [`observed`](crate::Events::observed) of the read it was based on.
        after: Option<SequencePosition>,
    },
    /// The stream is at this revision.
    ExpectedRevision {
        /// The stream whose revision is checked; the batch need not write to it.
        stream: StreamName,
        /// The revision that it must have.
        revision: Revision,
    },
}

impl AppendCondition {
    /// The condition that no event matches; narrow it with [`after`](Self::after).
    #[must_use]
    pub const fn fail_if_events_match(query: Query) -> Self {
        Self::FailIfEventsMatch { query, after: None }
    }

    /// The condition that the stream is at this revision.
    #[must_use]
    pub const fn expected_revision(stream: StreamName, revision: Revision) -> Self {
        Self::ExpectedRevision { stream, revision }
    }

    /// The same condition, of events after this position only. No effect on the other conditions.
    #[must_use]
    pub fn after(mut self, position: impl Into<Option<SequencePosition>>) -> Self {
        if let Self::FailIfEventsMatch { after, .. } = &mut self {
            *after = position.into();
        }
        self
    }
}
