//! How much one append may hold.

use crate::{
    append::{AppendCondition, NewEvent},
    append_error::{AppendError, InvalidEvent},
    query::Query,
    tag,
};

/// The limits of one store, for events, batches and queries; at least [`Limits::FLOOR`].
///
/// Names have limits of their own, which are the same everywhere and are checked when the value is
/// built: see [`MAX_TEXT_BYTES`](crate::MAX_TEXT_BYTES).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one payload.
    pub payload_bytes: usize,
    /// Tags of one event. A tag of the library, such as that of an idempotency key, does not count.
    pub tags_per_event: usize,
    /// Events of one batch.
    pub events_per_batch: usize,
    /// Bytes of one batch, by [`NewEvent::byte_len`].
    pub batch_bytes: usize,
    /// Items of the query of a condition, or of both if it has two. One of a tag of the library alone does not count. A read
    /// may have more, and takes longer by them.
    pub items_per_query: usize,
}

impl Limits {
    /// The limits that every store has at least.
    ///
    /// Payloads of 1 MiB, 64 tags an event, 10,000 events and 64 MiB a batch, 128 items a query.
    pub const FLOOR: Self = Self {
        payload_bytes: 1 << 20,
        tags_per_event: 64,
        events_per_batch: 10_000,
        batch_bytes: 64 << 20,
        items_per_query: 128,
    };

    /// Checks a batch and its condition, before a store looks whether the condition holds.
    ///
    /// # Errors
    /// [`AppendError::EmptyBatch`], or [`AppendError::Invalid`] with the first limit that is exceeded.
    pub fn check(
        &self,
        events: &[NewEvent],
        condition: &AppendCondition,
    ) -> Result<(), AppendError> {
        match condition {
            AppendCondition::FailIfEventsMatch { query, .. } => self.check_all(events, &[query]),
            _ => self.check_all(events, &[]),
        }
    }

    /// Checks the batch and the queries of an [`append_unless`](crate::EventStore::append_unless).
    #[cfg(feature = "backend")]
    pub(crate) fn check_unless(
        &self,
        events: &[NewEvent],
        exists: &Query,
        guard: &Query,
    ) -> Result<(), AppendError> {
        self.check_all(events, &[exists, guard])
    }

    fn check_all(&self, events: &[NewEvent], queries: &[&Query]) -> Result<(), AppendError> {
        if events.is_empty() {
            return Err(AppendError::EmptyBatch);
        }
        self.check_items(queries)?;
        self.check_batch(events)?;
        Ok(())
    }

    fn check_items(&self, queries: &[&Query]) -> Result<(), InvalidEvent> {
        let all = || queries.iter().flat_map(|query| query.items().unwrap_or_default());
        let limit = self.items_per_query;
        if all().count() <= limit {
            return Ok(());
        }
        let items = all().filter(|item| !item.is_of_library()).count();
        if items > limit { Err(InvalidEvent::TooManyItems { items, limit }) } else { Ok(()) }
    }

    fn check_batch(&self, events: &[NewEvent]) -> Result<(), InvalidEvent> {
        if events.len() > self.events_per_batch {
            let (events, limit) = (events.len(), self.events_per_batch);
            return Err(InvalidEvent::TooManyEvents { events, limit });
        }
        let mut bytes = 0;
        for (index, event) in events.iter().enumerate() {
            self.check_event(index, event)?;
            bytes += event.byte_len();
        }
        let limit = self.batch_bytes;
        if bytes > limit {
            return Err(InvalidEvent::BatchTooLarge { bytes, limit });
        }
        Ok(())
    }

    fn check_event(&self, index: usize, event: &NewEvent) -> Result<(), InvalidEvent> {
        let (bytes, limit) = (event.payload.len(), self.payload_bytes);
        if bytes > limit {
            return Err(InvalidEvent::PayloadTooLarge { index, bytes, limit });
        }
        let limit = self.tags_per_event;
        if event.tags.len() <= limit {
            return Ok(());
        }
        let tags = event.tags.iter().filter(|tag| !tag::is_of_library(tag)).count();
        if tags > limit { Err(InvalidEvent::TooManyTags { index, tags, limit }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_type::EventType;

    const SMALL: Limits = Limits { payload_bytes: 3, events_per_batch: 2, ..Limits::FLOOR };

    fn event(payload: &'static str) -> NewEvent {
        NewEvent::new(EventType::from_static("A"), payload)
    }

    #[test]
    fn the_first_limit_that_is_exceeded_is_named() {
        assert!(SMALL.check(&[event("123"), event("")], &AppendCondition::None).is_ok());
        let text = |events: &[NewEvent]| {
            SMALL.check(events, &AppendCondition::None).unwrap_err().to_string()
        };
        assert_eq!(text(&[]), "the batch holds no event");
        assert_eq!(
            text(&[event(""), event("1234")]),
            "event 1 of the batch has a payload of 4 bytes, at most 3 are accepted"
        );
        assert_eq!(
            text(&[event(""), event(""), event("")]),
            "the batch holds 3 events, at most 2 are accepted"
        );
    }
}
