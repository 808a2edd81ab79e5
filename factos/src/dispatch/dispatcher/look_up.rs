use std::collections::HashMap;

use bytes::Bytes;

use crate::{
    dispatch::{idempotency::IdempotencyKey, span::Span},
    position::SequencePosition,
    query::{Query, QueryItem},
    read_options::ReadOptions,
    recorded::Recorded,
    store::EventStore,
    store_error::StoreError,
};

/// What earlier commands left under idempotency keys.
pub(super) struct LookUp {
    /// The position up to which it is complete.
    observed: Option<SequencePosition>,
    /// The records with each key, by its tag, in order.
    records: HashMap<String, Vec<Recorded<Bytes>>>,
}

impl LookUp {
    /// The records with a key.
    pub(super) fn of(&self, key: &IdempotencyKey) -> &[Recorded<Bytes>] {
        self.records.get(key.tag().as_str()).map_or(&[], Vec::as_slice)
    }
}

/// Reads what carries any of the keys, if there are any.
pub(super) async fn look_up<S: EventStore + ?Sized>(
    store: &S,
    keys: Vec<IdempotencyKey>,
) -> Result<Option<LookUp>, StoreError> {
    let items = keys.into_iter().map(|key| QueryItem::with_tag(key.tag().clone()));
    let Ok(query) = Query::any_of(items) else {
        return Ok(None);
    };
    let span = Span::read();
    let read = span.around(read(store, &query)).await;
    match &read {
        Ok(found) => {
            let records: usize = found.records.values().map(Vec::len).sum();
            span.was_read(records as u64, found.observed);
        }
        Err(error) => span.failed(error.kind().into()),
    }
    read.map(Some)
}

async fn read<S: EventStore + ?Sized>(store: &S, query: &Query) -> Result<LookUp, StoreError> {
    let mut events = store.read(query, ReadOptions::all()).await?;
    let mut found = LookUp { observed: events.observed(), records: HashMap::new() };
    while let Some(record) = events.next().await {
        let record = record?;
        let keys: Vec<_> = IdempotencyKey::tags_of(&record).map(str::to_owned).collect();
        for key in keys {
            found.records.entry(key).or_default().push(record.clone());
        }
    }
    Ok(found)
}
