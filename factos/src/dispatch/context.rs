use crate::{
    append::AppendCondition,
    decider::Decider,
    dispatch::{
        boundary::{Boundary, Facts},
        error::Infrastructure,
        fold::{Folded, fold},
        log::Whole,
    },
    position::SequencePosition,
    query::Query,
    recorded::Recorded,
    store::EventStore,
};

/// A command's context, as it was read: query, records, folded state, position and condition.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Context<E, S> {
    /// The decider's context for the command.
    pub query: Query,
    /// The decider's guard for the command, covered by `query`.
    pub guard: Query,
    /// The state that the records fold to.
    pub state: S,
    /// All records of the context, in order.
    pub records: Vec<Recorded<E>>,
    /// The position up to which the context is complete; `None` for an empty log.
    pub position: Option<SequencePosition>,
}

impl<E, S> Context<E, S> {
    /// The condition that refuses an append if an event of the guard was accepted since.
    #[must_use]
    pub fn append_condition(&self) -> AppendCondition {
        AppendCondition::fail_if_events_match(self.guard.clone()).after(self.position)
    }
}

/// Reads the context of a command, for callers that decide and append by themselves.
///
/// Unlike [`dispatch`](crate::dispatch()) it holds all records in memory.
///
/// # Errors
/// [`Infrastructure`]: the store fails, a record does not decode, or the context is not a valid query.
///
/// # Cancellation
/// Safe.
pub async fn read_context<S, D>(
    store: &S,
    decider: &D,
    command: &D::Command,
) -> Result<Context<D::Event, D::State>, Infrastructure>
where
    S: EventStore + ?Sized,
    D: Decider + ?Sized,
{
    let facts = Facts::of(decider, command)?;
    let (query, guard) = (facts.context.clone(), facts.guard.clone());
    let mut records = Vec::new();
    let boundary = Boundary::Facts(facts);
    let start = Folded::start(decider.initial());
    let read =
        fold(&mut Whole(store), decider, &boundary, start, |_| Ok(true), &mut records).await?;
    Ok(Context { query, guard, state: read.state, records, position: read.observed })
}
