use bytes::Bytes;

use crate::{
    append::NewEvent,
    append_error::AppendError,
    position::SequencePosition,
    query::Query,
    recorded::Recorded,
    store::{self, EventStore},
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
    store::read_and_append(store, events, exists, guard, after).await
}
