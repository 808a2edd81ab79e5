//! The files of an open log are renamed, replaced, removed or restored: every call says so, and nothing that was
//! acknowledged is in a file that nobody finds.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use factos::{
    AppendCondition, AppendError, EventStore, EventStoreExt, Query, ReadOptions, SequencePosition,
    StoreError, StoreErrorKind, StreamName,
};
use factos_sqlite::{Config, Error, SqliteStore};
use rusqlite::Connection;
use support::{cause, of_show, sold};
use tempfile::TempDir;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn beside(path: &Path, suffix: &str) -> PathBuf {
    format!("{}{suffix}", path.display()).into()
}

fn remove(path: &Path, suffixes: &[&str]) {
    for suffix in suffixes {
        fs::remove_file(beside(path, suffix)).unwrap();
    }
}

async fn log_with(path: &Path, show: &str, events: usize) -> SqliteStore {
    let store = SqliteStore::open(path).await.unwrap();
    sell(&store, show, events).await;
    store
}

async fn sell(store: &SqliteStore, show: &str, events: usize) {
    for _ in 0..events {
        store.append(vec![sold(show)], AppendCondition::None).await.unwrap();
    }
}

/// A folder with a log that is closed, of so many events.
async fn closed_log(show: &str, events: usize) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    log_with(&path, show, events).await.close().await.unwrap();
    (folder, path)
}

/// What each kind of call answers, by name.
async fn answers(store: &SqliteStore) -> Vec<(&'static str, Result<(), StoreError>)> {
    let read = |query: Query| async move {
        store.read(&query, ReadOptions::all()).await?.collect().await.map(drop)
    };
    let stream = StreamName::new("s").unwrap();
    let append = store.append(vec![sold("new")], AppendCondition::None).await;
    let append = append.map(drop).map_err(|error| match error {
        AppendError::Store(error) => error,
        other => panic!("{other:?}"),
    });
    vec![
        ("append", append),
        ("read of a tag", read(of_show("a")).await),
        ("read of everything", read(Query::all()).await),
        ("read of a stream", store.read_stream(&stream, ReadOptions::all()).await.map(drop)),
        ("head", store.head().await.map(drop)),
        ("wait", store.wait_past(SequencePosition::new(1000)).await),
        ("backup", store.backup(env::temp_dir().join(factos::EventId::new().to_string())).await),
    ]
}

async fn assert_every_call_says(store: &SqliteStore, is_it: impl Fn(&Error) -> bool) {
    for (what, answer) in tokio::time::timeout(PATIENCE, answers(store)).await.unwrap() {
        let error = answer.expect_err(what);
        assert!(is_it(cause(&error)), "{what}: {error:?}");
        assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    }
}

#[tokio::test]
async fn a_log_that_is_renamed_over_an_open_one_is_told_and_left_alone() {
    let (_folder, path) = closed_log("a", 3).await;
    let store = log_with(&path, "a", 3).await;
    let (_other_folder, other) = closed_log("b", 7).await;
    let second = SqliteStore::open(&other).await.unwrap();
    let id = second.log_id().to_owned();
    // A drop does not wait, and SQLite shares what it knows of a file among the connections of a process.
    second.close().await.unwrap();
    let before = fs::read(&other).unwrap();
    fs::rename(&other, &path).unwrap();
    assert_every_call_says(
        &store,
        |error| matches!(error, Error::Replaced { path: told, exists: true } if *told == path),
    )
    .await;
    // The write-ahead log of the first is not taken for that of the second.
    let refused = SqliteStore::open(&path).await.map(drop).unwrap_err();
    assert!(matches!(cause(&refused), Error::ForeignWriteAheadLog { .. }), "{refused:?}");
    store.close().await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), before);
    remove(&path, &["-wal", "-shm"]);
    let second = SqliteStore::open(&path).await.unwrap();
    assert_eq!(second.log_id(), id);
    assert_eq!(second.read_all(&of_show("b")).await.unwrap().len(), 7);
}

#[tokio::test]
async fn a_file_that_is_gone_is_told() {
    for suffixes in [&["", "-wal", "-shm"][..], &[""], &["-wal"], &["-shm"]] {
        let (_folder, path) = closed_log("a", 3).await;
        let store = log_with(&path, "a", 3).await;
        remove(&path, suffixes);
        let append = store.append(vec![sold("a")], AppendCondition::None).await.unwrap_err();
        let AppendError::Store(error) = append else { panic!("{append:?}") };
        let gone = beside(&path, suffixes[0]);
        assert!(
            matches!(cause(&error), Error::Replaced { path, exists: false } if *path == gone),
            "{error:?}"
        );
        assert!(error.to_string().contains("was removed since the log was opened"), "{error}");
        assert!(store.head().await.is_err(), "{suffixes:?}");
        // Nothing that the handle does puts the files back.
        store.close().await.unwrap();
        assert!(suffixes.iter().all(|suffix| !beside(&path, suffix).exists()));
    }
}

