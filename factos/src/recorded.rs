use std::time::SystemTime;

use crate::{
    event_id::EventId, event_type::EventType, metadata::Metadata, position::SequencePosition,
    stream_name::StreamName, tags::Tags,
};

/// A record: a stored event with its place in the log.
///
/// `E` is the stored bytes ([`Bytes`](bytes::Bytes)) as a store returns them, or an event type once
/// decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded<E> {
    /// The id that the event was appended with.
    pub id: EventId,
    /// Its place in the whole log.
    pub position: SequencePosition,
    /// The stream it belongs to, if any.
    pub stream: Option<StreamName>,
    /// Its place in that stream, from 0; `Some` if and only if there is a stream.
    pub revision: Option<u64>,
    /// The stored name of its type.
    pub event_type: EventType,
    /// The schema version that its payload was stored with, from 1; see
    /// [`present_version`](Self::present_version).
    pub version: u32,
    /// The parts of the payload that queries can match.
    pub tags: Tags,
    /// Data about the event that is not part of the payload.
    pub metadata: Metadata,
    /// When the store accepted it, by the store's clock, in whole microseconds. For people: clocks
    /// step back, so only the [`position`](Self::position) gives the order.
    pub recorded_at: SystemTime,
    /// The payload, or the event that it decodes to.
    pub event: E,
}

impl<E> Recorded<E> {
    /// The same record with another payload.
    #[must_use]
    pub fn with_event<F>(self, event: F) -> Recorded<F> {
        self.replace(event).0
    }

    /// The same record with its payload mapped.
    #[must_use]
    pub fn map<F>(self, f: impl FnOnce(E) -> F) -> Recorded<F> {
        let (record, event) = self.replace(());
        record.with_event(f(event))
    }

    fn replace<F>(self, event: F) -> (Recorded<F>, E) {
        let record = Recorded {
            id: self.id,
            position: self.position,
            stream: self.stream,
            revision: self.revision,
            event_type: self.event_type,
            version: self.version,
            tags: self.tags,
            metadata: self.metadata,
            recorded_at: self.recorded_at,
            event,
        };
        (record, self.event)
    }
}
