//! No call waits for a lock of another process for longer than its timeout.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use factos::{
    AppendCondition, AppendError, EventStore, EventStoreExt, Query, SequencePosition, StoreError,
};
use factos_sqlite::{Config, Error, SqliteStore};
use rusqlite::Connection;
use support::{cause, of_show, sold};

const TIMEOUT: Duration = Duration::from_millis(300);

/// Far longer than a call that keeps to its timeout takes, on a busy machine.
const STUCK: Duration = Duration::from_secs(30);

async fn in_time<T>(what: &str, call: impl Future<Output = T>) -> T {
    tokio::time::timeout(STUCK, call).await.unwrap_or_else(|_| panic!("{what} waits on"))
}

fn assert_locked(what: &str, error: &StoreError) {
    assert!(
        matches!(cause(error), Error::Locked { waited, .. } if *waited >= TIMEOUT),
        "{what}: {error:?}"
    );
}

/// Another connection holds the write lock while every public call is made.
#[tokio::test(flavor = "multi_thread")]
async fn every_call_keeps_to_its_timeout_while_the_log_is_locked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let config = Config::new(&path).busy_timeout(TIMEOUT);
    let store = config.clone().open().await.unwrap();
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    // Many at once: each counts its own time, and not that of those before it.
    let appends: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.append(vec![sold("2")], AppendCondition::None).await })
        })
        .collect();
    for append in appends {
        let refused = in_time("append", append).await.unwrap().unwrap_err();
        let AppendError::Store(error) = refused else { panic!("{refused:?}") };
        assert_locked("append", &error);
    }
    assert_eq!(in_time("read", store.read_all(&of_show("1"))).await.unwrap().len(), 1);
    assert_eq!(in_time("read", store.read_all(&Query::all())).await.unwrap().len(), 1);
    assert_eq!(in_time("head", store.head()).await.unwrap(), SequencePosition::new(1));
    in_time("wait", store.wait_past(None)).await.unwrap();
    in_time("backup", store.backup(folder.path().join("copy.db"))).await.unwrap();
    // An open log is opened without the write lock, and a new one with it.
    drop(in_time("open", config.clone().open()).await.unwrap());
    let reader = in_time("open", config.clone().read_only(true).open()).await.unwrap();
    in_time("close", reader.close()).await.unwrap();
    in_time("close", store.close()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn creation_and_upgrade_keep_to_their_timeout() {
    let folder = tempfile::tempdir().unwrap();
    let (new, old) = (folder.path().join("new.db"), folder.path().join("old.db"));
    std::fs::copy("tests/fixtures/format-1.sqlite", &old).unwrap();
    for path in [new, old] {
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let config = Config::new(&path).upgrade(true).busy_timeout(TIMEOUT);
        let error = in_time("open", config.clone().open()).await.unwrap_err();
        assert_locked("open", &error);
        other.execute_batch("ROLLBACK").unwrap();
        let store: SqliteStore = config.open().await.unwrap();
        store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    }
}
