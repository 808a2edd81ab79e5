use bytes::Bytes;

use crate::{
    append::{AppendCondition, NewEvent},
    append_error::{AppendError, Conflict},
    events::Page,
    position::SequencePosition,
    query::Query,
    read_options::ReadOptions,
    recorded::Recorded,
    store::EventStore,
};

/// What a refused append must not change.
#[derive(Debug, PartialEq)]
pub(super) struct Trace {
    log: Page,
    head: Option<SequencePosition>,
}

pub(super) async fn append(store: &dyn EventStore, events: Vec<NewEvent>) -> Page {
    let sent = events.len();
    let page = store.append(events, AppendCondition::None).await.unwrap();
    assert_eq!(page.len(), sent, "records of a batch");
    page
}

pub(super) async fn append_one(store: &dyn EventStore, event: NewEvent) -> Recorded<Bytes> {
    append(store, vec![event]).await.remove(0)
}

pub(super) async fn append_if(
    store: &dyn EventStore,
    event: NewEvent,
    condition: AppendCondition,
) -> Result<Page, AppendError> {
    store.append(vec![event], condition).await
}

/// Whether the append was accepted. If it was not, it must have met a conflict.
pub(super) fn accepted<T>(outcome: Result<T, AppendError>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(error) if error.is_conflict() => false,
        Err(error) => panic!("neither accepted nor a conflict: {error:?}"),
    }
}

/// The conflict that the append is refused with.
pub(super) async fn refused(
    store: &dyn EventStore,
    event: NewEvent,
    condition: AppendCondition,
) -> Conflict {
    let what = format!("{condition:?}");
    match append_if(store, event, condition).await {
        Err(AppendError::Conflict(conflict)) => conflict,
        other => panic!("{what} does not hold, yet the append came to {other:?}"),
    }
}

pub(super) async fn read(store: &dyn EventStore, query: &Query, options: ReadOptions) -> Page {
    let events = store.read(query, options).await.unwrap();
    events.collect().await.unwrap()
}

pub(super) async fn matching(store: &dyn EventStore, query: &Query) -> Page {
    read(store, query, ReadOptions::all()).await
}

pub(super) async fn whole_log(store: &dyn EventStore) -> Page {
    matching(store, &Query::all()).await
}

pub(super) async fn of_stream(store: &dyn EventStore, name: &str, options: ReadOptions) -> Page {
    let name = super::sample_values::stream(name);
    let events = store.read_stream(&name, options).await.unwrap();
    events.collect().await.unwrap()
}

pub(super) async fn observed(store: &dyn EventStore, query: &Query) -> Option<SequencePosition> {
    let events = store.read(query, ReadOptions::all()).await.unwrap();
    events.observed()
}

pub(super) async fn trace(store: &dyn EventStore) -> Trace {
    let log = whole_log(store).await;
    let head = store.head().await.unwrap();
    Trace { log, head }
}
