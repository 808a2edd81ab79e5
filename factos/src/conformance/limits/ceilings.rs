//! What a store accepts by its own limits, and that it refuses by name what is beyond.

use bytes::Bytes;

use crate::{
    append::{AppendCondition, NewEvent},
    append_error::{AppendError, InvalidEvent},
    conformance::{
        fixture::Fixture,
        limits::sizes::{long_event, renewed, with_items, with_tags},
        not_tested::not_tested,
        sample_values::{event, stream, unless},
        store_calls::{appended, begin, brief, head_of},
    },
    limits::Limits,
    metadata::Metadata,
    query::Query,
    read_options::ReadOptions,
    store::EventStore,
    tag::Tag,
    text_rules::MAX_TEXT_BYTES,
};

/// A payload may be as long as the store says, and no longer.
pub async fn the_payload_limit_is_exact<F: Fixture>(log: F) {
    let Some(limit) = own::<F>("payloads", |limits| limits.payload_bytes) else { return };
    let at = (vec![long_event(limit)], AppendCondition::None);
    let beyond = (vec![event("A", &[]), long_event(limit + 1)], AppendCondition::None);
    let named = InvalidEvent::PayloadTooLarge { index: 1, bytes: limit + 1, limit };
    exact(&log.connect().await, at, beyond, &named).await;
}

/// An event may have as many tags as the store says, each as long as a name may be, and no more.
pub async fn the_tag_limit_is_exact<F: Fixture>(log: F) {
    let Some(limit) = own::<F>("tags", |limits| limits.tags_per_event) else { return };
    let at = (vec![with_tags(limit)], AppendCondition::None);
    let beyond = (vec![event("A", &[]), with_tags(limit + 1)], AppendCondition::None);
    let named = InvalidEvent::TooManyTags { index: 1, tags: limit + 1, limit };
    exact(&log.connect().await, at, beyond, &named).await;
}

/// A batch may hold as many events as the store says, and no more.
pub async fn the_event_limit_is_exact<F: Fixture>(log: F) {
    let Some(limit) = own::<F>("events", |limits| limits.events_per_batch) else { return };
    let one = event("A", &["n:1"]);
    let batch = |events| (0..events).map(|_| renewed(&one)).collect();
    let at = (batch(limit), AppendCondition::None);
    let beyond = (batch(limit + 1), AppendCondition::None);
    let named = InvalidEvent::TooManyEvents { events: limit + 1, limit };
    exact(&log.connect().await, at, beyond, &named).await;
}

/// A batch may hold as many bytes as the store says, those of the longest names and of metadata included, and no more.
pub async fn the_byte_limit_is_exact<F: Fixture>(log: F) {
    let Some(limit) = own::<F>("bytes", |limits| limits.batch_bytes) else { return };
    let Some(Limits { payload_bytes, .. }) = F::settings().limits else { return };
    let at = (batch_of(limit, payload_bytes), AppendCondition::None);
    let beyond = (batch_of(limit + 1, payload_bytes), AppendCondition::None);
    let named = InvalidEvent::BatchTooLarge { bytes: limit + 1, limit };
    exact(&log.connect().await, at, beyond, &named).await;
}

/// A query of a condition may have as many items as the store says, and no more.
pub async fn the_item_limit_is_exact<F: Fixture>(log: F) {
    let Some(limit) = own::<F>("items", |limits| limits.items_per_query) else { return };
    let with = |items| (vec![event("A", &[])], unless(&with_items(items)));
    let named = InvalidEvent::TooManyItems { items: limit + 1, limit };
    exact(&log.connect().await, with(limit), with(limit + 1), &named).await;
}

