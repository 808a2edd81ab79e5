//! What a checkpoint keeps, and how it is compared with the log when it is gone on from.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use factos::{
    Anchor, AppendCondition, CheckpointError, ErrorKind, EventId, EventStore, EventStoreExt,
    EventType, NewEvent, Query, QueryItem, SequencePosition,
};
use factos_memory::MemoryStore;

const KNOWN: EventType = EventType::from_static("Known");
const OTHER: EventType = EventType::from_static("Other");

async fn append(store: &MemoryStore, event_type: EventType) -> (SequencePosition, EventId) {
    let event = NewEvent::new(event_type, "{}");
    let records = store.append(vec![event], AppendCondition::None).await.unwrap();
    (records[0].position, records[0].id)
}

fn known() -> Query {
    Query::item(QueryItem::of_type(KNOWN))
}

#[tokio::test]
async fn a_batch_has_the_last_event_up_to_its_position_whether_it_matches_or_not() {
    let store = MemoryStore::new();
    let mut events = store.subscribe(known(), None);
    assert_eq!(events.next().await.unwrap().anchor(&store).await.unwrap(), None, "an empty log");
    for event_type in [KNOWN, OTHER, OTHER, KNOWN] {
        let (position, id) = append(&store, event_type).await;
        let batch = events.next().await.unwrap();
        let anchor = batch.anchor(&store).await.unwrap().unwrap();
        assert_eq!(anchor, Anchor::new(store.log_id(), position, id));
        assert_eq!(store.anchor(position).await.unwrap(), Some(anchor.clone()));
        assert_eq!(store.resume(Some(anchor)).await.unwrap(), Some(position));
    }
    assert_eq!(store.resume(None).await.unwrap(), None, "nothing was kept");
}

#[tokio::test]
async fn a_batch_that_ends_with_its_position_needs_no_read() {
    let (store, other) = (MemoryStore::new(), MemoryStore::new());
    let (position, id) = append(&store, KNOWN).await;
    let batch = store.subscribe(known(), None).next().await.unwrap();
    // A store without events, in which nothing would be found.
    let anchor = batch.anchor(&other).await.unwrap();
    assert_eq!(anchor, Some(Anchor::new(other.log_id(), position, id)));
}

#[tokio::test]
async fn another_log_is_refused() {
    let (store, other) = (MemoryStore::new(), MemoryStore::new());
    let (position, _) = append(&store, KNOWN).await;
    append(&other, KNOWN).await;
    let kept = store.anchor(position).await.unwrap();
    let error = other.resume(kept).await.unwrap_err();
    match &error {
        CheckpointError::OtherLog { kept, found } => {
            assert_eq!((kept.as_str(), found.as_str()), (store.log_id(), other.log_id()));
        }
        error => panic!("{error:?}"),
    }
    assert_eq!(error.kind(), ErrorKind::Broken);
}

#[tokio::test]
async fn a_log_that_ends_before_the_checkpoint_is_refused() {
    let store = MemoryStore::new();
    for events in 0..2 {
        if events > 0 {
            append(&store, KNOWN).await;
        }
        let head = store.head().await.unwrap();
        for above in [2, u64::MAX] {
            let position = SequencePosition::new(above).unwrap();
            let kept = Anchor::new(store.log_id(), position, EventId::new());
            match store.resume(Some(kept)).await.unwrap_err() {
                CheckpointError::AboveHead { position: told, head: found } => {
                    assert_eq!((told, found), (position, head));
                }
                error => panic!("{error:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_log_with_other_events_up_to_the_checkpoint_is_refused() {
    let store = MemoryStore::new();
    append(&store, KNOWN).await;
    let (position, id) = append(&store, OTHER).await;
    append(&store, KNOWN).await;
    let gone = EventId::new();
    let kept = Anchor::new(store.log_id(), position, gone);
    let error = store.resume(Some(kept)).await.unwrap_err();
    match &error {
        CheckpointError::Rewritten { position: at, kept, found } => {
            assert_eq!((*at, *kept, *found), (position, gone, Some(id)));
        }
        error => panic!("{error:?}"),
    }
    let told = error.to_string();
    assert!(told.contains(&id.to_string()) && told.contains(&gone.to_string()), "{told}");
}
