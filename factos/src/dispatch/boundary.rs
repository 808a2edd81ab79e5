use crate::{
    append::{AppendCondition, NewEvent},
    decider::Decider,
    dispatch::{
        error::{GuardNotCovered, Infrastructure, OutsideBoundary},
        idempotency::IdempotencyKey,
    },
    position::SequencePosition,
    query::Query,
    recorded::Recorded,
    revision::Revision,
    stream_name::StreamName,
    turns::Place,
};

/// The events that a decision is based on, and those that refuse its append.
#[derive(Debug)]
pub(super) enum Boundary {
    Facts(Facts),
    Stream(StreamName),
}

#[derive(Debug)]
pub(super) struct Facts {
    pub(super) context: Query,
    pub(super) guard: Query,
    /// Context and guard, each widened by the events that carry the idempotency key, if there is one.
    keyed: Option<Keyed>,
}

#[derive(Debug)]
struct Keyed {
    read: Query,
    refuse: Query,
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

    /// The facts that a query selects.
    pub(super) fn all_of(query: Query) -> Self {
        Self { context: query.clone(), guard: query, keyed: None }
    }

    /// The same facts, with all events that carry the key.
    pub(super) fn or_key(mut self, key: &IdempotencyKey) -> Self {
        let (read, refuse) = (key.widen(&self.context), key.widen(&self.guard));
        self.keyed = Some(Keyed { read, refuse });
        self
    }

    pub(super) fn read(&self) -> &Query {
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
    /// The stream that the boundary is, if it is one.
    pub(super) const fn stream(&self) -> Option<&StreamName> {
        match self {
            Self::Facts(_) => None,
            Self::Stream(stream) => Some(stream),
        }
    }

    /// Whether a record that was read is folded: one that was read for its key alone is not.
    pub(super) fn holds<E>(&self, record: &Recorded<E>) -> bool {
        match self {
            Self::Facts(facts) if facts.keyed.is_some() => facts.selects(record),
            _ => true,
        }
    }

    /// Whether the next decision would fold a committed record.
    pub(super) fn selects<E>(&self, record: &Recorded<E>) -> bool {
        match self {
            Self::Facts(facts) => facts.selects(record),
            Self::Stream(_) => true,
        }
    }

    /// What commands on this boundary compete for. The idempotency key is no part of it: it is not the same for
    /// any two of them.
    pub(super) fn place(&self) -> Place {
        match self {
            Self::Facts(facts) => Place::of(&facts.guard),
            Self::Stream(stream) => Place::Stream(stream.clone()),
        }
    }

    /// The parts of the place that a record belongs to.
    pub(super) fn parts_of<E>(&self, record: &Recorded<E>) -> impl Iterator<Item = Place> {
        let guard = match self {
            Self::Facts(facts) => Some(&facts.guard),
            Self::Stream(_) => None,
        };
        guard.into_iter().flat_map(|guard| Place::parts_of(guard, &record.event_type, &record.tags))
    }

    /// What a batch would write to: the parts of the place, and the place itself.
    pub(super) fn written(&self, batch: &[NewEvent]) -> Vec<Place> {
        match self {
            Self::Facts(facts) => Place::written(&facts.guard, batch),
            Self::Stream(_) => vec![self.place()],
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

    /// Refuses a batch if the next decision would see none of its events.
    pub(super) fn admit(&self, batch: &[NewEvent]) -> Result<(), OutsideBoundary> {
        match self {
            Self::Facts(facts) => facts.admit(batch),
            Self::Stream(_) => Ok(()),
        }
    }
}
