//! Standby servers, and servers without a free connection.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

#[path = "support/cluster.rs"]
mod cluster;

use std::time::Duration;

use factos::{
    AppendCondition, AppendError, EventStore, EventStoreExt, Query, ReadOptions, StoreErrorKind,
};
use factos_postgres::{
    Config, Error, Mode, PostgresStore,
    sqlx::{self, Connection, PgConnection},
};

use crate::{
    cluster::{Cluster, MOST_CONNECTIONS},
    support::{cause, eventually, in_time, of_show, sold, unless_sold},
};

async fn open(cluster: &Cluster, mode: Mode, create: bool) -> PostgresStore {
    Config::new().mode(mode).create(create).connect(&cluster.url()).await.unwrap()
}

/// Takes every connection that the server has left.
async fn fill(cluster: &Cluster) -> Vec<PgConnection> {
    let mut others = Vec::new();
    while let Ok(other) = PgConnection::connect(&cluster.url()).await {
        others.push(other);
        assert!(others.len() <= MOST_CONNECTIONS, "the server takes any number of connections");
    }
    others
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_server_without_a_free_connection_is_told_and_used_again() {
    let cluster = Cluster::start_new();
    let store = open(&cluster, Mode::Keyed, true).await;
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    let others = fill(&cluster).await;
    let error = PostgresStore::connect(&cluster.url()).await.unwrap_err();
    assert!(matches!(cause(&error), Error::ServerFull(_)), "{error:?}");
    assert_eq!(error.kind(), StoreErrorKind::Busy);
    // The connections that the store keeps are enough for any number of clients.
    let appends: Vec<_> = (0..50)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                store.append(vec![sold(&n.to_string())], AppendCondition::None).await
            })
        })
        .collect();
    for append in appends {
        append.await.unwrap().unwrap();
    }
    assert_eq!(store.read_all(&of_show("1")).await.unwrap().len(), 2);
    drop(others);
    eventually("a new handle is opened", || async {
        PostgresStore::connect(&cluster.url()).await.is_ok()
    })
    .await;
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 51);
}

/// More appends wait than the store has connections, and the server gives no more.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn what_others_give_back_is_used_on_a_server_without_a_free_connection() {
    let cluster = Cluster::start_new();
    let store = open(&cluster, Mode::Keyed, true).await;
    let other = open(&cluster, Mode::Keyed, false).await;
    let mut holder = other.pool().begin().await.unwrap();
    for n in 0..8 {
        let show = n.to_string();
        let held = other.append_in(&mut holder, vec![sold(&show)], unless_sold(&show)).await;
        held.unwrap();
    }
    let _others = fill(&cluster).await;
    let appends = (0..8).map(|n| {
        let (store, batch) = (store.clone(), vec![sold(&n.to_string())]);
        tokio::spawn(async move { store.append(batch, AppendCondition::None).await })
    });
    let appends: Vec<_> = appends.collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(appends.iter().all(|append| !append.is_finished()));
    sqlx::query("COMMIT").execute(&mut *holder).await.unwrap();
    for append in appends {
        append.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_standby_is_read_and_followed_and_refuses_appends() {
    let primary = Cluster::start_new();
    let store = open(&primary, Mode::Portable, true).await;
    for n in 0..50 {
        store.append(vec![sold(&n.to_string()), sold("all")], AppendCondition::None).await.unwrap();
    }
    let standby = primary.replicate();
    let replica = open(&standby, Mode::Portable, false).await;
    eventually("the replica catches up", || async {
        replica.head().await.unwrap() == store.head().await.unwrap()
    })
    .await;
    assert_eq!(
        replica.read_all(&of_show("all")).await.unwrap(),
        store.read_all(&of_show("all")).await.unwrap()
    );

    let follower = tokio::spawn({
        let replica = replica.clone();
        async move {
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let options = ReadOptions::all().after(cursor);
                let events = replica.read(&Query::all(), options).await.unwrap();
                cursor = events.observed();
                seen.extend(events.collect().await.unwrap().iter().map(|r| r.position.get()));
                if seen.len() >= 500 {
                    break;
                }
                replica.wait_past(cursor).await.unwrap();
            }
            seen
        }
    });
    let writers: Vec<_> = (0..8)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    store.append(vec![sold(&n.to_string())], AppendCondition::None).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let seen = in_time("the follower", follower).await.unwrap();
    assert_eq!(seen, (1..=500).collect::<Vec<_>>());

    let refused = replica.append(vec![sold("1")], unless_sold("none")).await.unwrap_err();
    let AppendError::Store(error) = refused else { panic!("{refused:?}") };
    assert!(matches!(cause(&error), Error::ReadOnly(_)), "{error:?}");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "it may be promoted");
    assert_eq!(error.to_string(), "the server is read-only, appends go to the primary");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_keyed_log_is_refused_on_a_standby() {
    let primary = Cluster::start_new();
    drop(open(&primary, Mode::Keyed, true).await);
    let standby = primary.replicate();
    let error = Config::new().connect(&standby.url()).await.unwrap_err();
    assert!(matches!(cause(&error), Error::Standby { .. }), "{error:?}");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "it may be promoted");
}
