//! Closing and dropping a store, on every kind of thread.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{panic, path::Path, thread, time::Duration};

use factos::{AppendCondition, AppendError, EventStore, EventStoreExt, Query, ReadOptions};
use factos_sqlite::{Config, Error, SqliteStore};
use support::{cause, sold};
use tokio::runtime::Builder;

async fn with_one_event(path: &Path) -> SqliteStore {
    let store = SqliteStore::open(path).await.unwrap();
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    store
}

fn wal(path: &Path) -> std::path::PathBuf {
    path.with_extension("db-wal")
}

/// Waits until the write-ahead log is folded in: a drop closes the file in the background.
fn closes(path: &Path) {
    for _ in 0..6000 {
        if !wal(path).exists() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("the file is not closed");
}

fn block_on<F: Future>(future: F) -> F::Output {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[tokio::test]
async fn the_last_clone_folds_the_write_ahead_log_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = with_one_event(&path).await;
    let clone = store.clone();
    drop(store);
    assert!(wal(&path).exists());
    assert_eq!(clone.read_all(&Query::all()).await.unwrap().len(), 1);
    drop(clone);
    closes(&path);
}

#[tokio::test]
async fn calls_on_a_closed_store_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = with_one_event(&path).await;
    let clone = store.clone();
    store.close().await.unwrap();
    store.close().await.unwrap();
    assert!(!wal(&path).exists());
    for error in [
        clone.head().await.unwrap_err(),
        clone.read(&Query::all(), ReadOptions::all()).await.unwrap_err(),
        clone.wait_past(factos::SequencePosition::new(5)).await.unwrap_err(),
        clone.backup(folder.path().join("copy.db")).await.unwrap_err(),
        match clone.append(vec![sold("1")], AppendCondition::None).await.unwrap_err() {
            AppendError::Store(error) => error,
            other => panic!("{other:?}"),
        },
    ] {
        assert!(matches!(cause(&error), Error::Closed), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_ends_waits_and_keeps_what_was_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = with_one_event(&path).await;
    let waiting = store.clone();
    let waiting = tokio::spawn(async move { waiting.wait_past(waiting.head().await?).await });
    let appending: Vec<_> = (0..50)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.append(vec![sold("1")], AppendCondition::None).await })
        })
        .collect();
    tokio::task::yield_now().await;
    store.close().await.unwrap();
    let mut accepted = 1;
    for append in appending {
        match append.await.unwrap() {
            Ok(_) => accepted += 1,
            Err(AppendError::Store(error)) => {
                assert!(matches!(cause(&error), Error::Closed | Error::WriterGone), "{error:?}");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    // The wait ended either with an append or with the close.
    drop(tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap());
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), accepted);
}

#[test]
fn a_store_outlives_the_runtime_that_opened_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = block_on(with_one_event(&path));
    block_on(async {
        store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
        assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 2);
    });
    drop(store);
    closes(&path);
}

#[test]
fn a_store_may_be_dropped_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let dropped_on_a_thread = block_on(with_one_event(&path));
    thread::spawn(move || drop(dropped_on_a_thread)).join().unwrap();
    let dropped_in_a_panic = block_on(with_one_event(&path));
    let panicked = panic::catch_unwind(panic::AssertUnwindSafe(|| {
        let _store = dropped_in_a_panic;
        panic::resume_unwind(Box::new("on purpose"));
    }));
    assert!(panicked.is_err());
    block_on(async {
        let dropped_in_a_task = with_one_event(&path).await;
        tokio::spawn(async move { drop(dropped_in_a_task) }).await.unwrap();
    });
    let store = block_on(SqliteStore::open(&path)).unwrap();
    assert_eq!(block_on(store.read_all(&Query::all())).unwrap().len(), 3);
}

#[tokio::test]
async fn a_dropped_opening_leaves_a_usable_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let opening = SqliteStore::open(&path);
    drop(tokio::time::timeout(Duration::ZERO, opening).await);
    let store = SqliteStore::open(&path).await.unwrap();
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
}

/// The drop of the last handle would have to wait for the lock, and does not.
#[tokio::test]
async fn a_drop_does_not_wait_for_a_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let config = Config::new(&path).busy_timeout(Duration::from_secs(600));
    let store = config.open().await.unwrap();
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Not within this test's time if it waits.
    drop(store);
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    closes(&path);
}
