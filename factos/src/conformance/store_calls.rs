use bytes::Bytes;

use crate::{
    append::{AppendCondition, NewEvent},
    append_error::{AppendError, Conflict},
    conformance::difference::assert_same,
    event_id::EventId,
    events::{Events, Page},
    position::SequencePosition,
    query::Query,
    read_options::ReadOptions,
    recorded::Recorded,
    store::EventStore,
};

/// What a refused append must not change.
#[derive(Debug)]
pub(super) struct Trace {
    log: Page,
    head: Option<SequencePosition>,
}

/// The records of a batch that must be accepted.
pub(super) async fn append(store: &dyn EventStore, events: Vec<NewEvent>) -> Page {
    appended(store, events, AppendCondition::None).await
}

/// The records of a batch that must be accepted, as its condition holds.
pub(super) async fn appended(
    store: &dyn EventStore,
    events: Vec<NewEvent>,
    condition: AppendCondition,
) -> Page {
    let (sent, asked) = (events.len(), condition.clone());
    let page = match store.append(events, condition).await {
        Ok(page) => page,
        Err(error) => panic!(
            "an append must be accepted, as its condition holds: {sent} events under {asked:?} \
             came to {error:?}"
        ),
    };
    assert_eq!(page.len(), sent, "an append returns a record for each event of its batch");
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

/// The record of an event that must be accepted, as its condition holds.
pub(super) async fn admitted(
    store: &dyn EventStore,
    event: NewEvent,
    condition: AppendCondition,
) -> Recorded<Bytes> {
    appended(store, vec![event], condition).await.remove(0)
}

/// Whether the append was accepted. If it was not, it must have met a conflict.
pub(super) fn accepted<T>(outcome: Result<T, AppendError>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(error) if error.is_conflict() => false,
        Err(error) => {
            panic!("an append is accepted or refused with a conflict, and this came to {error:?}")
        }
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
        other => panic!(
            "an append whose condition does not hold is refused with a conflict, {what}, {}",
            brief(&other)
        ),
    }
}

/// A read that has begun.
pub(super) async fn begin<'a>(
    store: &'a dyn EventStore,
    query: &Query,
    options: ReadOptions,
) -> Events<'a> {
    let begun = store.read(query, options).await;
    begun.unwrap_or_else(|error| panic!("a read of {query} with {options:?} failed: {error:?}"))
}

/// A read of a stream that has begun.
pub(super) async fn begin_stream<'a>(
    store: &'a dyn EventStore,
    name: &str,
    options: ReadOptions,
) -> Events<'a> {
    let begun = store.read_stream(&super::sample_values::stream(name), options).await;
    begun.unwrap_or_else(|error| {
        panic!("a read of the stream {name} with {options:?} failed: {error:?}")
    })
}

/// The records of a read that has begun, as far as they were not shown yet.
pub(super) async fn rest(events: Events<'_>) -> Page {
    let rest = events.collect().await;
    rest.unwrap_or_else(|error| panic!("a read failed before its end: {error:?}"))
}

/// The next record of a read that is not at its end.
pub(super) async fn next(events: &mut Events<'_>) -> Recorded<Bytes> {
    match events.next().await {
        Some(Ok(record)) => record,
        Some(Err(error)) => panic!("a read failed before its end: {error:?}"),
        None => panic!("a read ended before it had shown every event that it selects"),
    }
}

pub(super) async fn read(store: &dyn EventStore, query: &Query, options: ReadOptions) -> Page {
    rest(begin(store, query, options).await).await
}

pub(super) async fn matching(store: &dyn EventStore, query: &Query) -> Page {
    read(store, query, ReadOptions::all()).await
}

pub(super) async fn whole_log(store: &dyn EventStore) -> Page {
    matching(store, &Query::all()).await
}

pub(super) async fn of_stream(store: &dyn EventStore, name: &str, options: ReadOptions) -> Page {
    rest(begin_stream(store, name, options).await).await
}

pub(super) async fn observed(store: &dyn EventStore, query: &Query) -> Option<SequencePosition> {
    begin(store, query, ReadOptions::all()).await.observed()
}

pub(super) async fn head_of(store: &dyn EventStore) -> Option<SequencePosition> {
    let head = store.head().await;
    head.unwrap_or_else(|error| panic!("a look at the head failed: {error:?}"))
}

/// Waits for an event past the position.
pub(super) async fn wait_past(store: &dyn EventStore, after: Option<SequencePosition>) {
    let woken = store.wait_past(after).await;
    woken.unwrap_or_else(|error| panic!("a wait for an event past {after:?} failed: {error:?}"));
}

pub(super) async fn trace(store: &dyn EventStore) -> Trace {
    Trace { log: whole_log(store).await, head: head_of(store).await }
}

impl Trace {
    /// Asserts that an append that was not accepted left the log as it was.
    pub(super) async fn assert_kept(&self, store: &dyn EventStore, refused: &str) {
        let rule = format!("an append that is refused leaves nothing behind, {refused}");
        let now = trace(store).await;
        assert_same(&rule, &now.log, &self.log);
        assert_eq!(now.head, self.head, "{rule}: the head now, and before");
    }
}

/// Asserts that the append was refused because this id is taken.
#[track_caller]
pub(super) fn assert_duplicate(outcome: &Result<Page, AppendError>, id: EventId) {
    assert!(
        is_duplicate(outcome, id),
        "an append with an id that is taken is refused by that id, {id}, {}",
        brief(outcome)
    );
}

pub(super) fn is_duplicate(outcome: &Result<Page, AppendError>, id: EventId) -> bool {
    matches!(outcome, Err(AppendError::DuplicateEventId(named)) if *named == id)
}

/// What an append came to.
pub(super) fn brief(outcome: &Result<Page, AppendError>) -> String {
    match outcome {
        Ok(page) => format!("and it was accepted with {} records", page.len()),
        Err(error) => format!("and it came to {error:?}"),
    }
}
