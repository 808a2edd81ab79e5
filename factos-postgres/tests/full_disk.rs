//! The disk of the server is full: what is told, and that nothing is lost, half written, or left unusable.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/cluster.rs"]
mod cluster;
#[path = "support/disk.rs"]
mod disk;
mod support;

use std::{path::Path, process::Command, sync::Arc};

use cluster::Cluster;
use disk::SmallDisk;
use factos::{
    AppendCondition, AppendError, EventId, EventStore, EventStoreExt, NewEvent, Query, StoreError,
    StoreErrorKind,
};
use factos_postgres::{
    Config, PostgresStore,
    sqlx::{AssertSqlSafe, Executor, PgPool, raw_sql},
};
use support::{cause, eventually, sold};

/// A server that sees a small disk at the path `small` beside its data.
fn with_small_disk(kilobytes: u32) -> (Cluster, Arc<SmallDisk>) {
    let mut made = None;
    let cluster = Cluster::reserve_elsewhere(|cluster| {
        let disk = Arc::new(SmallDisk::mount(Path::new(&cluster.path("small")), kilobytes));
        made = Some(Arc::clone(&disk));
        Box::new(move |program: &Command| disk.beside(program))
    });
    (cluster, made.unwrap())
}

async fn run(cluster: &Cluster, sql: &str) {
    let pool = PgPool::connect(&cluster.url()).await.unwrap();
    pool.execute(raw_sql(AssertSqlSafe(sql.to_owned()))).await.unwrap();
    pool.close().await;
}

async fn open(cluster: &Cluster) -> PostgresStore {
    Config::new().create(true).connect(&cluster.url()).await.unwrap()
}

/// Two events that the server cannot make smaller.
fn batch() -> Vec<NewEvent> {
    let noise = || (0..1024).flat_map(|_| EventId::new().to_bytes()).collect::<Vec<u8>>();
    (0..2).map(|_| NewEvent { payload: noise().into(), ..sold("1") }).collect()
}

/// Appends until one fails: what was accepted, and what was not.
async fn append_until_it_fails(store: &PostgresStore) -> (Vec<EventId>, Vec<NewEvent>, StoreError) {
    let mut accepted = Vec::new();
    for _ in 0..1000 {
        let batch = batch();
        match store.append(batch.clone(), AppendCondition::None).await {
            Ok(records) => accepted.extend(records.iter().map(|record| record.id)),
            Err(AppendError::Store(error)) => return (accepted, batch, error),
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("the disk does not become full");
}

async fn ids(store: &PostgresStore) -> Vec<EventId> {
    store.read_all(&Query::all()).await.unwrap().iter().map(|record| record.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server, and mounts a disk of its own: run by scripts/test"]
async fn an_append_on_a_full_disk_writes_nothing() {
    let (cluster, disk) = with_small_disk(4096);
    cluster.init(&[]);
    cluster.start();
    let tablespace = cluster.path("small");
    run(&cluster, &format!("CREATE TABLESPACE small LOCATION '{tablespace}'")).await;
    run(&cluster, "ALTER DATABASE postgres SET default_tablespace = small").await;
    let store = open(&cluster).await;
    let (accepted, refused, error) = append_until_it_fails(&store).await;
    assert!(!accepted.is_empty());
    assert_eq!(error.kind(), StoreErrorKind::Full, "{:?}", cause(&error));
    assert_eq!(ids(&store).await, accepted);
    // It stays so, whatever is appended.
    let neighbours = (0..8).map(|_| store.append(batch(), AppendCondition::None));
    for outcome in futures_util::future::join_all(neighbours).await {
        let Err(AppendError::Store(error)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(error.kind(), StoreErrorKind::Full, "{:?}", cause(&error));
    }
    assert_eq!(ids(&store).await, accepted);
    disk.resize(16 << 10);
    // The same events: none of them was written.
    let records = store.append(refused, AppendCondition::None).await.unwrap();
    let all = accepted.into_iter().chain(records.iter().map(|record| record.id));
    assert_eq!(ids(&store).await, all.collect::<Vec<_>>());
}

/// The server ends when it cannot write its write-ahead log.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server, and mounts a disk of its own: run by scripts/test"]
async fn a_server_that_ends_on_a_full_disk_has_lost_nothing() {
    let (cluster, disk) = with_small_disk(12 << 10);
    cluster.init(&["--waldir", &cluster.path("small/wal"), "--wal-segsize", "1"]);
    cluster.set("min_wal_size = 2MB\nmax_wal_size = 64MB\nwal_keep_size = 1GB\n");
    cluster.start();
    let store = open(&cluster).await;
    let (accepted, doubtful, error) = append_until_it_fails(&store).await;
    assert!(!accepted.is_empty());
    assert_eq!(error.kind(), StoreErrorKind::OutcomeUnknown, "{:?}", cause(&error));
    let refused = store.append(batch(), AppendCondition::None).await;
    let Err(AppendError::Store(error)) = refused else { panic!("{refused:?}") };
    assert_ne!(error.kind(), StoreErrorKind::Corrupt, "{:?}", cause(&error));
    disk.resize(64 << 10);
    cluster.end();
    cluster.start();
    let is_read = || async { store.read_all(&Query::all()).await.is_ok() };
    eventually("the log is read again", is_read).await;
    let found = ids(&store).await;
    assert_eq!(found[..accepted.len()], accepted);
    let sent: Vec<_> = doubtful.iter().map(|event| event.id).collect();
    let is_written = match store.append(doubtful, AppendCondition::None).await {
        Ok(_) => false,
        Err(AppendError::DuplicateEventId(id)) => id == sent[0],
        Err(other) => panic!("{other:?}"),
    };
    assert_eq!(found.contains(&sent[0]), is_written);
    let found = ids(&store).await;
    let doubtful: Vec<_> = found.into_iter().filter(|id| sent.contains(id)).collect();
    assert_eq!(doubtful, sent);
}
