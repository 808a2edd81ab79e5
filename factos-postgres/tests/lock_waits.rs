//! A call that waits for a lock does not make other calls on the same store wait.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use factos::{AppendCondition, EventStore, EventStoreExt, EventType, NewEvent};
use factos_postgres::{Mode, PostgresStore};
use futures_util::future::join_all;
use support::{STUCK, Schema, in_time, of_show, sold, unless_sold};
use tokio::{sync::RwLock, task::JoinHandle};

/// The lock table of the server, which one of these tests fills.
static LOCK_TABLE: RwLock<()> = RwLock::const_new(());

/// An event of a type that no held transaction writes.
fn other(show: &str) -> NewEvent {
    let mut event = sold(show);
    event.event_type = EventType::from_static("Other");
    event
}

fn spawn_sales(store: &PostgresStore, show: &str, sales: usize) -> Vec<JoinHandle<bool>> {
    let sell = || {
        let (store, show) = (store.clone(), show.to_owned());
        tokio::spawn(
            async move { store.append(vec![other(&show)], unless_sold(&show)).await.is_ok() },
        )
    };
    (0..sales).map(|_| sell()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn appends_do_not_wait_for_others_that_a_transaction_blocks() {
    let _table = LOCK_TABLE.read().await;
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open_with(schema.config().lock_timeout(4 * STUCK)).await;
    let mut transaction = store.pool().begin().await.unwrap();
    store.append_in(&mut transaction, vec![sold("held")], AppendCondition::None).await.unwrap();
    let held = spawn_sales(&store, "held", 12);
    for round in 0..5 {
        let shows: Vec<_> = (0..40).map(|n| format!("free {round} {n}")).collect();
        let free = shows.iter().flat_map(|show| spawn_sales(&store, show, 1));
        let sold = in_time("another append", join_all(free)).await;
        assert!(sold.into_iter().all(|sold| sold.unwrap()));
    }
    assert!(held.iter().all(|sale| !sale.is_finished()));
    transaction.rollback().await.unwrap();
    let sold = in_time("an append after the rollback", join_all(held)).await;
    assert_eq!(sold.into_iter().filter(|sold| *sold.as_ref().unwrap()).count(), 1);
    assert_eq!(store.read_all(&of_show("held")).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn reads_do_not_wait_for_others_that_a_transaction_blocks() {
    let _table = LOCK_TABLE.read().await;
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open_with(schema.config().lock_timeout(4 * STUCK)).await;
    let batch = (0..40).map(|n| other(&format!("free {n}"))).collect();
    store.append(batch, AppendCondition::None).await.unwrap();
    let mut transaction = store.pool().begin().await.unwrap();
    store.append_in(&mut transaction, vec![sold("held")], AppendCondition::None).await.unwrap();
    let read = |show: String| {
        let store = store.clone();
        tokio::spawn(async move { store.read_all(&of_show(&show)).await.unwrap().len() })
    };
    let held: Vec<_> = (0..6).map(|_| read("held".to_owned())).collect();
    for _ in 0..5 {
        let free = (0..40).map(|n| read(format!("free {n}")));
        let found = in_time("another read", join_all(free)).await;
        assert!(found.into_iter().all(|found| found.unwrap() == 1));
    }
    assert!(held.iter().all(|read| !read.is_finished()));
    transaction.commit().await.unwrap();
    let found = in_time("a read after the commit", join_all(held)).await;
    assert!(found.into_iter().all(|found| found.unwrap() == 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn more_names_than_the_server_has_locks_for_take_the_whole_log() {
    let _table = LOCK_TABLE.write().await;
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open_with(schema.config().batch_names(usize::MAX)).await;
    let events: Vec<_> = (0..40_000).map(|n| sold(&n.to_string())).collect();
    let records = store.append(events, AppendCondition::None).await.unwrap();
    assert_eq!(records.len(), 40_000);
}
