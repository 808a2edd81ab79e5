use std::collections::HashSet;

use super::append_request::Weight;
use crate::{
    append::{AppendCondition, NewEvent},
    append_error::AppendError,
    event_id::EventId,
    limits::Limits,
    position::SequencePosition,
    query::Query,
};

/// The events and the condition of an append, after all checks that need no log.
///
/// The batch is not empty, is within the limits, and its ids differ from one another.
#[derive(Debug, Clone)]
pub struct Batch {
    events: Vec<NewEvent>,
    condition: AppendCondition,
    exists: Option<Query>,
}

impl Batch {
    /// Checks the events and the condition of an append.
    ///
    /// # Errors
    /// [`AppendError::EmptyBatch`], [`AppendError::Invalid`], [`AppendError::DuplicateEventId`], looked at
    /// in this order.
    #[inline]
    pub fn new(
        events: Vec<NewEvent>,
        condition: AppendCondition,
        limits: &Limits,
    ) -> Result<Self, AppendError> {
        limits.check(&events, &condition)?;
        Self::of(events, condition, None)
    }

    /// Checks the events and the queries of an [`append_unless`](crate::EventStore::append_unless).
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn unless(
        events: Vec<NewEvent>,
        exists: Query,
        guard: Query,
        after: Option<SequencePosition>,
        limits: &Limits,
    ) -> Result<Self, AppendError> {
        limits.check_unless(&events, &exists, &guard)?;
        let condition = AppendCondition::fail_if_events_match(guard).after(after);
        Self::of(events, condition, Some(exists))
    }

    fn of(
        events: Vec<NewEvent>,
        condition: AppendCondition,
        exists: Option<Query>,
    ) -> Result<Self, AppendError> {
        if let Some(id) = repeated_id(&events) {
            return Err(AppendError::DuplicateEventId(id));
        }
        Ok(Self { events, condition, exists })
    }

    /// The events, in order.
    #[must_use]
    #[inline]
    pub fn events(&self) -> &[NewEvent] {
        &self.events
    }

    /// The condition.
    #[must_use]
    pub const fn condition(&self) -> &AppendCondition {
        &self.condition
    }

    /// Selects the events of which the log must hold none, however old, in addition to the condition.
    #[must_use]
    pub const fn exists(&self) -> Option<&Query> {
        self.exists.as_ref()
    }

    /// The events, by value.
    #[must_use]
    #[inline]
    pub fn into_events(self) -> Vec<NewEvent> {
        self.events
    }
}

impl Weight for Batch {
    fn bytes(&self) -> usize {
        self.events.iter().map(NewEvent::byte_len).sum()
    }
}

/// The first id that stands twice. New ids ascend, and then one comparison per event tells.
fn repeated_id(events: &[NewEvent]) -> Option<EventId> {
    if events.is_sorted_by(|one, next| one.id < next.id) {
        return None;
    }
    let mut seen = HashSet::with_capacity(events.len());
    events.iter().map(|event| event.id).find(|id| !seen.insert(*id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_type::EventType;

    fn batch(ids: &[u8]) -> Result<Batch, AppendError> {
        let event = |id: &u8| NewEvent {
            id: EventId::from_bytes([*id; 16]),
            ..NewEvent::new(EventType::from_static("A"), "")
        };
        let events = ids.iter().map(event).collect();
        Batch::new(events, AppendCondition::None, &Limits::FLOOR)
    }

    #[test]
    fn ids_differ_in_whatever_order_they_come() {
        for ids in [&[1][..], &[1, 2, 3], &[3, 2, 1], &[2, 1, 3]] {
            assert_eq!(batch(ids).unwrap().events().len(), ids.len());
        }
        for ids in [&[1, 1][..], &[1, 2, 1], &[2, 1, 1], &[1, 2, 2, 3]] {
            assert!(matches!(batch(ids), Err(AppendError::DuplicateEventId(_))), "{ids:?}");
        }
        assert!(matches!(batch(&[]), Err(AppendError::EmptyBatch)));
    }
}
