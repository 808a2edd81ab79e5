//! A portable log on a standby whose reads are cancelled, as what they see is taken away by the recovery: such a read
//! is made again, or ends with an error that says so, and never as if it were complete.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use factos::{
    AppendCondition, EventId, EventStore, EventStoreExt, EventType, NewEvent, Query, ReadOptions,
    SequencePosition, StoreError,
};
use factos_postgres::{
    Config, Mode, PostgresStore,
    sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, query_scalar},
};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    followers::{AfterError, Followed, Until},
    ledger::{Advice, Told},
    nodes::{cluster, node_url, pool_url, read_url},
    patience::{pause, until},
};

const EVENTS: usize = 3000;
const READERS: usize = 4;
/// How many reads the recovery is to cancel.
const CONFLICTS: i64 = 5;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: run by scripts/failovers"]
async fn a_read_that_the_recovery_cancels_never_ends_early() {
    cluster(&["wait"]).await;
    let config = Config::new().schema("log_replicas").unwrap().mode(Mode::Portable);
    let store = config.clone().create(true).connect(&pool_url()).await.unwrap();
    for _ in 0..EVENTS / 100 {
        store.append((0..100).map(|_| large()).collect(), AppendCondition::None).await.unwrap();
    }
    let standbys: Vec<_> =
        cluster(&["status", "replica"]).await.lines().map(str::to_owned).collect();
    for standby in &standbys {
        has_log(&config, standby).await;
        has_no_patience(standby).await;
    }
    let before = conflicts(&standbys).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let (end, ended) = watch::channel(Until::Told);
    let complete = Arc::new(AtomicUsize::new(0));
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let store = config.clone().connect(&read_url()).await.unwrap();
        readers.push(tokio::spawn(read(store, Arc::clone(&complete), Arc::clone(&is_over))));
    }
    let follower = config.clone().connect(&node_url(&standbys[0])).await.unwrap();
    let follower =
        tokio::spawn(Followed::default().follow(follower, AfterError::PolledAgain, ended, drop));
    let writer = tokio::spawn(write(store.clone(), Arc::clone(&is_over)));
    until("the recovery cancels reads, and others come to an end", async || {
        conflicts(&standbys).await >= before + CONFLICTS
            && complete.load(Ordering::SeqCst) >= 5 * READERS
    })
    .await;
    is_over.store(true, Ordering::SeqCst);
    writer.await.unwrap();
    let log = store.read_all(&Query::all()).await.unwrap();
    let places: Vec<_> = log.iter().map(|record| (record.position, record.id)).collect();
    end.send_replace(Until::Position(store.head().await.unwrap()));
    let followed = follower.await.unwrap();
    assert!(followed.seen == places, "the follower saw something else than the log");
    let mut told = followed.told;
    for reader in readers {
        told.merge(verify(reader, &places).await);
    }
    let cancelled = conflicts(&standbys).await - before;
    let complete = complete.load(Ordering::SeqCst);
    println!("{cancelled} statements cancelled, {complete} reads complete: {told}");
}

/// How a read ended: how far it said that it is complete, and how many events it gave, with a sum of what they were.
type Complete = (Option<SequencePosition>, usize, Option<(SequencePosition, EventId)>);

/// Reads everything, again and again.
async fn read(
    store: PostgresStore,
    complete: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
) -> (Vec<Complete>, Told) {
    let (mut reads, mut told) = (Vec::new(), Told::default());
    while !is_over.load(Ordering::SeqCst) {
        match read_all(&store).await {
            Ok(read) => {
                reads.push(read);
                complete.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => {
                assert_eq!(told.note(&error), Advice::Try, "{error:?}");
                pause(20).await;
            }
        }
    }
    (reads, told)
}

async fn read_all(store: &PostgresStore) -> Result<Complete, StoreError> {
    let events = store.read(&Query::all(), ReadOptions::all()).await?;
    let observed = events.observed();
    let page = events.collect().await?;
    assert!(page.is_sorted_by(|one, next| one.position < next.position));
    Ok((observed, page.len(), page.last().map(|last| (last.position, last.id))))
}

/// Asserts that each read gave exactly what is in the log up to where it said that it is complete.
async fn verify(
    reader: JoinHandle<(Vec<Complete>, Told)>,
    log: &[(SequencePosition, EventId)],
) -> Told {
    let (reads, told) = reader.await.unwrap();
    for (observed, count, last) in reads {
        let there = log.partition_point(|(position, _)| Some(*position) <= observed);
        assert_eq!(count, there, "complete up to {observed:?}");
        assert_eq!(last.as_ref(), log[..there].last(), "complete up to {observed:?}");
    }
    told
}

/// Appends, and has rows taken away that reads on a standby may still see.
async fn write(store: PostgresStore, is_over: Arc<AtomicBool>) {
    let mut connection = PgConnection::connect(&pool_url()).await.unwrap();
    connection.execute("CREATE TABLE IF NOT EXISTS noise (n int)").await.unwrap();
    while !is_over.load(Ordering::SeqCst) {
        store.append(vec![large()], AppendCondition::None).await.unwrap();
        // Each is a transaction, or there is no moment at which the rows are visible.
        let noise = [
            "INSERT INTO noise SELECT generate_series(1, 100)",
            "DELETE FROM noise",
            "VACUUM noise",
        ];
        for statement in noise {
            connection.execute(statement).await.unwrap();
        }
        pause(20).await;
    }
}

fn large() -> NewEvent {
    NewEvent::new(EventType::from_static("Noted"), vec![b'x'; 4000])
}

async fn has_log(config: &Config, standby: &str) {
    until("the standby has the log", async || {
        let Ok(store) = config.clone().connect(&node_url(standby)).await else { return false };
        store.head().await.is_ok_and(|head| head.is_some())
    })
    .await;
}

/// The recovery waits for no read.
async fn has_no_patience(standby: &str) {
    let mut connection = PgConnection::connect(&node_url(standby)).await.unwrap();
    for (setting, value) in [("max_standby_streaming_delay", "0"), ("hot_standby_feedback", "off")]
    {
        let sql = format!("ALTER SYSTEM SET {setting} = {value}");
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
    }
    connection.execute("SELECT pg_reload_conf()").await.unwrap();
}

/// How many statements the recovery of the standbys has cancelled.
async fn conflicts(standbys: &[String]) -> i64 {
    let mut all = 0;
    for standby in standbys {
        let mut connection = PgConnection::connect(&node_url(standby)).await.unwrap();
        let sql = "SELECT sum(conflicts)::int8 FROM pg_stat_database";
        let conflicts: Option<i64> =
            query_scalar(sql).fetch_one(&mut connection).await.unwrap_or_default();
        all += conflicts.unwrap_or_default();
    }
    all
}
