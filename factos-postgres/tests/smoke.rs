//! The basic calls, in both modes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use factos::{AppendCondition, EventStore, EventStoreExt, Query, StreamName};
use factos_postgres::Mode;
use support::{Schema, of_show, sold, unless_sold};

async fn what_is_appended_is_read(mode: Mode) {
    let schema = Schema::new(mode).await;
    let store = schema.open().await;
    assert_eq!(store.head().await.unwrap(), None);
    let mut event = sold("a");
    event.stream = Some(StreamName::new("s").unwrap());
    event.metadata.insert("who", "lucy \"\u{1f3ab}").unwrap();
    let written = store.append(vec![event.clone(), sold("b")], unless_sold("a")).await.unwrap();
    assert_eq!(written[0].event, event.payload);
    assert_eq!(store.read_all(&Query::all()).await.unwrap(), written);
    assert_eq!(store.read_all(&of_show("a")).await.unwrap(), written[..1]);
    assert_eq!(store.read_stream_all(&event.stream.unwrap()).await.unwrap(), written[..1]);
    assert_eq!(store.read_last(&of_show("b")).await.unwrap(), Some(written[1].clone()));
    assert_eq!(store.head().await.unwrap(), Some(written[1].position));
    let refused = store.append(vec![sold("a")], unless_sold("a")).await.unwrap_err();
    assert!(refused.is_conflict(), "{refused:?}");
    let again = store.append(vec![sold("c")], AppendCondition::None).await.unwrap();
    assert_eq!(again[0].position.get(), 3);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_keyed_log_gives_back_what_it_got() {
    what_is_appended_is_read(Mode::Keyed).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_portable_log_gives_back_what_it_got() {
    what_is_appended_is_read(Mode::Portable).await;
}
