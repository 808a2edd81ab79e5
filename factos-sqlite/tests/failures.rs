//! A log without room, and commits that fail: nothing is lost, and the caller is told what is known.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{path::Path, process::Command};

use factos::{
    AppendCondition, AppendError, Bytes, EventId, EventStore, EventStoreExt, NewEvent, Query,
    StoreErrorKind,
};
use factos_sqlite::{Config, Error, SqliteStore};
use support::{SOLD, cause, child_after, lines, sold, task};

fn large() -> NewEvent {
    NewEvent::new(SOLD, Bytes::from(vec![b'x'; 20_000]))
}

/// Appends pairs until one fails, and returns how many were accepted, the ids of the pair that failed,
/// and the error.
async fn append_until_it_fails(store: &SqliteStore) -> (usize, [EventId; 2], AppendError) {
    let mut accepted = 0;
    loop {
        let pair = vec![large(), large()];
        let ids = [pair[0].id, pair[1].id];
        match store.append(pair, AppendCondition::None).await {
            Ok(_) => accepted += 1,
            Err(error) => return (accepted, ids, error),
        }
        assert!(accepted < 10_000, "it never failed");
    }
}

#[tokio::test]
async fn a_log_that_is_as_large_as_it_may_be_refuses_and_stays_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = Config::new(&path).max_bytes(1 << 20).open().await.unwrap();
    let (accepted, _, error) = append_until_it_fails(&store).await;
    let AppendError::Store(error) = error else { panic!("{error:?}") };
    assert_eq!(error.kind(), StoreErrorKind::Full);
    assert!(matches!(cause(&error), Error::Full { .. }), "{error:?}");
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), accepted * 2);
    drop(store);
    let store = SqliteStore::open(&path).await.unwrap();
    store.append(vec![large()], AppendCondition::None).await.unwrap();
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), accepted * 2 + 1);
}

/// Unlike on a full disk, SQLite does not roll back by itself here: the store has to.
#[tokio::test]
async fn a_statement_that_fails_leaves_nothing_of_its_batch() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = SqliteStore::open(&path).await.unwrap();
    // The log's own triggers are left out from here on, until somebody adds one.
    let first = store.append(vec![sold("0")], AppendCondition::None).await.unwrap();
    let refusal = "CREATE TRIGGER refusal BEFORE INSERT ON event WHEN NEW.version = 7
                   BEGIN SELECT RAISE(ABORT, 'refused'); END";
    rusqlite::Connection::open(&path).unwrap().execute_batch(refusal).unwrap();
    let refused = NewEvent { version: 7, ..sold("1") };
    let batch = vec![sold("1"), refused];
    let outcome = store.append(batch, AppendCondition::None).await;
    assert!(matches!(outcome, Err(AppendError::Store(_))), "{outcome:?}");
    let next = store.append(vec![sold("2")], AppendCondition::None).await.unwrap();
    assert_eq!(store.read_all(&Query::all()).await.unwrap(), [first, next].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_append_without_room_does_not_fail_its_neighbours() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = Config::new(&path).max_bytes(2 << 20).open().await.unwrap();
    let huge = NewEvent::new(SOLD, Bytes::from(vec![b'x'; 4 << 20]));
    let huge = vec![sold("huge"), huge];
    let appends: Vec<_> = (0..40)
        .map(|n| if n == 20 { huge.clone() } else { vec![sold(&n.to_string())] })
        .map(|events| {
            let store = store.clone();
            tokio::spawn(async move { store.append(events, AppendCondition::None).await })
        })
        .collect();
    let mut failed = 0;
    for append in appends {
        match append.await.unwrap() {
            Ok(_) => {}
            Err(AppendError::Store(error)) if error.kind() == StoreErrorKind::Full => failed += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(failed, 1);
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 39);
}

/// Prints what happens in a form that the parent process reads.
async fn report_until_it_fails(path: &Path) {
    let store = SqliteStore::open(path).await.unwrap();
    let (accepted, ids, error) = append_until_it_fails(&store).await;
    let AppendError::Store(error) = error else { panic!("{error:?}") };
    println!("accepted={accepted}");
    println!("ids={} {}", ids[0], ids[1]);
    println!("kind={:?}", error.kind());
    println!("error={error}");
    // The store is still usable: it reads, and answers the next append.
    println!("readable={}", store.read_all(&Query::all()).await.unwrap().len());
    let again = store.append(vec![large()], AppendCondition::None).await;
    println!("again={}", again.is_ok());
}

fn run(mut command: Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

fn value<'a>(report: &'a str, name: &'a str) -> &'a str {
    lines(report, name).next().unwrap_or_else(|| panic!("no {name} in {report}"))
}

#[tokio::test]
#[ignore = "a child process of a_commit_that_fails_is_told_as_unknown"]
async fn child_that_may_not_write_on() {
    report_until_it_fails(&task().0).await;
}

/// A file size limit makes the write-ahead log's next frame fail with an I/O error during COMMIT.
#[tokio::test]
async fn a_commit_that_fails_is_told_as_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let limit = "trap '' XFSZ && ulimit -f 2000";
    let report = run(child_after(limit, "child_that_may_not_write_on", &path, ""));
    assert_eq!(value(&report, "kind="), "OutcomeUnknown", "{report}");
    let accepted: usize = value(&report, "accepted=").parse().unwrap();
    assert!(accepted > 0);
    assert_eq!(value(&report, "readable=").parse::<usize>().unwrap(), accepted * 2);

    let store = SqliteStore::open(&path).await.unwrap();
    let found = store.read_all(&Query::all()).await.unwrap().len();
    assert!(found >= accepted * 2, "an acknowledged append is lost: {report}");
    // Sending the same ids again tells whether the batch was written.
    let ids = value(&report, "ids=").split(' ').map(|id| id.parse().unwrap());
    let pair: Vec<_> = ids.map(|id| NewEvent { id, ..large() }).collect();
    match store.append(pair.clone(), AppendCondition::None).await {
        Ok(_) => {}
        Err(AppendError::DuplicateEventId(id)) => assert_eq!(id, pair[0].id),
        Err(other) => panic!("{other:?}"),
    }
    let log = store.read_all(&Query::all()).await.unwrap();
    for event in &pair {
        assert_eq!(log.iter().filter(|record| record.id == event.id).count(), 1);
    }
}

#[tokio::test]
#[ignore = "a child process of a_full_disk_is_told_and_nothing_is_lost"]
async fn child_on_a_full_disk() {
    let path = task().0;
    report_until_it_fails(&path).await;
    // The file system ends with this process, so its log is read here.
    let store = SqliteStore::open(&path).await.unwrap();
    println!("reopened={}", store.read_all(&Query::all()).await.unwrap().len());
}

#[test]
#[ignore = "mounts a file system of its own: needs root or user namespaces"]
fn a_full_disk_is_told_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let mount = format!("mount -t tmpfs -o size=2m none '{}'", folder.path().display());
    let inner = child_after(&mount, "child_on_a_full_disk", &path, "");
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount"]).arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        command.env(name, value.unwrap());
    }
    let report = run(command);
    assert_eq!(value(&report, "kind="), "Full", "{report}");
    let accepted: usize = value(&report, "accepted=").parse().unwrap();
    assert!(accepted > 0);
    assert_eq!(value(&report, "readable=").parse::<usize>().unwrap(), accepted * 2);
    let again = usize::from(value(&report, "again=") == "true");
    assert_eq!(value(&report, "reopened=").parse::<usize>().unwrap(), accepted * 2 + again);
}
