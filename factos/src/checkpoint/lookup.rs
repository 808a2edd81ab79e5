use super::{anchor::Anchor, error::CheckpointError};
use crate::{
    event_id::EventId, position::SequencePosition, query::Query, read_options::ReadOptions,
    store::EventStore, store_error::StoreError,
};

/// The anchor at a position of the log; `None` if there is no event at or below it.
pub(crate) async fn anchor<S: EventStore + ?Sized>(
    store: &S,
    at: SequencePosition,
) -> Result<Option<Anchor>, StoreError> {
    let last = last_event(store, at).await?;
    Ok(last.map(|event_id| Anchor::new(store.log_id(), at, event_id)))
}

/// The position of an anchor, if the log still is the same up to there.
pub(crate) async fn resume<S: EventStore + ?Sized>(
    store: &S,
    kept: &Anchor,
) -> Result<SequencePosition, CheckpointError> {
    let position = kept.position();
    if kept.log_id() != store.log_id() {
        let (kept, found) = (kept.log_id().to_owned(), store.log_id().to_owned());
        return Err(CheckpointError::OtherLog { kept, found });
    }
    let head = store.head().await?;
    if head < Some(position) {
        return Err(CheckpointError::AboveHead { position, head });
    }
    let found = last_event(store, position).await?;
    if found != Some(kept.event_id()) {
        return Err(CheckpointError::Rewritten { position, kept: kept.event_id(), found });
    }
    Ok(position)
}

async fn last_event<S: EventStore + ?Sized>(
    store: &S,
    at: SequencePosition,
) -> Result<Option<EventId>, StoreError> {
    // The greatest position has none after it, and so needs no bound.
    let options = match at.saturating_add(1) {
        next if next > at => ReadOptions::all().before(next),
        _ => ReadOptions::all(),
    };
    let mut last = store.read(&Query::all(), options.backwards().limit(1)).await?;
    Ok(last.next().await.transpose()?.map(|record| record.id))
}
