//! A process that is killed while its write-ahead log is copied into the file loses nothing that it acknowledged.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    collections::{BTreeMap, HashMap},
    io::{BufRead, BufReader, Write},
};

use factos::{AppendCondition, EventStore, EventStoreExt, NewEvent, Query};
use factos_sqlite::SqliteStore;
use support::{is_whole, sold, task};

const TASKS: usize = 16;

/// A batch of two: which one of its task it is.
fn batch(round: &str, task: usize, number: usize) -> Vec<NewEvent> {
    let text = format!("{round} {task} {number}");
    ["first", "second"].map(|part| sold(&format!("{text} {part}"))).into()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child process of what_was_acknowledged_survives_a_kill_during_a_checkpoint"]
async fn child_that_appends_until_it_is_killed() {
    let (path, round) = task();
    let store = SqliteStore::open(path).await.unwrap();
    let tasks = (0..TASKS).map(|task| {
        let (store, round) = (store.clone(), round.clone());
        tokio::spawn(async move {
            for number in 0.. {
                let batch = batch(&round, task, number);
                store.append(batch, AppendCondition::None).await.unwrap();
                let mut out = std::io::stdout().lock();
                writeln!(out, "acknowledged={task} {number}").unwrap();
                out.flush().unwrap();
            }
        })
    });
    futures_util::future::join_all(tasks.collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_during_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let mut before = 0;
    for round in 0..6 {
        let name = "child_that_appends_until_it_is_killed";
        let mut child = support::child(name, &path, &round.to_string()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        // The log is copied at some thousand frames, which are some hundred batches.
        let most = fastrand::usize(1000..6000);
        let mut told = BTreeMap::<usize, usize>::new();
        let mut acknowledged = |line: &str| {
            let Some((_, text)) = line.split_once("acknowledged=") else { return };
            // The last line may be cut, and its number then is an earlier one.
            let Some((task, number)) = text.split_once(' ') else { return };
            let (Ok(task), Ok(number)) = (task.parse(), number.parse()) else { return };
            told.insert(task, number);
        };
        for line in output.by_ref().take(most) {
            acknowledged(&line.unwrap());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        output.map_while(Result::ok).for_each(|line| acknowledged(&line));

        let store = SqliteStore::open(&path).await.unwrap();
        let log = store.read_all(&Query::all()).await.unwrap();
        assert!(log.iter().zip(1..).all(|(record, at)| record.position.get() == at));
        let new = &log[before..];
        let places: HashMap<_, _> =
            new.iter().map(|event| event.tags.as_lines()).zip(0..).collect();
        for (task, last) in told {
            for number in 0..=last {
                let [first, second] =
                    ["first", "second"].map(|part| format!("show:{round} {task} {number} {part}"));
                let place: Option<usize> = places.get(&*first).copied();
                assert!(place.is_some(), "{first} is lost");
                assert_eq!(places.get(&*second).copied(), place.map(|at| at + 1), "it is torn");
            }
        }
        before = log.len();
        store.close().await.unwrap();
        assert!(is_whole(&path));
    }
}
