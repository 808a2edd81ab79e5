//! What a follower of a log in which nothing happens asks of the server, and that it is woken all the same.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::time::Duration;

use factos::{AppendCondition, EventStore, EventStoreExt, Query};
use factos_postgres::{
    Config, Mode, PostgresStore,
    sqlx::{self, PgPool, postgres::PgPoolOptions},
};
use support::{Schema, in_time, options_of_database, pool, sold, unique, url};

const SECONDS: u64 = 5;

/// How many transactions there were in a database, as far as the server has counted them.
async fn transactions(any: &PgPool, database: &str) -> i64 {
    let count = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1";
    sqlx::query_scalar(count).bind(database).fetch_one(any).await.unwrap()
}

async fn open(database: &str, mode: Mode, connections: u32) -> PostgresStore {
    let options = PgPoolOptions::new().max_connections(connections);
    let pool = options.connect_with(options_of_database(database)).await.unwrap();
    Config::new().mode(mode).create(true).open(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_follower_of_a_quiet_log_sends_two_statements_a_second_at_most() {
    let any = pool(1).await;
    for mode in [Mode::Keyed, Mode::Portable] {
        let (outside, name) = (Schema::named(mode), unique("idle"));
        outside.run(&format!("CREATE DATABASE {name}")).await;
        let store = open(&name, mode, 8).await;
        let follower = store.clone();
        let following = tokio::spawn(async move {
            let mut events = follower.subscribe(Query::all(), None);
            let mut came = 0;
            while came < 3 {
                came += events.next().await.unwrap().records.len();
            }
        });
        // The server is asked for longer each time.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let most = 2 * i64::try_from(SECONDS).unwrap();
        let mut asked = Vec::new();
        // The server itself looks into the database once in a while.
        while asked.last().is_none_or(|asked| *asked > most) {
            assert!(asked.len() < 4, "{mode}: {asked:?} transactions in {SECONDS} s each");
            let before = transactions(&any, &name).await;
            tokio::time::sleep(Duration::from_secs(SECONDS)).await;
            asked.push(transactions(&any, &name).await - before);
        }
        println!("{mode}: {asked:?} transactions in {SECONDS} s each");

        let other = open(&name, mode, 8).await;
        for _ in 0..3 {
            other.append(vec![sold("a")], AppendCondition::None).await.unwrap();
        }
        in_time("a follower that nobody wakes", following).await.unwrap();
        other.pool().close().await;
        in_time("a pool beside a statement that looks", store.pool().close()).await;
        outside.run(&format!("DROP DATABASE {name}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_follower_goes_on_where_no_statement_may_run_for_long() {
    let schema = Schema::new(Mode::Keyed).await;
    let options = PgPoolOptions::new().max_connections(8).after_connect(|connection, _| {
        Box::pin(async move {
            sqlx::query("SET statement_timeout = '60ms'").execute(connection).await.map(drop)
        })
    });
    let store = schema.config().open(options.connect(&url()).await.unwrap()).await.unwrap();
    let follower = store.clone();
    let following = tokio::spawn(async move { follower.wait_past(None).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!following.is_finished(), "{:?}", following.await);
    let other = schema.open().await;
    other.append(vec![sold("a")], AppendCondition::None).await.unwrap();
    in_time("a follower that nobody wakes", following).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_follower_takes_no_connection_that_others_need() {
    for (mode, connections) in [(Mode::Keyed, 1), (Mode::Portable, 2), (Mode::Keyed, 4)] {
        let schema = Schema::new(mode).await;
        let pool = pool(connections).await;
        let store = schema.config().open(pool).await.unwrap();
        let follower = store.clone();
        let following = tokio::spawn(async move { follower.wait_past(None).await });
        tokio::time::sleep(Duration::from_millis(500)).await;
        let appends = (0..connections).map(|_| {
            let store = store.clone();
            async move { store.append(vec![sold("a")], AppendCondition::None).await }
        });
        let appended = in_time("appends", futures_util::future::join_all(appends)).await;
        appended.into_iter().for_each(|outcome| drop(outcome.unwrap()));
        in_time("the follower", following).await.unwrap().unwrap();
    }
}
