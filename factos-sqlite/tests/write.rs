//! Transactions of a caller's: its SQL and its appends are committed together, or not at all.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use factos::{
    AppendCondition, AppendError, Bytes, EventStore, EventStoreExt, EventType, InvalidEvent,
    NewEvent, Query, Recorded, Revision, StoreErrorKind, StreamName,
};
use factos_sqlite::{
    Config, Error, SqliteStore, WriteError, WriteTransaction,
    rusqlite::{self, Connection},
};
use futures_util::FutureExt;
use support::{SOLD, cause, of_show, sold, unless_sold};
use tempfile::TempDir;

const NONE: AppendCondition = AppendCondition::None;

type Done<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A log with a table of the application's beside it.
async fn log() -> (TempDir, PathBuf, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let table = "CREATE TABLE paid (show TEXT PRIMARY KEY, position INTEGER)";
    sql(&store, table).await.unwrap();
    (folder, path, store)
}

async fn sql(store: &SqliteStore, sql: &'static str) -> Result<(), WriteError<rusqlite::Error>> {
    store.write(move |tx| tx.connection().execute_batch(sql)).await
}

fn pay(tx: &WriteTransaction, show: &str) -> rusqlite::Result<usize> {
    tx.connection().prepare_cached("INSERT INTO paid VALUES (?1, 0)")?.execute([show])
}

fn paid(path: &PathBuf) -> i64 {
    let count = "SELECT count(*) FROM paid";
    Connection::open(path).unwrap().query_row(count, [], |row| row.get(0)).unwrap()
}

async fn events(store: &SqliteStore) -> Vec<Recorded<Bytes>> {
    store.read_all(&Query::all()).await.unwrap()
}

