use factos::{
    AppendCondition, AppendError, Bytes, Conflict, Limits, NewEvent, Query, Recorded, Revision,
    SequencePosition, StoreError, StoreErrorKind, StreamName,
    backend::{self, Weight},
};

use crate::{deadline::Deadline, lock_names::LockNames, wire::array_literal};

/// A checked batch with all that it is sent as: what can be done in the caller's task is done there.
#[derive(Debug)]
pub(crate) struct Batch {
    checked: backend::Batch,
    /// The array literal of each event's tags.
    pub(super) tags: Vec<String>,
    /// Each event's metadata in JSON; none if it is empty.
    pub(super) metadata: Vec<Option<String>>,
    /// None for the whole log.
    pub(super) names: Option<LockNames>,
    pub(super) deadline: Deadline,
}

impl Batch {
    /// Checks the events and the condition of an append. It locks the whole log if it would lock more than
    /// `most_names` names.
    pub(crate) fn new(
        events: Vec<NewEvent>,
        condition: AppendCondition,
        limits: &Limits,
        most_names: usize,
        deadline: Deadline,
    ) -> Result<Self, AppendError> {
        Self::of(backend::Batch::new(events, condition, limits)?, most_names, deadline)
    }

    /// A batch that was checked.
    pub(crate) fn of(
        checked: backend::Batch,
        most_names: usize,
        deadline: Deadline,
    ) -> Result<Self, AppendError> {
        let events = checked.events();
        let metadata = events.iter().map(|event| {
            let json = || serde_json::to_string(&event.metadata);
            (!event.metadata.is_empty()).then(json).transpose()
        });
        let metadata = metadata
            .collect::<Result<_, _>>()
            .map_err(|error| StoreError::new(StoreErrorKind::Other, error))?;
        let names = LockNames::of_append(events, checked.condition(), checked.exists());
        let names = names.filter(|names| names.len() <= most_names);
        let tags = events.iter().map(|event| array_literal(event.tags.iter())).collect();
        Ok(Self { checked, tags, metadata, names, deadline })
    }

    pub(crate) const fn condition(&self) -> &AppendCondition {
        self.checked.condition()
    }

    pub(super) fn events(&self) -> &[NewEvent] {
        self.checked.events()
    }

    /// The query of the condition, and the position that it looks beyond.
    pub(super) const fn query(&self) -> Option<(&Query, Option<SequencePosition>)> {
        match self.condition() {
            AppendCondition::FailIfEventsMatch { query, after } => Some((query, *after)),
            _ => None,
        }
    }

    /// Selects the events of which the log must hold none.
    pub(super) const fn exists(&self) -> Option<&Query> {
        self.checked.exists()
    }

    /// Whether an event of the other batch, if it is accepted before, refuses this one.
    pub(super) fn forbids(&self, other: &Self) -> bool {
        let has = |query: &Query| {
            other.events().iter().any(|event| query.matches(&event.event_type, &event.tags))
        };
        self.exists().is_some_and(has) || self.query().is_some_and(|(guard, _)| has(guard))
    }

    /// The conflict with an event of the log at this position.
    pub(super) fn conflict_at(&self, position: SequencePosition) -> Option<Conflict> {
        let (guard, after) = self.query()?;
        let (query, after) = match self.exists() {
            Some(exists) if Some(position) <= after => (exists.clone(), None),
            // It may match either.
            Some(exists) => (guard.clone().union(exists), None),
            None => (guard.clone(), after),
        };
        Some(Conflict::EventsMatch { query, after, position })
    }

    /// The conflict with what was appended before in the same group.
    pub(super) fn conflict_with(&self, earlier: &[Recorded<Bytes>]) -> Option<Conflict> {
        let of = |query: &Query, after| {
            let mut records = earlier.iter();
            let record = records.find(|record| query.matches(&record.event_type, &record.tags))?;
            let (query, position) = (query.clone(), record.position);
            Some(Conflict::EventsMatch { query, after, position })
        };
        let (guard, after) = self.query()?;
        self.exists().and_then(|exists| of(exists, None)).or_else(|| of(guard, after))
    }

    /// The stream of the condition, and the revision that it expects.
    pub(super) const fn expected_revision(&self) -> Option<(&StreamName, Revision)> {
        match self.condition() {
            AppendCondition::ExpectedRevision { stream, revision } => Some((stream, *revision)),
            _ => None,
        }
    }
}

impl Weight for Batch {
    fn bytes(&self) -> usize {
        self.checked.bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use factos::{EventType, QueryItem, Tag, backend::record};

    use super::*;

    fn of_tag(text: &str) -> Query {
        QueryItem::with_tag(Tag::parse(text).unwrap()).into()
    }

    fn at(position: u64) -> SequencePosition {
        SequencePosition::new(position).unwrap()
    }

    fn event(tag: &str) -> NewEvent {
        NewEvent::new(EventType::from_static("A"), "").with_tag(Tag::parse(tag).unwrap())
    }

    fn batch() -> Batch {
        let (exists, guard) = (of_tag("key:1"), of_tag("x:1"));
        let batch = backend::Batch::unless(
            vec![event("key:1")],
            exists,
            guard,
            Some(at(5)),
            &Limits::FLOOR,
        );
        Batch::of(batch.unwrap(), 64, Deadline::new(Duration::from_secs(5), Duration::from_secs(5)))
            .unwrap()
    }

    fn told(conflict: Option<Conflict>) -> String {
        conflict.unwrap().to_string()
    }

    #[test]
    fn a_conflict_names_the_query_that_was_matched_or_both() {
        let (batch, key) = (batch(), "an event matching (tag key:1) was accepted before, at");
        assert_eq!(told(batch.conflict_at(at(5))), format!("{key} 5"));
        let either = "an event matching (tag x:1) or (tag key:1) was accepted before, at 6";
        assert_eq!(told(batch.conflict_at(at(6))), either);
        let now = std::time::SystemTime::UNIX_EPOCH;
        let earlier = |tag, position| record(event(tag), at(position), None, now);
        let both = [earlier("x:1", 6), earlier("key:1", 7)];
        assert_eq!(told(batch.conflict_with(&both)), format!("{key} 7"));
        let guard = "an event matching (tag x:1) was accepted after 5, at 6";
        assert_eq!(told(batch.conflict_with(&both[..1])), guard);
        assert_eq!(batch.conflict_with(&[earlier("y:1", 6)]), None);
    }
}
