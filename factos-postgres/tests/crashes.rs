//! The server is killed and started again, while clients are at work on one store.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

#[path = "crashes/client.rs"]
mod client;
#[path = "support/cluster.rs"]
mod cluster;
#[path = "crashes/ledger.rs"]
mod ledger;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use factos::{
    AppendCondition, EventStore, EventStoreExt, Query, ReadOptions, SequencePosition, StoreError,
};
use factos_postgres::{Config, Mode, PostgresStore, sqlx::Executor};
use futures_util::future::join_all;

use crate::{
    client::Client,
    cluster::Cluster,
    ledger::Ledger,
    support::{PATIENCE, assert_retryable, eventually, of_show, sold},
};

const CLIENTS: usize = 6;
const CRASHES: usize = 6;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_killed_server_loses_nothing_acknowledged() {
    a_killed_server_loses_nothing(Mode::Keyed).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_killed_server_loses_nothing_acknowledged_of_a_portable_log() {
    a_killed_server_loses_nothing(Mode::Portable).await;
}

async fn a_killed_server_loses_nothing(mode: Mode) {
    let cluster = Cluster::start_new();
    let store = open(&cluster, mode).await;
    let over = Arc::new(AtomicBool::new(false));
    let done: Arc<[AtomicUsize]> = (0..CLIENTS).map(|_| AtomicUsize::new(0)).collect();
    let quiet = Arc::new(AtomicBool::new(false));
    let follower = tokio::spawn(follow(store.clone(), Arc::clone(&quiet)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|n| {
            let (store, over, done) = (store.clone(), Arc::clone(&over), Arc::clone(&done));
            let client = Client { number: n, store };
            tokio::spawn(async move { client.work(&over, &done[n]).await })
        })
        .collect();
    for crash in 0..CRASHES {
        tokio::time::sleep(Duration::from_millis(fastrand::u64(150..500))).await;
        cluster.crash();
        cluster.start();
        let before: Vec<_> = done.iter().map(|n| n.load(Ordering::SeqCst)).collect();
        eventually(&format!("every client appends after crash {crash}"), || async {
            done.iter().zip(&before).all(|(now, before)| now.load(Ordering::SeqCst) > *before)
        })
        .await;
    }
    over.store(true, Ordering::SeqCst);
    let mut ledger = Ledger::default();
    for client in clients {
        ledger.merge(client.await.unwrap());
    }
    quiet.store(true, Ordering::SeqCst);
    let log = store.read_all(&Query::all()).await.unwrap();
    println!("{mode}: {} events, {ledger}", log.len());
    assert!(ledger.failures() >= CRASHES, "the crashes went by unnoticed: {ledger}");
    ledger.verify(&log);
    let followed = follower.await.unwrap();
    let missed = log.iter().map(|r| r.position).filter(|p| !followed.contains(p));
    assert_eq!(missed.collect::<Vec<_>>(), [], "a follower missed them");
    assert_eq!(followed.len(), log.len(), "a follower saw some twice");
    ledger.settle(&store).await;
}

/// The positions that a follower of every event reads. Its last read begins after all clients are done.
async fn follow(store: PostgresStore, quiet: Arc<AtomicBool>) -> Vec<SequencePosition> {
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let last = quiet.load(Ordering::SeqCst);
        match next_page(&store, cursor).await {
            Ok((observed, page)) => {
                assert!(observed >= cursor, "observed {observed:?} after {cursor:?}");
                seen.extend(page);
                cursor = observed;
                if last {
                    return seen;
                }
                let wait = store.wait_past(cursor);
                let waited = tokio::time::timeout(Duration::from_millis(100), wait).await;
                if let Ok(Err(error)) = waited {
                    assert_retryable(&error);
                }
            }
            Err(error) => {
                assert_retryable(&error);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

async fn next_page(
    store: &PostgresStore,
    cursor: Option<SequencePosition>,
) -> Result<(Option<SequencePosition>, Vec<SequencePosition>), StoreError> {
    let events = store.read(&Query::all(), ReadOptions::all().after(cursor)).await?;
    let observed = events.observed();
    let page = events.collect().await?;
    Ok((observed, page.iter().map(|record| record.position).collect()))
}

async fn open(cluster: &Cluster, mode: Mode) -> PostgresStore {
    let config = Config::new().mode(mode).lock_timeout(PATIENCE).create(true);
    config.connect(&cluster.url()).await.unwrap()
}

/// A server that is killed forgets positions that it gave to transactions in flight, or that were
/// rolled back.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn nothing_appears_below_observed_after_a_crash() {
    let none = AppendCondition::None;
    for query in [of_show("b"), Query::all()] {
        let cluster = Cluster::start_new();
        let store = open(&cluster, Mode::Keyed).await;
        flush_only_commits(&store).await;
        let mut transaction = store.pool().begin().await.unwrap();
        store.append_in(&mut transaction, vec![sold("gap")], none.clone()).await.unwrap();
        transaction.rollback().await.unwrap();
        store.append(vec![sold("b")], none.clone()).await.unwrap();
        let mut transaction = store.pool().begin().await.unwrap();
        let in_flight = if query.items().is_some() {
            // More positions than the server logs ahead of a sequence.
            let batch = (0..100).map(|_| sold("a")).collect();
            store.append_in(&mut transaction, batch, none.clone()).await.unwrap();
            Some(transaction)
        } else {
            // As many positions, with too little else in the server's write-ahead log for it to be
            // flushed now.
            let take = "SELECT nextval('factos.position_seq') FROM generate_series(1, 100)";
            transaction.execute(take).await.unwrap();
            transaction.rollback().await.unwrap();
            None
        };
        // All at once, so that the store sends some of them together.
        let reads = (0..8).map(|_| store.read(&query, ReadOptions::all()));
        let reads = join_all(reads).await;
        let observed = reads.into_iter().map(|read| read.unwrap().observed()).max().unwrap();
        cluster.crash();
        cluster.start();
        drop(in_flight);
        let store = open(&cluster, Mode::Keyed).await;
        let appended = store.append(vec![sold("b")], none.clone()).await.unwrap();
        let position = appended[0].position;
        assert!(Some(position) > observed, "{query}: {position} after {observed:?} was observed");
    }
}

/// Keeps the server from writing the end of a rolled-back transaction within a fraction of a second.
async fn flush_only_commits(store: &PostgresStore) {
    for sql in ["ALTER SYSTEM SET wal_writer_delay = '10s'", "SELECT pg_reload_conf()"] {
        store.pool().execute(sql).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
}