fn store_error<T: std::fmt::Debug, E: std::fmt::Debug>(
    outcome: &Result<T, WriteError<E>>,
) -> &Error {
    match outcome {
        Err(WriteError::Store(error)) => cause(error),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn rows_and_events_are_committed_together() {
    let (_folder, path, store) = log().await;
    let other = SqliteStore::open(&path).await.unwrap();
    let records = store
        .write(|tx| -> Done<_> {
            pay(tx, "a")?;
            let mut records = tx.append(vec![sold("a")], NONE)?;
            records.extend(tx.append(vec![sold("a"), sold("b")], NONE)?);
            Ok(records)
        })
        .await
        .unwrap();
    assert_eq!(records.iter().map(|r| r.position.get()).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((events(&store).await, events(&other).await), (records.clone(), records));
    assert_eq!(paid(&path), 1);
}

#[tokio::test]
async fn an_error_of_the_closure_leaves_nothing() {
    let (_folder, path, store) = log().await;
    let outcome: Result<(), _> = store
        .write(|tx| {
            pay(tx, "a").unwrap();
            tx.append(vec![sold("a")], NONE).unwrap();
            Err("no")
        })
        .await;
    assert!(matches!(outcome, Err(WriteError::Caller("no"))), "{outcome:?}");
    assert_eq!((events(&store).await, store.head().await.unwrap(), paid(&path)), (vec![], None, 0));
}

#[tokio::test]
async fn a_panic_of_the_closure_reaches_its_caller_and_leaves_nothing() {
    let (_folder, path, store) = log().await;
    let own = store.clone();
    let panicked = tokio::spawn(async move {
        own.write(|tx| -> Done<()> {
            pay(tx, "a")?;
            tx.append(vec![sold("a")], NONE)?;
            panic!("oh");
        })
        .await
    });
    let panic = panicked.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref(), Some(&"oh"));
    assert_eq!((events(&store).await, paid(&path)), (vec![], 0));
    store.append(vec![sold("a")], NONE).await.unwrap();
}

/// Names are numbers in the file. Those of a transaction that was rolled back are given to other names.
#[tokio::test]
async fn names_of_a_transaction_that_was_rolled_back_are_forgotten() {
    let (_folder, path, store) = log().await;
    let named = |name: &str| NewEvent {
        event_type: EventType::new(name).unwrap(),
        stream: Some(StreamName::new(name).unwrap()),
        ..sold(name)
    };
    for name in ["first", "second"] {
        let event = named(name);
        let refused: Result<(), _> = store
            .write(move |tx| {
                let log = tx.append(vec![event], NONE).unwrap();
                Err(log)
            })
            .await;
        assert!(matches!(refused, Err(WriteError::Caller(records)) if records.len() == 1));
    }
    let written = store.append(vec![named("third"), named("first")], NONE).await.unwrap();
    store.append(vec![named("second")], NONE).await.unwrap();
    for store in [store, SqliteStore::open(&path).await.unwrap()] {
        assert_eq!(events(&store).await[..2], written);
        for name in ["first", "second", "third"] {
            assert_eq!(store.read_all(&of_show(name)).await.unwrap().len(), 1, "{name}");
        }
    }
}

#[tokio::test]
async fn appends_of_one_transaction_see_one_another_and_a_refusal_leaves_it_usable() {
    let (_folder, _, store) = log().await;
    store.append(vec![sold("0")], NONE).await.unwrap();
    let stream = StreamName::new("s").unwrap();
    let records = store
        .write(move |tx| -> Done<_> {
            let conflict = tx.append(vec![sold("0")], unless_sold("0")).unwrap_err();
            assert!(conflict.is_conflict());
            let first = NewEvent { stream: Some(stream.clone()), ..sold("a") };
            let again = first.clone();
            let mut records = tx.append(vec![first], unless_sold("a"))?;
            assert!(tx.append(vec![sold("a")], unless_sold("a")).unwrap_err().is_conflict());
            let twice = tx.append(vec![again], NONE).unwrap_err();
            assert!(matches!(twice, AppendError::DuplicateEventId(_)));
            let empty = tx.append(vec![], NONE).unwrap_err();
            assert!(matches!(empty, AppendError::EmptyBatch));
            let huge = vec![0; SqliteStore::LIMITS.payload_bytes + 1];
            let huge = tx.append(vec![NewEvent::new(SOLD, huge)], NONE).unwrap_err();
            let is_limit =
                matches!(huge, AppendError::Invalid(InvalidEvent::PayloadTooLarge { .. }));
            assert!(is_limit, "{huge:?}");
            let at = |revision| AppendCondition::expected_revision(stream.clone(), revision);
            let next = || NewEvent { stream: Some(stream.clone()), ..sold("b") };
            assert!(tx.append(vec![next()], at(Revision::NoEvents)).unwrap_err().is_conflict());
            records.extend(tx.append(vec![next()], at(Revision::Current(0)))?);
            Ok(records)
        })
        .await
        .unwrap();
    assert_eq!(records.iter().map(|r| r.revision).collect::<Vec<_>>(), [Some(0), Some(1)]);
    assert_eq!(events(&store).await[1..], records);
}

#[tokio::test]
async fn after_a_failed_statement_of_the_log_nothing_is_committed() {
    let (_folder, path, store) = log().await;
    store.append(vec![sold("0")], NONE).await.unwrap();
    let fault = "CREATE TRIGGER fault BEFORE INSERT ON event WHEN NEW.version = 7
                 BEGIN SELECT RAISE(ABORT, 'a fault'); END";
    Connection::open(&path).unwrap().execute_batch(fault).unwrap();
    let outcome = store
        .write(|tx| -> Done<()> {
            pay(tx, "a")?;
            let batch = vec![sold("a"), NewEvent { version: 7, ..sold("a") }];
            let failed = tx.append(batch, NONE).unwrap_err();
            assert!(matches!(failed, AppendError::Store(_)), "{failed:?}");
            let later = tx.append(vec![sold("a")], NONE).unwrap_err();
            assert!(matches!(later, AppendError::Store(_)), "{later:?}");
            Ok(())
        })
        .await;
    assert!(matches!(store_error(&outcome), Error::TransactionLost { .. }), "{outcome:?}");
    assert_eq!((events(&store).await.len(), paid(&path)), (1, 0));
    sql(&store, "DROP TABLE paid").await.unwrap();
}

/// Each would end the transaction, touch the log, or outlast the transaction.
const REFUSED: [&str; 34] = [
    "COMMIT",
    "END",
    "ROLLBACK",
    "BEGIN",
    "SAVEPOINT a",
    "RELEASE factos_append",
    "ROLLBACK TO factos_append",
    "ATTACH ':memory:' AS other",
    "DETACH main",
    "INSERT INTO term (kind, name) VALUES (0, 'a:b')",
    "INSERT INTO posting VALUES (1, 1, 1)",
    "INSERT OR REPLACE INTO event SELECT * FROM event",
    "UPDATE event SET version = 2",
    "UPDATE Info SET value = ''",
    "DELETE FROM event",
    "DELETE FROM main.posting",
    "DROP TABLE info",
    "DROP INDEX event_type",
    "DROP VIEW event_view",
    "DROP TRIGGER event_no_update",
    "ALTER TABLE event ADD COLUMN more",
    "ALTER TABLE event RENAME TO event_elsewhere",
    "CREATE INDEX more ON event (version)",
    "CREATE TEMP TABLE event (position)",
    "CREATE TABLE temp.Posting (term)",
    "CREATE TEMP VIEW term AS SELECT 1",
    "CREATE TRIGGER more AFTER INSERT ON paid BEGIN SELECT 1; END",
    "ANALYZE",
    "PRAGMA synchronous = OFF",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA user_version = 9",
    "PRAGMA wal_autocheckpoint = 0",
    "PRAGMA writable_schema = ON",
    "VACUUM",
];

#[tokio::test]
async fn statements_that_end_the_transaction_or_touch_the_log_are_refused() {
    let (_folder, path, store) = log().await;
    let first = store.append(vec![sold("0")], NONE).await.unwrap();
    store
        .write(|tx| -> Done<()> {
            pay(tx, "a")?;
            for statement in REFUSED {
                let refused = tx.connection().execute_batch(statement);
                assert!(refused.is_err(), "{statement}");
                // The writer's own statement, with the leave that it was given.
                let refused = tx.connection().prepare_cached(statement);
                let refused = refused.and_then(|mut prepared| prepared.execute([]));
                assert!(refused.is_err(), "prepared: {statement}");
                assert!(!tx.connection().is_autocommit(), "{statement}");
            }
            let renamed = "CREATE TEMP TABLE mine (position); ALTER TABLE mine RENAME TO event";
            tx.connection().execute_batch(renamed).unwrap_err();
            tx.append(vec![sold("a")], NONE)?;
            Ok(())
        })
        .await
        .unwrap();
    let log = events(&store).await;
    assert_eq!((log.len(), &log[..1], paid(&path)), (2, &first[..], 1));
    assert_eq!(events(&SqliteStore::open(&path).await.unwrap()).await, log);
}

#[tokio::test]
async fn what_an_application_needs_is_allowed() {
    let (_folder, path, store) = log().await;
    store
        .write(|tx| {
            tx.connection().execute_batch(
                "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT); CREATE INDEX t_b ON t (b);
                 INSERT INTO t (b) VALUES ('x'), ('y') ON CONFLICT DO NOTHING;
                 CREATE VIEW v AS SELECT * FROM t JOIN event_view ON position = a;
                 UPDATE t SET b = b || 'z' WHERE a = 1; DELETE FROM t WHERE a = 2;
                 WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 9)
                 INSERT INTO t (a) SELECT i FROM n;
                 ALTER TABLE t ADD COLUMN c; ALTER TABLE t RENAME TO u;
                 CREATE TEMP TABLE scratch (a); INSERT INTO scratch SELECT a FROM u;
                 DROP TABLE scratch; PRAGMA table_info(u); PRAGMA user_version;
                 PRAGMA defer_foreign_keys = ON",
            )
        })
        .await
        .unwrap();
    let rows =
        Connection::open(path).unwrap().query_row("SELECT count(*) FROM u", [], |r| r.get(0));
    assert_eq!(rows, Ok(8));
}

#[tokio::test]
async fn a_statement_that_rolls_back_by_itself_ends_all_of_it() {
    let (_folder, path, store) = log().await;
    let outcome = store
        .write(|tx| -> Done<()> {
            pay(tx, "a")?;
            tx.append(vec![sold("a")], NONE)?;
            let again = "INSERT OR ROLLBACK INTO paid VALUES ('a', 0)";
            tx.connection().execute_batch(again).unwrap_err();
            // It would be committed by itself.
            pay(tx, "b").unwrap_err();
            let begin = tx.connection().execute_batch("BEGIN; INSERT INTO paid VALUES ('c', 0)");
            begin.unwrap_err();
            let append = tx.append(vec![sold("b")], NONE).unwrap_err();
            assert!(matches!(append, AppendError::Store(_)), "{append:?}");
            Ok(())
        })
        .await;
    assert!(matches!(store_error(&outcome), Error::TransactionLost { .. }), "{outcome:?}");
    assert_eq!((events(&store).await, paid(&path)), (vec![], 0));
    store.append(vec![sold("a")], NONE).await.unwrap();
}

#[tokio::test]
async fn foreign_keys_hold_at_once_or_at_the_commit() {
    let (_folder, _, store) = log().await;
    let tables = "CREATE TABLE now (show TEXT REFERENCES paid);
                  CREATE TABLE later (show TEXT REFERENCES paid DEFERRABLE INITIALLY DEFERRED)";
    sql(&store, tables).await.unwrap();
    let at_once = sql(&store, "INSERT INTO now VALUES ('a')").await;
    assert!(matches!(at_once, Err(WriteError::Caller(_))), "{at_once:?}");
    let at_the_commit = store
        .write(|tx| -> Done<()> {
            tx.append(vec![sold("a")], NONE)?;
            tx.connection().execute_batch("INSERT INTO later VALUES ('a')")?;
            Ok(())
        })
        .await;
    let Err(WriteError::Store(error)) = &at_the_commit else { panic!("{at_the_commit:?}") };
    assert_eq!(error.kind(), StoreErrorKind::Other);
    assert_eq!(events(&store).await, []);
    // Both errors as one, of a type of the caller's.
    assert!(at_the_commit.unwrap_err().into_caller().to_string().contains("FOREIGN KEY"));
    let whole = "INSERT INTO later VALUES ('a'); INSERT INTO paid VALUES ('a', 0)";
    sql(&store, whole).await.unwrap();
}

/// The writer runs without triggers where only the log has some.
#[tokio::test]
async fn triggers_of_the_application_run() {
    let (_folder, path, store) = log().await;
    store.append(vec![sold("a")], NONE).await.unwrap();
    let connection = Connection::open(&path).unwrap();
    let trigger = "CREATE TABLE audit (show TEXT);
                   CREATE TRIGGER pay AFTER INSERT ON paid
                   BEGIN INSERT INTO audit VALUES (NEW.show); END;
                   CREATE TRIGGER forge AFTER DELETE ON paid
                   BEGIN INSERT INTO term (kind, name) VALUES (0, 'forged:1'); END";
    connection.execute_batch(trigger).unwrap();
    store.write(|tx| pay(tx, "a")).await.unwrap();
    let audited = connection.query_row("SELECT show FROM audit", [], |row| row.get(0));
    assert_eq!(audited, Ok("a".to_owned()));
    let forged = sql(&store, "DELETE FROM paid").await;
    assert!(matches!(forged, Err(WriteError::Caller(_))), "{forged:?}");
}

#[tokio::test]
async fn a_log_that_is_read_only_or_closed_says_so() {
    let (_folder, path, store) = log().await;
    let reader = Config::new(&path).read_only(true).open().await.unwrap();
    let outcome = reader.write(|tx| pay(tx, "a")).await;
    assert!(matches!(store_error(&outcome), Error::OpenedReadOnly { .. }), "{outcome:?}");
    store.close().await.unwrap();
    let outcome = store.write(|tx| pay(tx, "a")).await;
    assert!(matches!(store_error(&outcome), Error::Closed), "{outcome:?}");
}

#[tokio::test]
async fn a_lock_of_another_process_is_told_to_all_that_wait() {
    let (_folder, path, _) = log().await;
    let store = Config::new(&path).busy_timeout(Duration::from_millis(100)).open().await.unwrap();
    let blocker = Connection::open(&path).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (first, append, second) = tokio::join!(
        store.write(|tx| pay(tx, "a")),
        store.append(vec![sold("a")], NONE),
        store.write(|tx| pay(tx, "b")),
    );
    for outcome in [first, second] {
        assert!(matches!(store_error(&outcome), Error::Locked { .. }), "{outcome:?}");
    }
    assert!(
        matches!(append, Err(AppendError::Store(error)) if error.kind() == StoreErrorKind::Busy)
    );
    blocker.execute_batch("ROLLBACK").unwrap();
    store.write(|tx| pay(tx, "a")).await.unwrap();
}

/// A closure that holds the writer until the sender is dropped.
async fn hold(store: &SqliteStore) -> mpsc::Sender<()> {
    let (go, wait) = mpsc::channel::<()>();
    let (started, running) = tokio::sync::oneshot::channel();
    let store = store.clone();
    tokio::spawn(async move {
        let write = store.write(move |_| -> Result<(), ()> {
            started.send(()).unwrap();
            wait.recv().unwrap_err();
            Ok(())
        });
        write.await.unwrap();
    });
    running.await.unwrap();
    go
}

#[tokio::test]
async fn a_dropped_call_is_not_run_or_goes_on() {
    let (_folder, path, store) = log().await;
    let held = hold(&store).await;
    let mut waiting = Box::pin(store.write(|tx| pay(tx, "waiting")));
    assert!((&mut waiting).now_or_never().is_none());
    drop(waiting);
    drop(held);
    let (started, running) = tokio::sync::oneshot::channel();
    let (go, wait) = mpsc::channel::<()>();
    let mut run = Box::pin(store.write(move |tx| {
        started.send(()).unwrap();
        wait.recv().unwrap_err();
        pay(tx, "running")
    }));
    assert!((&mut run).now_or_never().is_none());
    running.await.unwrap();
    drop(run);
    drop(go);
    store.write(|tx| pay(tx, "after")).await.unwrap();
    let names = "SELECT group_concat(show) FROM (SELECT show FROM paid ORDER BY rowid)";
    let paid = Connection::open(path).unwrap().query_row(names, [], |row| row.get(0));
    assert_eq!(paid, Ok("running,after".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_wake_after_the_commit_and_not_after_a_rollback() {
    let (_folder, _, store) = log().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let follower = {
        let (store, seen) = (store.clone(), Arc::clone(&seen));
        tokio::spawn(async move {
            store.wait_past(None).await.unwrap();
            seen.lock().unwrap().push("follower");
            store.head().await.unwrap()
        })
    };
    for commits in [false, true] {
        let seen = Arc::clone(&seen);
        let outcome = store.write(move |tx| {
            let records = tx.append(vec![sold("a")], NONE).unwrap();
            // Long enough for a follower that looks into the file.
            std::thread::sleep(Duration::from_millis(100));
            seen.lock().unwrap().push("writer");
            if commits { Ok(records) } else { Err(()) }
        });
        assert_eq!(outcome.await.is_ok(), commits);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(follower.await.unwrap().unwrap().get(), 1);
    assert_eq!(*seen.lock().unwrap(), ["writer", "writer", "follower"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn closures_and_appends_at_once_keep_their_own_verdicts() {
    let (_folder, path, store) = log().await;
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let show = n.to_string();
                if n % 4 == 0 {
                    let write = store.write(move |tx| -> Done<()> {
                        pay(tx, &show)?;
                        tx.append(vec![sold(&show)], unless_sold(&show))?;
                        if n % 8 == 0 { Err("no".into()) } else { Ok(()) }
                    });
                    write.await.is_ok()
                } else {
                    store.append(vec![sold(&show)], unless_sold("1")).await.is_ok()
                }
            })
        })
        .collect();
    let mut accepted = 0;
    for task in tasks {
        accepted += usize::from(task.await.unwrap());
    }
    assert_eq!(paid(&path), 25);
    assert_eq!(events(&store).await.len(), accepted);
}
