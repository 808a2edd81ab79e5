use crate::{
    append::NewEvent,
    event_type::EventType,
    query::{Query, QueryItem},
    stream_name::StreamName,
    tags::Tags,
};

/// What commands compete for: the events that refuse the appends of several of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// All events, as the guard is all of them.
    Everything,
    /// An item of guards.
    Item(QueryItem),
    Stream(StreamName),
}

impl Place {
    /// What commands with this guard compete for, if it is one thing.
    pub(crate) fn only(guard: &Query) -> Option<Self> {
        match guard.items() {
            None => Some(Self::Everything),
            Some([item]) => Some(Self::Item(item.clone())),
            Some(_) => None,
        }
    }

    /// The places of a guard that an event belongs to.
    pub(crate) fn all_of(
        guard: &Query,
        event_type: &EventType,
        tags: &Tags,
    ) -> impl Iterator<Item = Self> {
        let everything = guard.items().is_none().then_some(Self::Everything);
        let items = guard.items().unwrap_or_default().iter();
        let items = items.filter(|item| item.matches(event_type, tags)).cloned().map(Self::Item);
        everything.into_iter().chain(items)
    }

    /// The places of a guard that a batch would write to.
    pub(crate) fn written(guard: &Query, batch: &[NewEvent]) -> Vec<Self> {
        let places = batch.iter().flat_map(|new| Self::all_of(guard, &new.event_type, &new.tags));
        places.collect()
    }

    /// Whether a query selects all events of the place.
    pub(super) fn is_covered_by(&self, query: &Query) -> bool {
        match self {
            Self::Everything => query.covers(&Query::all()),
            Self::Item(item) => query.covers(&item.clone().into()),
            Self::Stream(_) => false,
        }
    }
}
