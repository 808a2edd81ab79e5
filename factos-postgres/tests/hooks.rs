//! Hooks: what they write is committed with the events of their append, or neither is.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

#[path = "hooks/commands.rs"]
mod commands;
#[path = "hooks/endings.rs"]
mod endings;
#[path = "hooks/groups.rs"]
mod groups;
#[path = "hooks/kills.rs"]
mod kills;
#[path = "hooks/log.rs"]
mod log;
#[path = "hooks/pipelines.rs"]
mod pipelines;
#[path = "hooks/transactions.rs"]
mod transactions;
#[path = "hooks/waits.rs"]
mod waits;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use factos::{EventStore, EventStoreExt, Query};
use factos_postgres::{Mode, sqlx::Row};

use crate::{
    log::{Log, NONE, Verdict, hook_error},
    support::{of_show, sold, unless_sold},
};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_error_of_a_hook_undoes_its_append_alone() {
    for mode in [Mode::Keyed, Mode::Portable] {
        let log = Log::new(mode).await;
        let hooked = log.copying();
        let tasks: Vec<_> = (0..200)
            .map(|n| {
                let hooked = hooked.clone();
                let show = if n % 4 == 0 { "bad".to_owned() } else { n.to_string() };
                tokio::spawn(async move {
                    let batch = vec![sold("any"), sold(&show)];
                    let outcome = hooked.append(batch, unless_sold(&show)).await;
                    if n % 4 == 0 {
                        assert_eq!(hook_error(outcome), "bad");
                    } else {
                        outcome.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(log.equal().await, 300);
        assert_eq!(log.store.read_all(&Query::all()).await.unwrap().len(), 300);
    }
}

/// The positions of each append that was accepted; none of one whose hook failed so.
fn positions(outcomes: Vec<Verdict>, message: &str) -> Vec<Vec<u64>> {
    let positions = |outcome: Verdict| match outcome {
        Ok(records) => records.iter().map(|record| record.position.get()).collect(),
        error => {
            assert_eq!(hook_error(error), message);
            Vec::new()
        }
    };
    outcomes.into_iter().map(positions).collect()
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn neighbours_in_the_group_keep_their_verdicts() {
    let log = Log::new(Mode::Keyed).await;
    let appends: [&[&str]; 5] = [&["1", "bad"], &["1", "2"], &["bad"], &["3"], &["4", "3"]];
    let outcomes = log.in_one_group(&log.copying(), &appends).await;
    let positions = positions(outcomes, "bad");
    let lengths: Vec<_> = positions.iter().map(Vec::len).collect();
    assert_eq!(lengths, [0, 2, 0, 1, 2]);
    assert_eq!(log.equal().await, 2 + 5);
    for (show, events) in [("1", 1), ("2", 1), ("3", 2), ("4", 1), ("bad", 0)] {
        assert_eq!(log.store.read_all(&of_show(show)).await.unwrap().len(), events, "{show}");
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn appends_of_a_handle_share_a_commit_in_the_order_of_their_positions() {
    for mode in [Mode::Keyed, Mode::Portable] {
        let log = Log::new(mode).await;
        let (appends, hooked): ([&[&str]; 5], _) =
            ([&["1"], &["2"], &["3", "3"], &["4"], &["5"]], log.copying());
        // Where the hooks before them took long on a busy machine, fewer share a commit.
        let mut is_shared = false;
        for _ in 0..500 {
            let given = positions(log.in_one_group(&hooked, &appends).await, "").concat();
            assert_eq!(given.len(), 6);
            let (first, last) = (given.iter().min().unwrap(), given.iter().max().unwrap());
            let transactions = format!(
                "SELECT count(DISTINCT transaction) FROM log.seen WHERE position BETWEEN {first} AND {last}"
            );
            is_shared = log.number(&transactions).await == 1;
            if is_shared {
                assert!(given.is_sorted(), "{given:?}");
                break;
            }
        }
        assert!(is_shared);
        log.equal().await;
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_panic_of_a_hook_is_the_error_of_its_append() {
    let log = Log::new(Mode::Keyed).await;
    let table = log.table();
    let hooked = log.store.with_hook(move |connection, records| {
        let copied = table.copy(connection, records);
        Box::pin(async move { copied.await.map_err(|error| panic!("a panic: {error}")) })
    });
    let outcomes = log.in_one_group(&hooked, &[&["1"], &["bad"], &["2"]]).await;
    let positions = positions(outcomes, "the hook panicked: a panic: bad");
    assert_eq!(positions.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0, 1]);
    // Before it has made a future as well.
    let hooked = log.store.with_hook(|_, _| panic!("at once"));
    let message = hook_error(hooked.append(vec![sold("1")], NONE).await);
    assert_eq!(message, "the hook panicked: at once");
    assert_eq!(log.equal().await, 4);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_refused_append_runs_no_hook_and_two_hooks_run_in_order() {
    let log = Log::new(Mode::Keyed).await;
    let ran = Arc::new(AtomicUsize::new(0));
    let (counted, there) = (Arc::clone(&ran), log.table());
    let hooked = log.copying().with_hook(move |connection, records| {
        counted.fetch_add(1, Ordering::Relaxed);
        let sql = there.sql("SELECT count(*) FROM log.seen WHERE position = $1");
        Box::pin(async move {
            let sql = factos_postgres::sqlx::AssertSqlSafe(sql);
            let position = i64::try_from(records[0].position.get())?;
            let row =
                factos_postgres::sqlx::query(sql).bind(position).fetch_one(connection).await?;
            let is_there = row.get::<i64, _>(0) == 1;
            if is_there { Ok(()) } else { Err("the first hook did not run first".into()) }
        })
    });
    hooked.append(vec![sold("1")], unless_sold("1")).await.unwrap();
    let refused = hooked.append(vec![sold("1")], unless_sold("1")).await.unwrap_err();
    assert!(refused.is_conflict());
    hook_error(hooked.append(vec![sold("bad")], NONE).await);
    assert_eq!((ran.load(Ordering::Relaxed), log.equal().await), (1, 1));
}