#[tokio::test]
async fn a_new_log_in_the_place_of_one_that_was_removed_is_another_one() {
    let (_folder, path) = closed_log("a", 3).await;
    let store = log_with(&path, "a", 3).await;
    remove(&path, &["", "-wal", "-shm"]);
    let new = log_with(&path, "b", 2).await;
    assert_ne!(new.log_id(), store.log_id());
    assert_every_call_says(&store, |error| matches!(error, Error::Replaced { .. })).await;
    drop(store);
    sell(&new, "b", 2).await;
    assert_eq!(new.read_all(&Query::all()).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_handle_goes_on_once_its_files_are_back() {
    let (folder, path) = closed_log("a", 3).await;
    let store = log_with(&path, "a", 1).await;
    let elsewhere = folder.path().join("elsewhere.db");
    fs::rename(&path, &elsewhere).unwrap();
    assert!(store.append(vec![sold("a")], AppendCondition::None).await.is_err());
    fs::rename(&elsewhere, &path).unwrap();
    sell(&store, "a", 1).await;
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 5);
}

/// A handle whose connections were opened while the files changed places is of one log or is refused.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_replaced_while_it_is_opened_is_not_mixed_with_the_other() {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    let (folder, path) = closed_log("a", 3).await;
    let other = folder.path().join("other.db");
    log_with(&other, "b", 7).await.close().await.unwrap();
    let mut logs = Vec::new();
    for path in [&path, &other] {
        let store = SqliteStore::open(path).await.unwrap();
        logs.push((store.log_id().to_owned(), store.read_all(&Query::all()).await.unwrap()));
        store.close().await.unwrap();
    }
    let (mut whole, mut refused) = (0, 0);
    let begun = Instant::now();
    SqliteStore::open(&path).await.unwrap().close().await.unwrap();
    let an_open = begun.elapsed();
    for round in 0..300 {
        let (from, to) = (path.clone(), other.clone());
        let swapping = std::thread::spawn(move || {
            // Spread over twice the time of an open, however long that is here.
            std::thread::sleep(an_open * round / 150);
            renameat_with(CWD, from, CWD, to, RenameFlags::EXCHANGE).unwrap();
        });
        match SqliteStore::open(&path).await {
            Ok(store) => {
                if let Ok(found) = store.read_all(&Query::all()).await {
                    assert!(logs.contains(&(store.log_id().to_owned(), found)));
                    whole += 1;
                }
                store.close().await.unwrap();
            }
            Err(error) => {
                assert!(matches!(cause(&error), Error::Replaced { .. }), "{error:?}");
                refused += 1;
            }
        }
        swapping.join().unwrap();
        for suffix in ["-wal", "-shm"] {
            drop(fs::remove_file(beside(&path, suffix)));
        }
    }
    assert!(whole > 0 && refused > 0, "{whole} whole, {refused} refused");
}

#[tokio::test]
async fn a_wait_ends_when_the_file_is_replaced() {
    let (_folder, path) = closed_log("a", 3).await;
    let store = log_with(&path, "a", 1).await;
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.wait_past(SequencePosition::new(50)).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished());
    fs::remove_file(&path).unwrap();
    let error = tokio::time::timeout(PATIENCE, waiting).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(cause(&error), Error::Replaced { .. }), "{error:?}");
}

