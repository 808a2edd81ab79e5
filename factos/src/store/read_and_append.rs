use bytes::Bytes;

use crate::{
    append::{AppendCondition, NewEvent},
    append_error::AppendError,
    position::SequencePosition,
    query::Query,
    read_options::ReadOptions,
    recorded::Recorded,
    store::EventStore,
};

/// What [`EventStore::append_unless`] does by default: it reads `exists`, and then appends under one condition.
///
/// For a wrapper whose [`append`](EventStore::append) does more than forward, and which is to meet these appends too.
///
/// # Errors
/// As [`EventStore::append_unless`].
///
/// # Cancellation
/// As [`EventStore::append`].
pub async fn read_and_append<S: EventStore + ?Sized>(
    store: &S,
    events: Vec<NewEvent>,
    exists: Query,
    guard: Query,
    after: Option<SequencePosition>,
) -> Result<Vec<Recorded<Bytes>>, AppendError> {
    let mut found = store.read(&exists, ReadOptions::all().limit(1)).await?;
    let observed = found.observed();
    let first = found.next().await.transpose()?;
    drop(found);
    let condition = match first {
        // It cannot hold any more: this tells the checks that come before it.
        Some(_) => AppendCondition::fail_if_events_match(exists),
        // None exists up to what was observed.
        None => {
            AppendCondition::fail_if_events_match(guard.union(&exists)).after(after.min(observed))
        }
    };
    store.append(events, condition).await
}
