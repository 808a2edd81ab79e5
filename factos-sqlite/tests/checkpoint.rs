//! Checkpoints beside read models, in the file of the log and in others.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    path::Path,
    sync::{Arc, Barrier},
    time::Duration,
};

use factos::{
    Anchor, AppendCondition, CheckpointError, ErrorKind, EventId, EventStore, EventStoreExt, Query,
    SequencePosition,
};
use factos_sqlite::{
    CheckpointTable, SqliteStore, WriteError,
    rusqlite::{self, Connection, TransactionBehavior},
};
use support::sold;
use tempfile::TempDir;

async fn log(events: usize) -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("log.db")).await.unwrap();
    append(&store, events).await;
    (folder, store)
}

async fn append(store: &SqliteStore, events: usize) -> Vec<SequencePosition> {
    let events = (0..events).map(|_| sold("a")).collect();
    let records = store.append(events, AppendCondition::None).await.unwrap();
    records.iter().map(|record| record.position).collect()
}

fn connect(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(Duration::from_secs(60)).unwrap();
    connection
}

fn at(position: u64) -> Option<SequencePosition> {
    SequencePosition::new(position)
}

fn anchor(log: &str, position: u64) -> Anchor {
    Anchor::new(log, at(position).unwrap(), EventId::new())
}

