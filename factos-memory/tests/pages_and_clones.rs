//! What the suite does not cover: the pages of a long read, and clones of a store.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use factos::{
    AppendCondition, EventStore, EventStoreExt, EventType, NewEvent, Query, QueryItem, ReadOptions,
    SequencePosition, Tag,
};
use factos_memory::MemoryStore;

const OPENED: EventType = EventType::from_static("DoorOpened");

fn opened(door: u64) -> NewEvent {
    let mut event = NewEvent::new(OPENED, "{}");
    event.tags.insert(&Tag::new("door", &door.to_string()).unwrap());
    event.tags.insert(&Tag::new("house", "1").unwrap());
    event
}

async fn filled(events: u64) -> MemoryStore {
    let store = MemoryStore::new();
    let batch = (0..events).map(|n| opened(n % 3)).collect();
    store.append(batch, AppendCondition::None).await.unwrap();
    store
}

fn tagged(key: &str, value: &str) -> QueryItem {
    QueryItem::with_tag(Tag::new(key, value).unwrap())
}

#[tokio::test]
async fn a_long_read_crosses_pages_in_both_directions() {
    let store = filled(3500).await;
    let queries = [
        (Query::all(), 3500),
        (tagged("house", "1").into(), 3500),
        (Query::item(tagged("door", "0")).or(tagged("house", "1")), 3500),
        (tagged("door", "1").tagged(&Tag::new("house", "1").unwrap()).into(), 1167),
    ];
    for (query, expected) in queries {
        let forwards = store.read_all(&query).await.unwrap();
        let options = ReadOptions::all().backwards();
        let mut backwards = store.read(&query, options).await.unwrap().collect().await.unwrap();
        backwards.reverse();
        assert_eq!(forwards, backwards, "{query}");
        assert_eq!(forwards.len(), expected, "{query}");
        assert!(forwards.is_sorted_by(|a, b| a.position < b.position), "{query}");
    }
}

#[tokio::test]
async fn a_limit_is_kept_across_pages() {
    let store = filled(3500).await;
    let at = |n| SequencePosition::new(n).unwrap();
    let options = ReadOptions::all().after(at(100)).before(at(3400)).limit(2500);
    for options in [options, options.backwards()] {
        let page = store.read(&Query::all(), options).await.unwrap().collect().await.unwrap();
        assert_eq!(page.len(), 2500);
        let ends = [page[0].position.get(), page[2499].position.get()];
        assert_eq!(ends, if options.backwards { [3399, 900] } else { [101, 2600] });
    }
}

#[tokio::test]
async fn a_clone_is_another_handle_on_the_same_log() {
    let store = filled(1).await;
    let other = store.clone();
    other.append(vec![opened(9)], AppendCondition::None).await.unwrap();
    assert_eq!(store.read_all(&tagged("door", "9").into()).await.unwrap().len(), 1);
    assert_eq!(store.head().await.unwrap(), SequencePosition::new(2));
}
