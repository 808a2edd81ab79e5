use std::collections::HashSet;

use bytes::Bytes;

use crate::{
    append::NewEvent,
    append_error::AppendError,
    dispatch::{
        error::{Infrastructure, OutcomeUnknown},
        retry::Retry,
        terms::Terms,
    },
    event_id::EventId,
    query::{Query, QueryItem},
    read_options::ReadOptions,
    recorded::Recorded,
    store::EventStore,
    store_error::{StoreError, StoreErrorKind},
    tag::Tag,
};

/// How often the store is asked again while the outcome of an append is unknown.
const INQUIRIES: u32 = 5;

/// Appends a batch, and finds out whether it was appended if the store does not know. Until then no other
/// batch may take its place.
pub(super) async fn commit<S>(
    store: &S,
    batch: Vec<NewEvent>,
    terms: Terms,
    retry: &Retry,
) -> Result<Vec<Recorded<Bytes>>, Infrastructure>
where
    S: EventStore + ?Sized,
{
    let error = match terms.clone().append(store, batch.clone()).await {
        Ok(records) => return Ok(records),
        Err(error) => error,
    };
    // In a box below: most appends have nothing to settle.
    let open = Open { store, batch, terms, retry };
    match error {
        AppendError::Store(error) if error.kind() == StoreErrorKind::OutcomeUnknown => {
            Box::pin(open.settle(error, false)).await
        }
        // No other batch has these ids: a layer between here and the log has sent this one twice.
        AppendError::DuplicateEventId(id) if open.owns(id) => {
            Box::pin(open.settle(missing(), true)).await
        }
        error => Err(error.into()),
    }
}

/// A batch that may be in the log.
struct Open<'a, S: ?Sized> {
    store: &'a S,
    batch: Vec<NewEvent>,
    terms: Terms,
    retry: &'a Retry,
}

impl<S: EventStore + ?Sized> Open<'_, S> {
    async fn settle(
        self,
        mut last: StoreError,
        mut written: bool,
    ) -> Result<Vec<Recorded<Bytes>>, Infrastructure> {
        let mut waits = !written;
        for inquiry in 1..=INQUIRIES {
            if waits {
                self.retry.pause(inquiry).await;
            }
            let answer = if written {
                self.find().await.map_err(AppendError::Store)
            } else {
                self.append_again().await
            };
            waits = true;
            match answer {
                Ok(records) => return Ok(records),
                Err(AppendError::DuplicateEventId(id)) if self.owns(id) => {
                    (written, waits) = (true, false);
                }
                // Stores check the ids before the conditions, so the batch was not written.
                Err(AppendError::Conflict(conflict)) => return Err(conflict.into()),
                Err(hook @ AppendError::Hook(_)) => return Err(hook.into()),
                Err(AppendError::Store(error)) => last = error,
                Err(_) => break,
            }
        }
        Err(OutcomeUnknown { ids: self.batch.iter().map(|event| event.id).collect(), source: last }
            .into())
    }

    fn owns(&self, id: EventId) -> bool {
        self.batch.iter().any(|event| event.id == id)
    }

    async fn append_again(&self) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        self.terms.clone().append(self.store, self.batch.clone()).await
    }

    /// The records of the batch, which is in the log, and most likely near its end.
    async fn find(&self) -> Result<Vec<Recorded<Bytes>>, StoreError> {
        let ids: HashSet<_> = self.batch.iter().map(|event| event.id).collect();
        let mut found = Vec::with_capacity(ids.len());
        let backwards = ReadOptions::all().backwards();
        let mut events = self.store.read(&alike(&self.batch), backwards).await?;
        while found.len() < ids.len() {
            let Some(record) = events.next().await else {
                return Err(missing());
            };
            let record = record?;
            if ids.contains(&record.id) {
                found.push(record);
            }
        }
        found.reverse();
        Ok(found)
    }
}

/// A query that selects all of the batch: its types, with the tags that all of its events have.
fn alike(batch: &[NewEvent]) -> Query {
    let types = batch.iter().map(|event| event.event_type.clone());
    let Ok(item) = QueryItem::of_types(types) else {
        return Query::all();
    };
    let first = batch.iter().take(1).flat_map(|event| event.tags.iter());
    first
        .filter(|tag| batch.iter().all(|event| event.tags.contains(tag)))
        .filter_map(|tag| Tag::parse_any_key(tag).ok())
        .fold(item, |item, tag| item.tagged(&tag))
        .into()
}

fn missing() -> StoreError {
    StoreError::new(
        StoreErrorKind::Corrupt,
        "the ids of a batch are taken, but its events are not found",
    )
}
