//! Cases of limits: what every store accepts, up to [`Limits::FLOOR`], and what one accepts by limits of its own.

use super::{
    difference::assert_same,
    fixture::Fixture,
    sample_values::{event, stream, unless},
    store_calls::{append, append_one, appended, matching, refused, trace, whole_log},
};
use crate::{
    append::{AppendCondition, NewEvent},
    append_error::AppendError,
    limits::Limits,
    query::Query,
    store::EventStore,
    text_rules::MAX_TEXT_BYTES,
};

use sizes::{long_event, renewed, with_items, with_tags};

mod ceilings;
mod sizes;

pub use ceilings::{
    an_idempotency_key_counts_against_no_limit, the_byte_limit_is_exact, the_event_limit_is_exact,
    the_item_limit_is_exact, the_payload_limit_is_exact, the_tag_limit_is_exact,
};

/// A payload may be as long as the floor says.
pub async fn a_long_payload_is_accepted<F: Fixture>(log: F) {
    let store = log.connect().await;
    let sent = long_event(Limits::FLOOR.payload_bytes);
    append_one(&store, sent.clone()).await;
    let stored = &whole_log(&store).await[0].event;
    assert!(
        *stored == sent.payload,
        "a payload comes back byte for byte: {} bytes were sent, and {} others came back",
        sent.payload.len(),
        stored.len()
    );
}

/// An event may have as many tags as the floor says, each as long as a name may be.
pub async fn many_long_tags_are_accepted<F: Fixture>(log: F) {
    let store = log.connect().await;
    let sent = with_tags(Limits::FLOOR.tags_per_event);
    append_one(&store, sent.clone()).await;
    let stored = &whole_log(&store).await[0].tags;
    assert_eq!(*stored, sent.tags, "an event keeps all of its tags");
    let all_of_them = Query::item(crate::QueryItem::with_tags(sent.tags).unwrap());
    let matching = matching(&store, &all_of_them).await.len();
    assert_eq!(matching, 1, "an event matches an item of all its tags");
}

/// Names may have as many bytes as their types allow.
pub async fn long_names_are_accepted<F: Fixture>(log: F) {
    let store = log.connect().await;
    let longest = "\u{1f3ab}".repeat(MAX_TEXT_BYTES / 4) + "xyz";
    assert_eq!(longest.len(), MAX_TEXT_BYTES, "the longest name that there can be");
    let mut sent = event(&longest, &[]);
    sent.stream = Some(stream(&longest));
    sent.metadata.insert(&longest, &longest.repeat(100)).unwrap();
    append_one(&store, sent.clone()).await;
    let stored = &whole_log(&store).await[0];
    let rule = "the longest name comes back as it was";
    assert_eq!(stored.event_type, sent.event_type, "{rule}: the type");
    assert_eq!(stored.stream, sent.stream, "{rule}: the stream");
    assert_eq!(stored.metadata, sent.metadata, "{rule}: the metadata");
}

/// A batch may hold as many events as the floor says.
pub async fn many_events_in_a_batch_are_accepted<F: Fixture>(log: F) {
    let store = log.connect().await;
    let sent: Vec<_> =
        (0..Limits::FLOOR.events_per_batch).map(|n| event("A", &[&format!("n:{n}")])).collect();
    let returned = append(&store, sent.clone()).await;
    assert!(
        returned.iter().map(|r| r.id).eq(sent.iter().map(|event| event.id)),
        "an append returns its records in the order of its events"
    );
    assert_same("a large batch comes back", &whole_log(&store).await, &returned);
}

/// A batch may hold as many bytes as the floor says.
pub async fn a_large_batch_is_accepted<F: Fixture>(log: F) {
    let store = log.connect().await;
    let events = Limits::FLOOR.batch_bytes / Limits::FLOOR.payload_bytes;
    let event = long_event(Limits::FLOOR.payload_bytes - "A".len());
    let sent: Vec<_> = (0..events).map(|_| renewed(&event)).collect();
    let bytes: usize = sent.iter().map(NewEvent::byte_len).sum();
    assert_eq!(bytes, Limits::FLOOR.batch_bytes, "the largest batch of the floor");
    append(&store, sent).await;
    let page = whole_log(&store).await;
    assert_eq!(page.len(), events, "a log has a record for each event that was appended");
    let another = page.iter().find(|record| record.event != event.payload);
    let another = another.map(|record| (record.position, record.event.len()));
    assert_eq!(
        another, None,
        "payloads come back byte for byte: position and bytes of another one"
    );
}

/// A query may have as many items as the floor says, in a read and in a condition, and its last item is
/// not ignored.
pub async fn many_items_are_accepted<F: Fixture>(log: F) {
    let store = log.connect().await;
    let query = with_items(Limits::FLOOR.items_per_query);
    let last = format!("T{}", Limits::FLOOR.items_per_query - 1);
    let sent = event(&last, &[&format!("k:{last}")]);
    appended(&store, vec![sent], unless(&query)).await;
    let matching = matching(&store, &query).await.len();
    assert_eq!(matching, 1, "the last item of a query is not ignored");
    refused(&store, event("A", &[]), unless(&query)).await;
}

/// An append beyond the floor is accepted, or refused as invalid with nothing written.
pub async fn beyond_the_floor_is_all_or_nothing<F: Fixture>(log: F) {
    let store = log.connect().await;
    let ok = event("A", &[]);
    let many: Vec<_> = (0..=Limits::FLOOR.events_per_batch).map(|_| renewed(&ok)).collect();
    let items = unless(&with_items(Limits::FLOOR.items_per_query + 1));
    for (batch, condition) in [
        (vec![renewed(&ok), long_event(Limits::FLOOR.payload_bytes + 1)], AppendCondition::None),
        (vec![renewed(&ok), with_tags(Limits::FLOOR.tags_per_event + 1)], AppendCondition::None),
        (many, AppendCondition::None),
        (vec![renewed(&ok)], items),
    ] {
        let events = batch.len();
        let before = trace(&store).await;
        let stored = whole_log(&store).await.len();
        match store.append(batch, condition).await {
            Ok(_) => {
                let rule = "a batch that is accepted is written as a whole";
                assert_eq!(
                    whole_log(&store).await.len(),
                    stored + events,
                    "{rule}: events of the log"
                );
            }
            Err(AppendError::Invalid(invalid)) => {
                before.assert_kept(&store, &invalid.to_string()).await;
            }
            Err(error) => {
                panic!("a batch beyond the floor is accepted or invalid, and came to {error:?}")
            }
        }
    }
}
