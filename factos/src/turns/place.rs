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
    /// A whole guard.
    Guard(Query),
    /// An item of guards: the only one, or one of several.
    Item(QueryItem),
    Stream(StreamName),
}

impl Place {
    /// What commands with this guard compete for.
    pub(crate) fn of(guard: &Query) -> Self {
        match guard.items() {
            Some([item]) => Self::Item(item.clone()),
            _ => Self::Guard(guard.clone()),
        }
    }

    /// Whether it has parts, for which commands with other guards may compete as well.
    pub(super) fn has_parts(&self) -> bool {
        matches!(self, Self::Guard(guard) if guard.items().is_some())
    }

    /// The parts of a guard that an event belongs to.
    pub(crate) fn parts_of(
        guard: &Query,
        event_type: &EventType,
        tags: &Tags,
    ) -> impl Iterator<Item = Self> {
        let items = guard.items().unwrap_or_default().iter();
        items.filter(|item| item.matches(event_type, tags)).cloned().map(Self::Item)
    }

    /// What a batch would write to: the parts of the guard, and the guard itself.
    pub(crate) fn written(guard: &Query, batch: &[NewEvent]) -> Vec<Self> {
        let parts = batch.iter().flat_map(|new| Self::parts_of(guard, &new.event_type, &new.tags));
        parts.chain([Self::of(guard)]).collect()
    }

    /// Whether a query selects all events of the place.
    pub(super) fn is_covered_by(&self, query: &Query) -> bool {
        match self {
            Self::Guard(guard) => query.covers(guard),
            Self::Item(item) => query.covers_item(item),
            Self::Stream(_) => false,
        }
    }
}