#[test]
fn it_is_moved_from_where_it_was_expected_and_from_nowhere_else() {
    let connection = Connection::open_in_memory().unwrap();
    let table = CheckpointTable::new();
    table.migrate(&connection).unwrap();
    table.migrate(&connection).unwrap();
    let orders = table.checkpoint("orders");
    assert_eq!(orders.load(&connection).unwrap(), None);
    let moved = |expected, to: &Anchor| match orders.advance(&connection, expected, to).unwrap_err()
    {
        CheckpointError::Moved { name, expected: told, found } => {
            assert_eq!((name.as_str(), told), (r#""orders", version 1, partition 0"#, expected));
            found
        }
        error => panic!("{error:?}"),
    };
    let (first, second) = (anchor("log", 3), anchor("log", 7));
    assert_eq!(moved(at(1), &first), None);
    orders.advance(&connection, None, &first).unwrap();
    assert_eq!(orders.load(&connection).unwrap(), Some(first));
    assert_eq!(moved(None, &second), at(3));
    assert_eq!(moved(at(2), &second), at(3));
    orders.advance(&connection, at(3), &second).unwrap();
    // The last batch of a subscription may be at the same position.
    orders.advance(&connection, at(7), &second).unwrap();
    assert_eq!(orders.load(&connection).unwrap(), Some(second));

    let error = orders.advance(&connection, at(7), &anchor("log", 6)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument, "{error}");
    for expected in [None, at(7)] {
        let error = orders.advance(&connection, expected, &anchor("another log", 8)).unwrap_err();
        let is_told = matches!(&error, CheckpointError::OtherLog { kept, found }
            if kept == "log" && found == "another log");
        assert!(is_told, "{error:?}");
    }
    for other in
        [table.checkpoint("Orders"), orders.clone().version(2), orders.clone().partition(1)]
    {
        assert_eq!(other.load(&connection).unwrap(), None, "one of its own");
        other.advance(&connection, None, &anchor("log", 1)).unwrap();
    }
    orders.remove(&connection).unwrap();
    assert_eq!(orders.load(&connection).unwrap(), None);
    assert_eq!(table.checkpoint("Orders").load(&connection).unwrap().unwrap().position().get(), 1);
}

#[test]
fn every_position_comes_back() {
    let connection = Connection::open_in_memory().unwrap();
    CheckpointTable::new().migrate(&connection).unwrap();
    for (n, position) in [1, i64::MAX.cast_unsigned(), 1 << 63, u64::MAX].into_iter().enumerate() {
        let checkpoint = CheckpointTable::new().checkpoint(n.to_string());
        let kept = anchor("log", position);
        checkpoint.advance(&connection, None, &kept).unwrap();
        assert_eq!(checkpoint.load(&connection).unwrap(), Some(kept.clone()));
        checkpoint.advance(&connection, at(position), &kept).unwrap();
    }
}

#[test]
fn an_attached_file_keeps_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let connection = connect(&folder.path().join("one.db"));
    let other = folder.path().join("two.db");
    connection.execute("ATTACH ?1 AS \"the \"\"other\"\"\"", [other.to_str().unwrap()]).unwrap();
    let table = CheckpointTable::in_database("the \"other\"");
    table.migrate(&connection).unwrap();
    let kept = anchor("log", 5);
    table.checkpoint("orders").advance(&connection, None, &kept).unwrap();
    let there = CheckpointTable::new().checkpoint("orders").load(&connect(&other)).unwrap();
    assert_eq!(there, Some(kept));
    assert!(CheckpointTable::new().checkpoint("orders").load(&connection).is_err(), "no tables");
}

#[test]
fn what_cannot_be_used_is_told() {
    let connection = Connection::open_in_memory().unwrap();
    let table = CheckpointTable::new();
    let orders = table.checkpoint("orders");
    let error = orders.load(&connection).unwrap_err();
    assert!(matches!(error, CheckpointError::Database(_)), "{error:?}");
    table.migrate(&connection).unwrap();
    orders.advance(&connection, None, &anchor("log", 5)).unwrap();
    for damage in ["event_id = x'01'", "position = 0"] {
        let sql = format!("UPDATE factos_checkpoint SET {damage}");
        connection.execute(&sql, []).unwrap();
        let error = orders.load(&connection).unwrap_err();
        assert!(matches!(error, CheckpointError::Damaged { .. }), "{damage}: {error:?}");
    }
    connection.execute("UPDATE factos_checkpoint_format SET format = 2", []).unwrap();
    let error = orders.load(&connection).unwrap_err();
    assert!(matches!(error, CheckpointError::Format { found: 2, known: 1 }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Mismatch);
}

/// Applies the log to a table of its own, each batch together with the checkpoint, until this position.
async fn project(
    path: &Path,
    store: &SqliteStore,
    until: Option<SequencePosition>,
    all_are_there: &Barrier,
) -> (usize, usize) {
    let mut models = connect(path);
    let checkpoint = CheckpointTable::new().checkpoint("orders");
    let (mut applied, mut refused) = (0, 0);
    loop {
        let mut from = store.resume(checkpoint.load(&models).unwrap()).await.unwrap();
        let mut events = store.subscribe(Query::all(), from).page(3);
        loop {
            if from >= until {
                return (applied, refused);
            }
            let batch = events.next().await.unwrap();
            let to = batch.anchor(store).await.unwrap().unwrap();
            if (applied, refused) == (0, 0) {
                // All have the first batch.
                all_are_there.wait();
            }
            let transaction =
                models.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
            for record in &batch.records {
                let sql = "INSERT INTO seen VALUES (?1)";
                transaction.execute(sql, [record.position.get().cast_signed()]).unwrap();
            }
            match checkpoint.advance(&transaction, from, &to) {
                Ok(()) => transaction.commit().unwrap(),
                Err(CheckpointError::Moved { .. }) => {
                    refused += 1;
                    break;
                }
                Err(error) => panic!("{error:?}"),
            }
            applied += 1;
            from = batch.through;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_workers_of_one_name_never_both_advance() {
    let (folder, store) = log(300).await;
    let path = folder.path().join("models.db");
    let models = connect(&path);
    CheckpointTable::new().migrate(&models).unwrap();
    models.pragma_update(None, "journal_mode", "WAL").unwrap();
    models.execute("CREATE TABLE seen (position INTEGER)", []).unwrap();
    let until = store.head().await.unwrap();
    let all_are_there = Arc::new(Barrier::new(4));
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let (path, store) = (path.clone(), store.clone());
            let all_are_there = Arc::clone(&all_are_there);
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(project(&path, &store, until, &all_are_there))
            })
        })
        .collect();
    let (mut applied, mut refused) = (0, 0);
    for worker in workers {
        let (a, r) = worker.join().unwrap();
        applied += a;
        refused += r;
    }
    assert!(refused >= 3, "{refused} workers were refused");
    assert_eq!(applied, 100, "batches");
    let seen: Vec<i64> = models
        .prepare("SELECT position FROM seen")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(seen, (1..=300).collect::<Vec<_>>(), "each event once and in order");
}

#[tokio::test]
async fn in_the_logs_own_file_it_is_part_of_the_write() {
    let (_folder, store) = log(2).await;
    let table = CheckpointTable::new();
    let (at_head, again) = (table.clone(), table.clone());
    let kept = store.anchor(at(2).unwrap()).await.unwrap().unwrap();
    let to = kept.clone();
    store
        .write(move |tx| {
            at_head.migrate(tx.connection())?;
            at_head.checkpoint("orders").advance(tx.connection(), None, &to)
        })
        .await
        .unwrap();
    let to = kept.clone();
    let undone: Result<(), _> = store
        .write(move |tx| {
            again.checkpoint("orders").advance(tx.connection(), at(2), &to).unwrap();
            again.checkpoint("orders").remove(tx.connection()).unwrap();
            tx.append(vec![sold("b")], AppendCondition::None).unwrap();
            Err("changed its mind")
        })
        .await;
    assert!(matches!(undone, Err(WriteError::Caller("changed its mind"))));
    let loaded = store.write(move |tx| table.checkpoint("orders").load(tx.connection())).await;
    assert_eq!(loaded.unwrap(), Some(kept));
    assert_eq!(store.head().await.unwrap(), at(2));
}

#[tokio::test]
async fn a_log_that_was_restored_is_told_from_the_one_that_was_followed() {
    let (folder, store) = log(3).await;
    let backup = folder.path().join("backup.db");
    store.backup(&backup).await.unwrap();
    append(&store, 3).await;
    let models = Connection::open_in_memory().unwrap();
    CheckpointTable::new().migrate(&models).unwrap();
    let checkpoint = CheckpointTable::new().checkpoint("orders");
    let followed = store.anchor(at(5).unwrap()).await.unwrap().unwrap();
    checkpoint.advance(&models, None, &followed).unwrap();
    drop(store);

    let restored = SqliteStore::open(&backup).await.unwrap();
    assert_eq!(restored.log_id(), followed.log_id(), "a backup is the same log");
    let error = restored.resume(checkpoint.load(&models).unwrap()).await.unwrap_err();
    let is_told = matches!(error, CheckpointError::AboveHead { position, head }
        if Some(position) == at(5) && head == at(3));
    assert!(is_told, "{error:?}");
    append(&restored, 4).await;
    let error = restored.resume(checkpoint.load(&models).unwrap()).await.unwrap_err();
    assert!(matches!(error, CheckpointError::Rewritten { .. }), "{error:?}");
}

#[test]
fn a_transaction_that_read_before_another_wrote_is_told_as_busy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("models.db");
    let (mut one, two) = (connect(&path), connect(&path));
    one.pragma_update(None, "journal_mode", "WAL").unwrap();
    let table = CheckpointTable::new();
    table.migrate(&one).unwrap();
    let orders = table.checkpoint("orders");
    let transaction = one.transaction().unwrap();
    assert_eq!(orders.load(&transaction).unwrap(), None);
    orders.advance(&two, None, &anchor("log", 1)).unwrap();
    let error = orders.advance(&transaction, None, &anchor("log", 2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error:?}");
    match &error {
        CheckpointError::Database(error) => {
            assert!(error.downcast_ref::<rusqlite::Error>().is_some(), "{error:?}");
        }
        error => panic!("{error:?}"),
    }
}
