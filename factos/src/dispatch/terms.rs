use bytes::Bytes;

use crate::{
    append::{AppendCondition, NewEvent},
    append_error::{AppendError, Conflict},
    position::SequencePosition,
    query::Query,
    recorded::Recorded,
    store::EventStore,
};

/// What must hold for a batch to be appended.
#[derive(Debug, Clone)]
pub(super) enum Terms {
    /// This condition.
    Condition(AppendCondition),
    /// No event of the guard was accepted after the position, and none has one of the idempotency keys.
    NewKeys { keys: Query, guard: Query, after: Option<SequencePosition> },
}

impl Terms {
    pub(super) async fn append<S: EventStore + ?Sized>(
        self,
        store: &S,
        batch: Vec<NewEvent>,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        match self {
            Self::Condition(condition) => store.append(batch, condition).await,
            Self::NewKeys { keys, guard, after } => {
                store.append_unless(batch, keys, guard, after).await
            }
        }
    }

    /// The guard, and the position after which no event of it may have been accepted.
    pub(super) const fn guard(&self) -> Option<(&Query, Option<SequencePosition>)> {
        match self {
            Self::Condition(AppendCondition::FailIfEventsMatch { query: guard, after })
            | Self::NewKeys { guard, after, .. } => Some((guard, *after)),
            Self::Condition(_) => None,
        }
    }

    /// Whether the conflict may be that of a key that was used before.
    pub(super) fn may_repeat(&self, conflict: &Conflict) -> bool {
        let (Self::NewKeys { guard, .. }, Conflict::EventsMatch { query, .. }) = (self, conflict)
        else {
            return false;
        };
        query != guard
    }
}

impl From<AppendCondition> for Terms {
    fn from(condition: AppendCondition) -> Self {
        Self::Condition(condition)
    }
}
