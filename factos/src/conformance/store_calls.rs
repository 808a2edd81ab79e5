use bytes::Bytes;

use crate::{
    append::{AppendCondition, NewEvent},
    error::{AppendError, Conflict},
    event_id::EventId,
    events::Page,
    position::SequencePosition,
    query::Query,
    read_options::ReadOptions,
    recorded::Recorded,
    store::EventStore,
};

/// What a refused append must leave as it was.
#[derive(Debug, PartialEq)]
pub(super) struct Trace {
    log: Page,
    head: Option<SequencePosition>,
}

pub(super) async fn append(store: &dyn EventStore, events: Vec<NewEvent>) -> Page {
    store.append(events, AppendCondition::None).await.unwrap()
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

/// What a read of this log must return, by the reference matcher.
pub(super) fn expected(log: &[Recorded<Bytes>], query: &Query, options: ReadOptions) -> Page {
    let within = |record: &&Recorded<Bytes>| {
        query.matches(&record.event_type, &record.tags)
            && options.after.is_none_or(|after| record.position > after)
            && options.before.is_none_or(|before| record.position < before)
    };
    let mut page: Page = log.iter().filter(within).cloned().collect();
    if options.backwards {
        page.reverse();
    }
    let limit = options.limit.unwrap_or(u64::MAX);
    page.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    page
}

pub(super) fn types(page: &[Recorded<Bytes>]) -> Vec<&str> {
    page.iter().map(|r| r.event_type.as_str()).collect()
}

pub(super) fn ids(page: &[Recorded<Bytes>]) -> Vec<EventId> {
    page.iter().map(|record| record.id).collect()
}

pub(super) fn positions(page: &[Recorded<Bytes>]) -> Vec<SequencePosition> {
    page.iter().map(|record| record.position).collect()
}

pub(super) fn revisions(page: &[Recorded<Bytes>]) -> Vec<Option<u64>> {
    page.iter().map(|record| record.revision).collect()
}

/// For people: where each event stands, its tags, and what it was decided from if it says so.
pub(super) fn lines(page: &[Recorded<Bytes>]) -> String {
    let line = |record: &Recorded<Bytes>| {
        let (tags, told) = (record.tags.as_lines(), String::from_utf8_lossy(&record.event));
        let tags = tags.replace('\n', " ");
        format!("\n  at {}: {} {tags}, {told}", record.position, record.event_type)
    };
    page.iter().map(line).collect()
}
