//! Several processes on one file.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{BufRead, BufReader},
    time::{Duration, SystemTime},
};

use factos::{
    AppendCondition, AppendError, EventStore, EventStoreExt, Query, ReadOptions, SequencePosition,
};
use factos_sqlite::SqliteStore;
use support::{child, lines, of_show, sold, task, unless_sold};

const SEATS: usize = 200;

/// Sells until the show is sold out, and tries again after a conflict. Returns how many seats it sold.
async fn sell_out(store: &SqliteStore) -> usize {
    let mut own = 0;
    loop {
        let mut events = store.read(&of_show("1"), ReadOptions::all()).await.unwrap();
        let observed = events.observed();
        let mut sold_so_far = 0;
        while let Some(event) = events.next().await {
            event.unwrap();
            sold_so_far += 1;
        }
        if sold_so_far == SEATS {
            return own;
        }
        match store.append(vec![sold("1")], unless_sold("1").after(observed)).await {
            Ok(_) => own += 1,
            Err(AppendError::Conflict(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
#[ignore = "a child process of three_processes_sell_exactly_the_seats_there_are"]
async fn seller() {
    let store = SqliteStore::open(task().0).await.unwrap();
    println!("sold={}", sell_out(&store).await);
}

#[tokio::test]
async fn three_processes_sell_exactly_the_seats_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let children: Vec<_> = (0..3).map(|_| child("seller", &path, "").spawn().unwrap()).collect();
    let mut by_child = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let output = String::from_utf8(output.stdout).unwrap();
        by_child.push(lines(&output, "sold=").next().unwrap().parse::<usize>().unwrap());
    }
    assert_eq!(by_child.iter().sum::<usize>(), SEATS, "{by_child:?}");
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.read_all(&of_show("1")).await.unwrap().len(), SEATS);
}

fn microseconds_now() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros()
}

/// Prints when it saw each position.
#[tokio::test]
#[ignore = "a child process of a_follower_in_another_process_sees_appends_within_50_ms"]
async fn follower() {
    let (path, wanted) = task();
    let wanted: u64 = wanted.parse().unwrap();
    let store = SqliteStore::open(path).await.unwrap();
    let mut position = store.head().await.unwrap();
    println!("ready=");
    while position.map_or(0, SequencePosition::get) < wanted {
        store.wait_past(position).await.unwrap();
        let options = ReadOptions::all().after(position);
        for event in store.read(&Query::all(), options).await.unwrap().collect().await.unwrap() {
            println!("seen={} {}", event.position, microseconds_now());
            position = Some(event.position);
        }
    }
}

#[tokio::test]
async fn a_follower_in_another_process_sees_appends_within_50_ms() {
    const APPENDS: usize = 20;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let mut child = child("follower", &path, &APPENDS.to_string()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(output.by_ref().any(|line| line.unwrap().contains("ready=")));
    let mut appended = Vec::new();
    for _ in 0..APPENDS {
        tokio::time::sleep(Duration::from_millis(40)).await;
        store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
        appended.push(microseconds_now());
    }
    let output: Vec<_> = output.map(Result::unwrap).collect();
    assert!(child.wait().unwrap().success());
    let output = output.join("\n");
    let mut delays = Vec::new();
    for (i, line) in lines(&output, "seen=").enumerate() {
        let (position, time) = line.split_once(' ').unwrap();
        assert_eq!(position, (i + 1).to_string());
        delays.push(time.parse::<u128>().unwrap().saturating_sub(appended[i]));
    }
    assert_eq!(delays.len(), APPENDS);
    delays.sort_unstable();
    // The median, for a machine that is busy with other tests delays single appends.
    assert!(delays[APPENDS / 2] <= 50_000, "microseconds: {delays:?}");
}
