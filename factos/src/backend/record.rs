use std::time::SystemTime;

use bytes::Bytes;

use crate::{append::NewEvent, position::SequencePosition, recorded::Recorded};

/// The record of an event that was accepted at a position.
///
/// `revision` is there if and only if the event has a stream.
#[inline]
#[must_use]
pub fn record(
    event: NewEvent,
    position: SequencePosition,
    revision: Option<u64>,
    recorded_at: SystemTime,
) -> Recorded<Bytes> {
    Recorded {
        id: event.id,
        position,
        stream: event.stream,
        revision,
        event_type: event.event_type,
        version: event.version,
        tags: event.tags,
        metadata: event.metadata,
        recorded_at,
        event: event.payload,
    }
}
