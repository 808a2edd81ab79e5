//! Hooks that wait, for others or for good.

use std::time::Duration;

use factos::{AppendError, EventStore, StoreErrorKind};
use factos_postgres::{
    Mode, PostgresStore,
    sqlx::{AssertSqlSafe, query},
};
use futures_util::future::join_all;

use crate::{
    log::{Log, NONE, has, hook_error, run},
    support::{eventually, in_time, sold},
};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn hooks_that_end_in_a_deadlock_are_tried_again() {
    let log = Log::new(Mode::Keyed).await;
    log.schema
        .run("CREATE TABLE log.counter (id int PRIMARY KEY, n bigint); INSERT INTO log.counter VALUES (0, 0), (1, 0)")
        .await;
    let counting = |first: i32| {
        let table = log.table();
        log.store.with_hook(move |connection, records| {
            let (copied, sql) =
                (table.clone(), table.sql("UPDATE log.counter SET n = n + 1 WHERE id = $1"));
            Box::pin(async move {
                for id in [first, 1 - first] {
                    query(AssertSqlSafe(sql.clone())).bind(id).execute(&mut *connection).await?;
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                copied.copy(connection, records).await
            })
        })
    };
    let handles = [counting(0), counting(1)];
    let appends = (0..12).map(|n| {
        let store = handles[n % 2].clone();
        tokio::spawn(async move { store.append(vec![sold(&n.to_string())], NONE).await.map(drop) })
    });
    for append in join_all(appends).await {
        append.unwrap().unwrap();
    }
    assert_eq!(
        (log.equal().await, log.number("SELECT sum(n)::bigint FROM log.counter").await),
        (12, 24)
    );
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_connection_that_a_hook_loses_leaves_nothing() {
    let log = Log::new(Mode::Keyed).await;
    let lost = "SELECT pg_terminate_backend(pg_backend_pid())";
    // Said, and not said.
    let hooked = log
        .store
        .with_hook(move |connection, _| Box::pin(async move { Ok(run(connection, lost).await?) }));
    hook_error(hooked.append(vec![sold("1")], NONE).await);
    let error = log.running(lost).append(vec![sold("bad")], NONE).await.unwrap_err();
    let AppendError::Store(error) = error else { panic!("{error:?}") };
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(log.equal().await, 0);
    log.copying().append(vec![sold("1")], NONE).await.unwrap();
    assert_eq!(log.equal().await, 1);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_append_whose_caller_is_gone_is_whole_or_not_there() {
    let log = Log::new(Mode::Keyed).await;
    let table = log.table();
    let hooked = log.store.with_hook(move |connection, records| {
        let table = table.clone();
        Box::pin(async move {
            table.copy(connection, records).await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok(())
        })
    });
    for _ in 0..20 {
        let append = hooked.append(vec![sold("1"), sold("2")], NONE);
        let patience = Duration::from_millis(fastrand::u64(..30));
        drop(tokio::time::timeout(patience, append).await);
        log.equal().await;
    }
    // Those that had begun are written all the same.
    hooked.append(vec![sold("1")], NONE).await.unwrap();
    let open = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND query LIKE '%seen%'";
    eventually("no transaction is left open", || async { log.number(open).await == 0 }).await;
    assert!(log.equal().await > 1);
}

/// A handle whose hook waits on the server where it appends the show "slow".
fn waiting(log: &Log, store: &PostgresStore, sql: &'static str) -> PostgresStore {
    let table = log.table();
    store.with_hook(move |connection, records| {
        let table = table.clone();
        Box::pin(async move {
            if has(records, "slow") {
                run(connection, sql).await?;
            }
            table.copy(connection, records).await
        })
    })
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_slow_hook_does_not_hold_its_neighbours_up() {
    let log = Log::new(Mode::Keyed).await;
    // The hook waits until this transaction ends.
    let mut holder = log.store.pool().begin().await.unwrap();
    run(&mut holder, "SELECT pg_advisory_xact_lock(71)").await.unwrap();
    let hooked = waiting(&log, &log.store, "SELECT pg_advisory_xact_lock(71)");
    let append = |show: &'static str| {
        let hooked = hooked.clone();
        tokio::spawn(async move { hooked.append(vec![sold(show)], NONE).await.map(drop) })
    };
    let first = append("1");
    let slow = append("slow");
    for fast in [first, append("2"), append("3")] {
        in_time("a neighbour", fast).await.unwrap().unwrap();
    }
    assert!(!slow.is_finished());
    holder.rollback().await.unwrap();
    slow.await.unwrap().unwrap();
    assert_eq!(log.equal().await, 4);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_hook_that_never_ends_is_ended_with_the_call() {
    let log = Log::new(Mode::Keyed).await;
    let config = log.schema.config();
    let config =
        config.lock_timeout(Duration::from_millis(300)).socket_timeout(Duration::from_millis(500));
    let store = log.schema.open_with(config).await;
    for hooked in [
        waiting(&log, &store, "SELECT pg_sleep(600)"),
        store.with_hook(|_, _| Box::pin(std::future::pending())),
    ] {
        let message = in_time("the hook", hooked.append(vec![sold("slow")], NONE)).await;
        hook_error(message);
        assert_eq!(log.equal().await, 0);
    }
    // Nor does it hold its boundary for longer.
    let free = in_time("the boundary", async {
        while log.copying().append(vec![sold("slow")], NONE).await.is_err() {}
    });
    free.await;
    assert_eq!(log.equal().await, 1);
}