/// What the library adds for an idempotency key, a tag of each event and an item of the query, counts against no
/// limit.
pub async fn an_idempotency_key_counts_against_no_limit<F: Fixture>(log: F) {
    let limits = F::settings().limits.unwrap_or(Limits::FLOOR);
    let key = Tag::of_any_key("factos.key", &"k".repeat(MAX_TEXT_BYTES - 11)).unwrap();
    let store = log.connect().await;
    if limits.tags_per_event != usize::MAX {
        let tagged = with_tags(limits.tags_per_event).with_tag(&key);
        appended(&store, vec![tagged], AppendCondition::None).await;
    }
    let items = with_items(limits.items_per_query.min(MANY_ITEMS));
    let keyed = unless(&items.or(crate::QueryItem::with_tag(key)));
    let met = limits.tags_per_event != usize::MAX;
    let outcome = store.append(vec![event("A", &[])], keyed).await;
    assert_eq!(
        outcome.is_err_and(|error| error.is_conflict()),
        met,
        "the key of an idempotency key is an item of the condition as any other, and is met"
    );
}

/// The items of a query of a store that has no limit.
const MANY_ITEMS: usize = 10_000;

/// The store's own limit. None, and told in the output, if the fixture does not say it or there is none.
fn own<F: Fixture>(what: &str, of: impl Fn(&Limits) -> usize) -> Option<usize> {
    match F::settings().limits.as_ref().map(of) {
        None => {
            not_tested(&format!("the limit of {what}, which the fixture does not tell"));
            None
        }
        Some(usize::MAX) => {
            not_tested(&format!("the limit of {what}, as there is none"));
            None
        }
        limit => limit,
    }
}

type Append = (Vec<NewEvent>, AppendCondition);

/// Asserts that one append is accepted, and that the other is refused by this name with nothing written.
async fn exact(store: &dyn EventStore, at: Append, beyond: Append, named: &InvalidEvent) {
    let events = at.0.len();
    appended(&store, at.0, at.1).await;
    assert_eq!(count(store).await, events, "what is at the limit is written as a whole: events");
    let head = head_of(&store).await;
    match store.append(beyond.0, beyond.1).await {
        Err(AppendError::Invalid(told)) => {
            assert_eq!(told, *named, "what is beyond a limit is refused by the name of the limit");
        }
        outcome => {
            panic!("what is one beyond the limit is refused, as {named}, {}", brief(&outcome))
        }
    }
    assert_eq!(
        (count(store).await, head_of(&store).await),
        (events, head),
        "an append that is refused leaves nothing behind: events and head"
    );
}

/// How many events the log has, without holding them all.
async fn count(store: &dyn EventStore) -> usize {
    let mut events = begin(&store, &Query::all(), ReadOptions::all()).await;
    let mut count = 0;
    while let Some(record) = events.next().await {
        record.unwrap_or_else(|error| panic!("a read failed before its end: {error:?}"));
        count += 1;
    }
    count
}

/// A batch of exactly so many bytes, whose events have the longest names, and metadata.
fn batch_of(bytes: usize, payload_bytes: usize) -> Vec<NewEvent> {
    let longest = "n".repeat(MAX_TEXT_BYTES);
    let tag = Tag::new("key", &"v".repeat(MAX_TEXT_BYTES - 4)).unwrap();
    let named = NewEvent { payload: Bytes::new(), ..event(&longest, &[]) };
    let metadata = Metadata::new().with("who", "me").unwrap();
    let named = named.with_tag(tag).in_stream(stream(&longest)).with_metadata(metadata);
    let filling = Bytes::from(vec![b'p'; payload_bytes - 1]);
    let (mut batch, mut left) = (Vec::new(), bytes);
    while left > 0 {
        let most = filling.len().min(left - named.byte_len());
        // What is left must be nothing, or enough for another event.
        let rest = left - named.byte_len() - most;
        let short = if rest > 0 { named.byte_len().saturating_sub(rest) } else { 0 };
        let event = NewEvent { payload: filling.slice(..most - short), ..renewed(&named) };
        left -= event.byte_len();
        batch.push(event);
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_has_exactly_so_many_bytes() {
        for bytes in [2_000, 5_000, 10_000, 10_001, 11_763] {
            let batch = batch_of(bytes, 3_000);
            assert_eq!(batch.iter().map(NewEvent::byte_len).sum::<usize>(), bytes);
            assert!(batch.iter().all(|event| event.payload.len() < 3_000));
        }
    }
}
