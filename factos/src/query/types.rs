use std::{fmt, sync::Arc};

use crate::event_type::EventType;

/// A set of event types, in order. Cloning allocates nothing.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Types(Option<Arc<[EventType]>>);

impl Types {
    pub(super) const fn new() -> Self {
        Self(None)
    }

    pub(super) fn as_slice(&self) -> &[EventType] {
        self.0.as_deref().unwrap_or_default()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn contains(&self, event_type: &EventType) -> bool {
        self.as_slice().binary_search(event_type).is_ok()
    }

    pub(super) fn is_subset(&self, other: &Self) -> bool {
        self.as_slice().iter().all(|event_type| other.contains(event_type))
    }
}

impl From<EventType> for Types {
    fn from(event_type: EventType) -> Self {
        Self(Some([event_type].into()))
    }
}

impl FromIterator<EventType> for Types {
    fn from_iter<I: IntoIterator<Item = EventType>>(types: I) -> Self {
        let mut types: Vec<_> = types.into_iter().collect();
        types.sort_unstable();
        types.dedup();
        Self((!types.is_empty()).then(|| types.into()))
    }
}

impl fmt::Debug for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.as_slice()).finish()
    }
}
