//! Hooks that run once for all appends that share a commit.

use std::sync::{Arc, Mutex};

use factos::{Bytes, EventStore, EventStoreExt, Query, Recorded};
use factos_postgres::{
    HookFuture, Mode, PostgresStore,
    sqlx::{self, AssertSqlSafe, Connection, PgConnection},
};

use crate::{
    log::{Log, NONE, Table, has, hook_error, run},
    positions,
    support::{sold, unless_sold, url},
};

/// The positions of the appends that each run was given.
type Runs = Arc<Mutex<Vec<Vec<Vec<u64>>>>>;

/// A handle that copies what a group appends, and refuses the show "bad".
fn copying(log: &Log, runs: &Runs) -> PostgresStore {
    let (table, runs) = (log.table(), Arc::clone(runs));
    log.store.with_group_hook(move |connection, appends| {
        let of = |records: &&[Recorded<Bytes>]| records.iter().map(|r| r.position.get()).collect();
        runs.lock().unwrap().push(appends.iter().map(of).collect());
        copy(&table, connection, appends)
    })
}

/// Copies one append after the other.
fn copy<'a>(
    table: &Table,
    connection: &'a mut PgConnection,
    appends: &'a [&'a [Recorded<Bytes>]],
) -> HookFuture<'a> {
    let table = table.clone();
    Box::pin(async move {
        for records in appends {
            table.copy(connection, records).await?;
        }
        Ok(())
    })
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_hook_of_the_group_runs_once_for_appends_that_share_a_commit() {
    for mode in [Mode::Keyed, Mode::Portable] {
        let (log, runs) = (Log::new(mode).await, Runs::default());
        let hooked = copying(&log, &runs);
        // Where the hooks before them took long on a busy machine, fewer share a commit.
        let mut is_shared = false;
        for _ in 0..500 {
            let appends: [&[&str]; 5] = [&["1"], &["2"], &["3", "3"], &["4"], &["5"]];
            let given = positions(log.in_one_group(&hooked, &appends).await, "");
            is_shared = runs.lock().unwrap().contains(&given);
            if is_shared {
                assert!(given.concat().is_sorted(), "{given:?}");
                break;
            }
        }
        assert!(is_shared, "{runs:?}");
        log.equal().await;
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_error_of_a_hook_of_the_group_is_told_to_the_append_that_it_came_from() {
    let log = Log::new(Mode::Keyed).await;
    let hooked = copying(&log, &Runs::default());
    let appends: [&[&str]; 5] = [&["1", "bad"], &["1", "2"], &["bad"], &["3"], &["4", "3"]];
    let positions = positions(log.in_one_group(&hooked, &appends).await, "bad");
    assert_eq!(positions.iter().map(Vec::len).collect::<Vec<_>>(), [0, 2, 0, 1, 2]);
    assert_eq!(log.equal().await, 2 + 5);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_panic_of_a_hook_of_the_group_is_the_error_of_its_append() {
    let log = Log::new(Mode::Keyed).await;
    let table = log.table();
    let hooked = log.store.with_group_hook(move |connection, appends| {
        assert!(!appends.iter().any(|records| has(records, "worse")), "at once");
        let copied = copy(&table, connection, appends);
        Box::pin(async move { copied.await.map_err(|error| panic!("a panic: {error}")) })
    });
    let outcomes = log.in_one_group(&hooked, &[&["1"], &["bad"], &["2"]]).await;
    let lengths = positions(outcomes, "the hook panicked: a panic: bad");
    assert_eq!(lengths.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0, 1]);
    let message = hook_error(hooked.append(vec![sold("worse")], NONE).await);
    assert_eq!(message, "the hook panicked: at once");
    assert_eq!(log.equal().await, 2 + 2);
}

/// Every append is accepted once, refused by its condition, or undone by its hook; the hook sees the first kind alone.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_hook_of_the_group_is_given_what_was_accepted() {
    for mode in [Mode::Keyed, Mode::Portable] {
        let (log, runs) = (Log::new(mode).await, Runs::default());
        let hooked = copying(&log, &runs);
        let tasks: Vec<_> = (0..200)
            .map(|n| {
                let hooked = hooked.clone();
                let show = if n % 10 == 0 { "bad".to_owned() } else { (n / 2).to_string() };
                tokio::spawn(
                    async move { hooked.append(vec![sold(&show)], unless_sold(&show)).await },
                )
            })
            .collect();
        let (mut accepted, mut refused, mut undone) = (0, 0, 0);
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => accepted += 1,
                Err(error) if error.is_conflict() => refused += 1,
                error => {
                    assert_eq!(hook_error(error), "bad");
                    undone += 1;
                }
            }
        }
        // Of each two of a show, one; where one of them is bad, the other.
        assert_eq!((accepted, refused, undone), (100, 80, 20));
        assert_eq!(log.equal().await, 100);
        let runs = runs.lock().unwrap();
        assert!(runs.iter().flatten().all(|records| !records.is_empty()), "{runs:?}");
    }
}

/// The hook's error is what was found instead.
fn is<'a>(right: i64, count: &Arc<str>, connection: &'a mut PgConnection) -> HookFuture<'a> {
    let count = sqlx::query_scalar(AssertSqlSafe(Arc::clone(count)));
    Box::pin(async move {
        let found: i64 = count.fetch_one(connection).await?;
        if found == right { Ok(()) } else { Err(found.to_string().into()) }
    })
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn hooks_of_both_kinds_run_in_order() {
    for is_each_first in [true, false] {
        let log = Log::new(Mode::Keyed).await;
        let (table, count) = (log.table(), log.sql("SELECT count(*) FROM log.seen").into());
        let before = i64::from(!is_each_first);
        let counted = |store: &PostgresStore| {
            store.with_hook(move |connection, _| is(before, &count, connection))
        };
        let copied = |store: &PostgresStore| {
            store.with_group_hook(move |connection, appends| copy(&table, connection, appends))
        };
        let hooked =
            if is_each_first { copied(&counted(&log.store)) } else { counted(&copied(&log.store)) };
        hooked.append(vec![sold("1")], NONE).await.unwrap();
        let message = hook_error(hooked.append(vec![sold("2")], NONE).await);
        assert_eq!(message, (before + 1).to_string());
        assert_eq!(log.equal().await, 1);
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_hook_of_the_group_runs_in_a_transaction_of_the_callers() {
    let (log, runs) = (Log::new(Mode::Keyed).await, Runs::default());
    let hooked = copying(&log, &runs);
    let mut connection = PgConnection::connect(&url()).await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    hooked.append_in(&mut transaction, vec![sold("1"), sold("2")], NONE).await.unwrap();
    let undone = hooked.append_in(&mut transaction, vec![sold("bad")], NONE).await;
    assert_eq!(hook_error(undone), "bad");
    transaction.commit().await.unwrap();
    assert_eq!(log.equal().await, 2);
    let lengths: Vec<_> = runs.lock().unwrap().iter().map(Vec::len).collect();
    assert_eq!(lengths, [1, 1]);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_hook_of_the_group_cannot_commit() {
    let log = Log::new(Mode::Keyed).await;
    let hooked = log.store.with_group_hook(|connection, _| {
        Box::pin(async move { Ok(run(connection, "COMMIT").await?) })
    });
    let outcomes = log.in_one_group(&log.copying(), &[&["1"]]).await;
    assert!(outcomes[0].is_ok());
    let message = hook_error(hooked.append(vec![sold("2")], NONE).await);
    assert!(message.contains("must not end the transaction"), "{message}");
    assert_eq!(log.store.read_all(&Query::all()).await.unwrap().len(), 3);
}
