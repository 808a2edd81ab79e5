//! What only a file can do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use factos::{
    AppendCondition, EventStore, EventStoreExt, EventType, NewEvent, Query, QueryItem, StreamName,
    Tag,
};
use factos_sqlite::SqliteStore;

#[tokio::test]
async fn smoke() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let mut event = NewEvent::new(EventType::new("A").unwrap(), "{}");
    event.tags.insert(&Tag::parse("show:1").unwrap());
    event.stream = Some(StreamName::new("s").unwrap());
    event.metadata = event.metadata.with_actor("me").unwrap();
    let query = Query::item(QueryItem::with_tag(Tag::parse("show:1").unwrap()));
    let cond = AppendCondition::fail_if_events_match(query.clone());
    let records = store.append(vec![event.clone()], cond.clone()).await.unwrap();
    assert_eq!(store.read_all(&query).await.unwrap(), records);
    event.id = factos::EventId::new();
    let e = store.append(vec![event.clone()], cond.clone()).await.unwrap_err();
    println!("{e}");
    assert!(e.is_conflict());
    store.close().await.unwrap();
    println!("{}", store.head().await.unwrap_err());
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.read_stream_all(&StreamName::new("s").unwrap()).await.unwrap(), records);
    drop(store);
    assert!(!path.with_extension("db-wal").exists());
}