#[tokio::test]
async fn a_long_read_ends_when_the_file_is_replaced() {
    let (_folder, path) = closed_log("a", 0).await;
    let store = SqliteStore::open(&path).await.unwrap();
    let batch = (0..10_000).map(|_| sold("a")).collect();
    store.append(batch, AppendCondition::None).await.unwrap();
    let mut events = store.read(&Query::all(), ReadOptions::all()).await.unwrap();
    events.next().await.unwrap().unwrap();
    fs::remove_file(&path).unwrap();
    let error = loop {
        match events.next().await.expect("the read ends as if it were complete") {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(cause(&error), Error::Replaced { .. }), "{error:?}");
}

/// Puts the content of one database into another that is open, as a restore does.
fn restore(from: &Path, to: &Path) {
    let mut to = Connection::open(to).unwrap();
    to.busy_timeout(PATIENCE).unwrap();
    let from = Connection::open(from).unwrap();
    let backup = rusqlite::backup::Backup::new(&from, &mut to).unwrap();
    backup.run_to_completion(1000, Duration::from_millis(1), None).unwrap();
}

#[tokio::test]
async fn an_older_state_in_the_open_file_is_told() {
    let (folder, path) = closed_log("a", 3).await;
    let copy = folder.path().join("copy.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.backup(&copy).await.unwrap();
    sell(&store, "a", 97).await;
    restore(&copy, &path);
    for _ in 0..2 {
        let follower = async {
            loop {
                if let Err(error) = store.wait_past(SequencePosition::new(50)).await {
                    return error;
                }
                tokio::task::yield_now().await;
            }
        };
        let error = tokio::time::timeout(PATIENCE, follower).await.unwrap();
        assert!(matches!(cause(&error), Error::WentBack { known: 100, found: 3, .. }), "{error:?}");
        assert!(error.to_string().contains("went back from 100 to 3"), "{error}");
        assert_every_call_says(&store, |error| {
            matches!(error, Error::WentBack { known: 100, found: 3, .. })
        })
        .await;
    }
    let again = SqliteStore::open(&path).await.unwrap();
    assert_eq!(again.head().await.unwrap(), SequencePosition::new(3));
}

#[tokio::test]
async fn a_log_that_passed_the_known_position_with_other_events_is_told() {
    let (folder, path) = closed_log("a", 3).await;
    let copy = folder.path().join("copy.db");
    let writer = SqliteStore::open(&path).await.unwrap();
    writer.backup(&copy).await.unwrap();
    sell(&writer, "a", 97).await;
    // This one was told of a position only, by a read that found nothing.
    let reader = SqliteStore::open(&path).await.unwrap();
    assert_eq!(reader.read_all(&of_show("none")).await.unwrap(), []);
    log_with(&copy, "b", 117).await.close().await.unwrap();
    restore(&copy, &path);
    for store in [writer, reader] {
        assert_every_call_says(&store, |error| {
            matches!(error, Error::WentBack { known: 100, found: 120, .. })
        })
        .await;
    }
}

/// The main file of a log that was opened a moment ago, copied without its write-ahead log.
#[tokio::test]
async fn a_copy_without_the_write_ahead_log_is_the_same_log() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("log.db"), folder.path().join("copy.db"));
    let store = SqliteStore::open(&path).await.unwrap();
    sell(&store, "a", 3).await;
    fs::copy(&path, &copy).unwrap();
    let copied = SqliteStore::open(&copy).await.unwrap();
    assert_eq!(copied.log_id(), store.log_id());
    assert!(copied.head().await.unwrap() <= store.head().await.unwrap());
}

#[tokio::test]
async fn a_relative_path_leads_to_the_same_file_after_the_process_has_gone_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let status = support::child("opens_a_relative_path_and_goes_elsewhere", &path, "").status();
    assert!(status.unwrap().success());
}

/// Changes the folder of the whole process.
#[tokio::test]
#[ignore = "a process of the test above it"]
async fn opens_a_relative_path_and_goes_elsewhere() {
    let path = support::task().0;
    env::set_current_dir(path.parent().unwrap()).unwrap();
    let store = SqliteStore::open(path.file_name().unwrap()).await.unwrap();
    sell(&store, "a", 1).await;
    env::set_current_dir("/").unwrap();
    sell(&store, "a", 1).await;
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 2);
    store.close().await.unwrap();
    assert_eq!(SqliteStore::open(&path).await.unwrap().head().await.unwrap().unwrap().get(), 2);
}

/// Names that SQLite would take for an address, or for a database in memory.
#[tokio::test]
async fn a_path_is_a_path() {
    let folder = tempfile::tempdir().unwrap();
    let status = support::child("opens_odd_paths", &folder.path().join("log.db"), "").status();
    assert!(status.unwrap().success());
}

#[tokio::test]
#[ignore = "a process of the test above it"]
async fn opens_odd_paths() {
    env::set_current_dir(support::task().0.parent().unwrap()).unwrap();
    for name in [
        "file:y.db",
        "file:log%31.db",
        "file:x.db?vfs=unix-excl",
        "file:z.db?mode=memory",
        "FILE:q.db#part",
        ":memory:",
        "100% ä.db",
    ] {
        let store = SqliteStore::open(name).await.unwrap();
        sell(&store, "a", 1).await;
        store.close().await.unwrap();
        assert!(Path::new("./").join(name).is_file(), "{name}");
        let reopened = Config::new(name).create(false).open().await.unwrap();
        assert_eq!(reopened.read_all(&Query::all()).await.unwrap().len(), 1);
        // Its own write-ahead log is not taken for another one's.
        sell(&reopened, "a", 1).await;
        let beside = SqliteStore::open(name).await.unwrap();
        assert_eq!(beside.read_all(&Query::all()).await.unwrap().len(), 2);
    }
}
