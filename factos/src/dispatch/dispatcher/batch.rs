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
    },
    event_id::EventId,
    position::SequencePosition,
};

/// What is appended for a draft.
pub(super) struct Batch<D: Decider> {
    pub(super) events: Vec<NewEvent>,
    pub(super) condition: AppendCondition,
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
    pub(super) state: Option<D::State>,
    pub(super) origin: Origin<D::State>,
    /// Whether its success shows that the state was that of the log.
    pub(super) is_proof: bool,
    pub(super) began: Instant,
}

impl<D: Decider> Batch<D> {
    /// The batch of a draft that has events. It is refused if an event of a guard was accepted after this position.
    pub(super) fn of(
        draft: Draft<'_, D>,
        origin: Origin<D::State>,
        after: Option<SequencePosition>,
        began: Instant,
    ) -> Self {
        let refusing = draft.refusing();
        let is_proof = refusing.covers(draft.context);
        let condition = AppendCondition::fail_if_events_match(refusing).after(after);
        let Draft { decided, deferred, batch: events, state, .. } = draft;
        let first = decided.iter().find(|decided| decided.has_records());
        let retry = first.map(|first| first.command.request.options.retry.clone());
        let ids = ids(&decided, &events);
        let parts = Parts { decided, ids, state, origin, is_proof, began };
        Self { events, condition, retry: retry.unwrap_or_default(), parts, deferred }
    }
}
