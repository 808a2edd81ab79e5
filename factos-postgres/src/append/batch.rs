use factos::{
    AppendCondition, AppendError, Limits, NewEvent, Query, Revision, SequencePosition, StoreError,
    StoreErrorKind, StreamName,
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
        let checked = backend::Batch::new(events, condition, limits)?;
        let events = checked.events();
        let metadata = events.iter().map(|event| {
            let json = || serde_json::to_string(&event.metadata);
            (!event.metadata.is_empty()).then(json).transpose()
        });
        let metadata = metadata
            .collect::<Result<_, _>>()
            .map_err(|error| StoreError::new(StoreErrorKind::Other, error))?;
        let names = LockNames::of_append(events, checked.condition());
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

    /// The stream of the condition, and the revision that it expects.
    pub(super) const fn expected_revision(&self) -> Option<(&StreamName, Revision)> {
        match self.condition() {
            AppendCondition::ExpectedRevision { stream, revision } => Some((stream, *revision)),
            _ => None,
        }
    }

    pub(super) fn matches(&self, query: &Query) -> bool {
        self.events().iter().any(|event| query.matches(&event.event_type, &event.tags))
    }
}

impl Weight for Batch {
    fn bytes(&self) -> usize {
        self.checked.bytes()
    }
}
