use std::time::Instant;

use crate::{
    append::{AppendCondition, NewEvent},
    decider::Decider,
    dispatch::{
        dispatcher::{
            command::Command,
            draft::{Decided, Draft, ids},
            memory::Origin,
        },
        retry::Retry,
        terms::Terms,
    },
    event_id::EventId,
};

/// What is appended for a draft.
pub(super) struct Batch<D: Decider> {
    pub(super) events: Vec<NewEvent>,
    /// How often to ask for an outcome that is not known.
    pub(super) retry: Retry,
    pub(super) parts: Parts<D>,
    /// The commands that were not decided, in order.
    pub(super) deferred: Vec<Command<D>>,
}

/// The commands of a batch, and what it leads to.
pub(super) struct Parts<D: Decider> {
    pub(super) decided: Vec<Decided<D>>,
    /// The ids of each command's events.
    pub(super) ids: Vec<Vec<EventId>>,
    pub(super) terms: Terms,
    /// Whether the keys were looked up before: none of them had been used.
    pub(super) looked_up: bool,
    pub(super) state: Option<D::State>,
    pub(super) origin: Origin<D::State>,
    /// Whether its success shows that the state was that of the log.
    pub(super) is_proof: bool,
    pub(super) began: Instant,
}

impl<D: Decider> Batch<D> {
    /// The batch of a draft that has events. It is refused if an event of a guard was accepted that the state does not
    /// hold, or if a key was used before.
    pub(super) fn of(
        draft: Draft<'_, D>,
        origin: Origin<D::State>,
        looked_up: bool,
        began: Instant,
    ) -> Self {
        let refusing = draft.refusing();
        let is_proof = refusing.covers(draft.context);
        let after = origin.observed;
        let terms = match draft.repeats() {
            Some(keys) => Terms::NewKeys { keys, guard: refusing, after },
            None => AppendCondition::fail_if_events_match(refusing).after(after).into(),
        };
        let Draft { decided, deferred, batch: events, state, .. } = draft;
        let first = decided.iter().find(|decided| decided.has_records());
        let retry = first.map(|first| first.command.request.options.retry.clone());
        let ids = ids(&decided, &events);
        let parts = Parts { decided, ids, terms, looked_up, state, origin, is_proof, began };
        Self { events, retry: retry.unwrap_or_default(), parts, deferred }
    }
}
