use std::time::SystemTime;

use crate::{
    error_report::ErrorReport,
    event::{Event, encode},
    position::SequencePosition,
    recorded::Recorded,
};

/// The event as a record, for the test of a reactor or a view.
///
/// It has a new id, position 1, no stream, the present version, its own tags and the metadata of its codec.
///
/// ```
/// use factos::{Event, Metadata, Recorded, SequencePosition, testing::recorded};
///
/// #[derive(Debug, Event)]
/// enum Ticketing {
///     Sold { #[tag] show: u32 },
/// }
///
/// let sold = Recorded {
///     position: SequencePosition::new(7).ok_or("above 0")?,
///     metadata: Metadata::new().with_correlation_id("request-7")?,
///     ..recorded(Ticketing::Sold { show: 1 })
/// };
/// assert_eq!((sold.position.get(), sold.event_type.as_str()), (7, "Sold"));
/// assert!(sold.tags.contains("show:1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// If the event cannot be encoded.
#[must_use]
#[track_caller]
pub fn recorded<E: Event>(event: E) -> Recorded<E> {
    let new = match encode(&event) {
        Ok(new) => new,
        Err(error) => panic!("{}", error.report()),
    };
    Recorded {
        id: new.id,
        position: SequencePosition::FIRST,
        stream: None,
        revision: None,
        event_type: new.event_type,
        version: new.version,
        tags: new.tags,
        metadata: new.metadata,
        recorded_at: SystemTime::now(),
        event,
    }
}
