use crate::{
    append::{AppendCondition, NewEvent},
    decider::Decider,
    dispatch::{error::Infrastructure, idempotency::IdempotencyKey},
    event::Event,
    event_type::EventType,
    events::Events,
    position::SequencePosition,
    query::Query,
    query_for::InvalidQuery,
    read_options::ReadOptions,
    recorded::Recorded,
    revision::Revision,
    store::EventStore,
    store_error::StoreError,
    stream_name::StreamName,
    tags::Tags,
};

/// What a decision is based on, and what refuses it.
#[derive(Debug)]
pub(super) enum Boundary {
    Facts(Facts),
    Stream(StreamName),
}

#[derive(Debug)]
pub(super) struct Facts {
    pub(super) context: Query,
    pub(super) guard: Query,
    /// What is read and what refuses the append, where a key widens context and guard.
    keyed: Option<Keyed>,
}

#[derive(Debug)]
struct Keyed {
    read: Query,
    refuse: Query,
}

/// The events decided upon are outside of the boundary that they were decided in, so the next decision
/// would not see any of them: often a tag that was forgotten.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an event of type {event_type} with the tags {tags:?} is outside of the boundary {query}")]
#[non_exhaustive]
pub struct OutsideBoundary {
    /// The type of the first event.
    pub event_type: EventType,
    /// Its tags.
    pub tags: Tags,
    /// The guard.
    pub query: Query,
}

/// A guard wider than the context: what lies between the two was never looked at, so no position is
/// known from which on it would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the guard {guard} is not covered by the context {context}")]
#[non_exhaustive]
pub struct GuardNotCovered {
    /// The guard.
    pub guard: Query,
    /// The context.
    pub context: Query,
}

impl Facts {
    pub(super) fn of<D: Decider + ?Sized>(
        decider: &D,
        command: &D::Command,
    ) -> Result<Self, Infrastructure> {
        let context = decider.context(command).into_query()?;
        let guard = decider.guard(command).into_query()?;
        if !context.covers(&guard) {
            return Err(GuardNotCovered { guard, context }.into());
        }
        Ok(Self { context, guard, keyed: None })
    }

    /// The same facts, with the events of `E` that carry the key.
    pub(super) fn or_key<E: Event>(mut self, key: &IdempotencyKey) -> Result<Self, InvalidQuery> {
        self.keyed = Some(Keyed {
            read: key.widen::<E>(&self.context)?,
            refuse: key.widen::<E>(&self.guard)?,
        });
        Ok(self)
    }

    fn read(&self) -> &Query {
        self.keyed.as_ref().map_or(&self.context, |keyed| &keyed.read)
    }

    fn refuse(&self) -> &Query {
        self.keyed.as_ref().map_or(&self.guard, |keyed| &keyed.refuse)
    }

    fn selects<E>(&self, record: &Recorded<E>) -> bool {
        self.context.matches(&record.event_type, &record.tags)
    }

    fn admit(&self, batch: &[NewEvent]) -> Result<(), OutsideBoundary> {
        let inside = |event: &NewEvent| self.guard.matches(&event.event_type, &event.tags);
        match batch.first() {
            Some(first) if !batch.iter().any(inside) => Err(OutsideBoundary {
                event_type: first.event_type.clone(),
                tags: first.tags.clone(),
                query: self.guard.clone(),
            }),
            _ => Ok(()),
        }
    }
}

impl Boundary {
    pub(super) async fn read<'s, S>(&self, store: &'s S) -> Result<Events<'s>, StoreError>
    where
        S: EventStore + ?Sized,
    {
        match self {
            Self::Facts(facts) => store.read(facts.read(), ReadOptions::all()).await,
            Self::Stream(stream) => store.read_stream(stream, ReadOptions::all()).await,
        }
    }

    /// Whether a record that was read is part of what is folded: one found by its key alone is not.
    pub(super) fn holds<E>(&self, record: &Recorded<E>) -> bool {
        match self {
            Self::Facts(facts) if facts.keyed.is_some() => facts.selects(record),
            _ => true,
        }
    }

    /// Whether a committed record would be part of what is folded next time.
    pub(super) fn selects<E>(&self, record: &Recorded<E>) -> bool {
        match self {
            Self::Facts(facts) => facts.selects(record),
            Self::Stream(_) => true,
        }
    }

    pub(super) fn condition(
        &self,
        observed: Option<SequencePosition>,
        revision: Revision,
    ) -> AppendCondition {
        match self {
            Self::Facts(facts) => {
                AppendCondition::fail_if_events_match(facts.refuse().clone()).after(observed)
            }
            Self::Stream(stream) => AppendCondition::expected_revision(stream.clone(), revision),
        }
    }

    /// Refuses a batch, none of which the next decision would see.
    pub(super) fn admit(&self, batch: &[NewEvent]) -> Result<(), OutsideBoundary> {
        match self {
            Self::Facts(facts) => facts.admit(batch),
            Self::Stream(_) => Ok(()),
        }
    }
}
