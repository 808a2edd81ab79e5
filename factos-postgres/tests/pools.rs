//! What the store does with a pool of the application's, and with its transactions.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use factos::{
    AppendCondition, AppendError, EventStore, EventStoreExt, Query, QueryItem, ReadOptions,
    StoreErrorKind,
};
use factos_postgres::{
    Error, Mode, PostgresStore,
    sqlx::{
        postgres::{PgConnectOptions, PgPoolOptions},
        query_scalar,
    },
};
use futures_util::future::join_all;
use support::{Schema, cause, in_time, of_show, show_tag, sold, unless_sold, until_blocked, url};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_pool_can_be_closed_beside_an_idle_store() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open().await;
    let appends = (0..20).map(|n| {
        let store = store.clone();
        async move { store.append(vec![sold(&n.to_string())], AppendCondition::None).await.unwrap() }
    });
    join_all(appends).await;
    store.read_all(&of_show("1")).await.unwrap();
    in_time("the close", store.pool().close()).await;
    let read = store.read(&of_show("1"), ReadOptions::all()).await.map(drop).unwrap_err();
    let append = store.append(vec![sold("1")], unless_sold("1")).await.unwrap_err();
    let AppendError::Store(append) = append else { panic!("{append:?}") };
    let waiting = in_time("the wait", store.wait_past(store.head().await.ok().flatten())).await;
    for error in [read, append, store.head().await.unwrap_err()] {
        assert!(matches!(cause(&error), Error::Closed), "{error:?}");
    }
    // It is past its beginning, which it knows, unless it is time to ask again.
    if let Err(error) = waiting {
        assert!(matches!(cause(&error), Error::Closed), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn connections_that_keep_no_statements_leave_none_behind() {
    let schema = Schema::new(Mode::Keyed).await;
    let options: PgConnectOptions = url().parse().unwrap();
    let pool = PgPoolOptions::new().max_connections(4);
    let pool = pool.connect_with(options.statement_cache_capacity(0)).await.unwrap();
    let store = schema.config().open(pool).await.unwrap();
    let mut lease = store.pool().begin().await.unwrap();
    for n in 0..200 {
        let shows = (0..=n % 7).map(|m| format!("{n} {m}"));
        let query = shows.fold(Query::item(QueryItem::with_tag(show_tag("1"))), |query, show| {
            query.or(QueryItem::with_tag(show_tag(&show)))
        });
        let events = (0..=n % 5).map(|m| sold(&m.to_string())).collect();
        store
            .append_in(&mut lease, events, AppendCondition::fail_if_events_match(query))
            .await
            .ok();
    }
    let count = "SELECT count(*) FROM pg_prepared_statements";
    let left: i64 = query_scalar(count).persistent(false).fetch_one(&mut *lease).await.unwrap();
    assert!(left < 20, "{left} statements are left behind");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_id_that_another_transaction_commits_ends_the_one_that_waited_for_it() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open().await;
    for others in [0, 3] {
        let first = sold(&format!("first {others}"));
        let mut second = sold(&format!("second {others}"));
        second.id = first.id;
        let mut holder = store.pool().begin().await.unwrap();
        store.append_in(&mut holder, vec![first.clone()], AppendCondition::None).await.unwrap();
        let waiting = tokio::spawn({
            let (store, second) = (store.clone(), second.clone());
            async move {
                let mut transaction = store.pool().begin().await.unwrap();
                let mut events: Vec<_> = (0..others).map(|n| sold(&n.to_string())).collect();
                events.push(second);
                let outcome =
                    store.append_in(&mut transaction, events, AppendCondition::None).await;
                transaction.rollback().await.unwrap();
                outcome
            }
        });
        until_blocked(&format!("%{}%", schema.name)).await;
        holder.commit().await.unwrap();
        let error = in_time("the other append", waiting).await.unwrap().unwrap_err();
        let AppendError::Store(error) = error else { panic!("{error:?}") };
        assert!(matches!(cause(&error), Error::Contended(_)), "{error:?}");
        assert_eq!(error.kind(), StoreErrorKind::Busy);
        // Begun anew, it finds the id.
        let mut transaction = store.pool().begin().await.unwrap();
        let outcome = store.append_in(&mut transaction, vec![second], AppendCondition::None).await;
        assert!(matches!(outcome, Err(AppendError::DuplicateEventId(id)) if id == first.id));
    }
}

/// As the schemas of tenants do: more logs than connections, each with somebody who follows it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn many_logs_share_a_small_pool() {
    let shared = PgPoolOptions::new().max_connections(6).acquire_timeout(Duration::from_secs(10));
    let shared = shared.connect(&url()).await.unwrap();
    let (mut schemas, mut stores) = (Vec::new(), Vec::new());
    for mode in [Mode::Keyed, Mode::Portable].into_iter().cycle().take(16) {
        let schema = Schema::new(mode).await;
        stores.push(schema.config().open(shared.clone()).await.unwrap());
        schemas.push(schema);
    }
    let followers: Vec<_> =
        stores.iter().cloned().map(|store| tokio::spawn(follow(store))).collect();
    for round in 0..ROUNDS {
        // At once, so that each store has connections to keep, and then one after the other.
        join_all(stores.iter().map(|store| work(store, round))).await;
        for store in &stores {
            work(store, round).await;
        }
    }
    for follower in followers {
        in_time("a follower", follower).await.unwrap();
    }
}

const ROUNDS: usize = 4;

async fn work(store: &PostgresStore, round: usize) {
    let show = round.to_string();
    let appends = (0..4).map(|_| store.append(vec![sold(&show)], AppendCondition::None));
    for outcome in join_all(appends).await {
        outcome.unwrap();
    }
    assert!(store.read_all(&of_show(&show)).await.unwrap().len() >= 4);
}

/// Ends once it has seen all that [`work`] appends.
async fn follow(store: PostgresStore) {
    let mut sales = store.subscribe(Query::all(), None);
    let mut seen = 0;
    while seen < 2 * 4 * ROUNDS {
        seen += sales.next().await.unwrap().records.len();
    }
}
