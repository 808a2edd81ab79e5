//! Transactions that lose against others: the store tries them again if nothing was written, and tells the
//! caller if it cannot.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{collections::HashSet, sync::Arc};

use factos::{
    AppendCondition, AppendError, EventStore, EventStoreExt, Query, QueryItem, StoreError,
    StoreErrorKind,
};
use factos_postgres::{
    Error, Mode, PostgresStore,
    sqlx::{
        self,
        postgres::{PgConnectOptions, PgPoolOptions},
    },
};
use support::{Schema, cause, show_tag, sold, unless_sold, until_blocked, url};
use tokio::sync::Barrier;

/// The SQLSTATEs of a serialization failure and of a deadlock.
const LOST: [&str; 2] = ["40001", "40P01"];

/// How often the store sends an append at most.
const ATTEMPTS: u32 = 8;

/// Lets the next `times` inserts fail with `code`; at their commit if `late`.
async fn fail_inserts(schema: &Schema, code: &str, times: u32, late: bool) {
    let trigger = if late {
        "CREATE CONSTRAINT TRIGGER lose AFTER INSERT ON log.events DEFERRABLE INITIALLY DEFERRED"
    } else {
        "CREATE TRIGGER lose BEFORE INSERT ON log.events"
    };
    let sql = format!(
        "DROP TRIGGER IF EXISTS lose ON log.events;
         DROP SEQUENCE IF EXISTS log.losses;
         -- What a sequence gave is not taken back by the transaction that failed.
         CREATE SEQUENCE log.losses;
         CREATE OR REPLACE FUNCTION log.lose() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
          IF nextval('log.losses') <= {times} THEN
           RAISE EXCEPTION 'lost' USING ERRCODE = '{code}';
          END IF;
          RETURN NEW;
         END $$;
         {trigger} FOR EACH ROW EXECUTE FUNCTION log.lose()"
    );
    schema.run(&sql).await;
}

async fn losses(schema: &Schema, store: &PostgresStore) -> i64 {
    let sql = format!("SELECT last_value FROM \"{}\".losses", schema.name);
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(store.pool()).await.unwrap()
}

async fn a_lost_append_is_tried_again(mode: Mode) {
    let schema = Schema::new(mode).await;
    let store = schema.open().await;
    let mut written = Vec::new();
    for (n, code) in LOST.into_iter().enumerate() {
        for late in [false, true] {
            fail_inserts(&schema, code, 3, late).await;
            let show = format!("{n}-{late}");
            let appended = store.append(vec![sold(&show)], unless_sold(&show)).await;
            written.extend(appended.unwrap());
            assert_eq!(
                losses(&schema, &store).await,
                4,
                "{code} {late}: three losses and a success"
            );
        }
    }
    assert_eq!(store.read_all(&Query::all()).await.unwrap(), written);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_lost_append_is_tried_again_in_a_keyed_log() {
    a_lost_append_is_tried_again(Mode::Keyed).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_lost_append_is_tried_again_in_a_portable_log() {
    a_lost_append_is_tried_again(Mode::Portable).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_append_that_loses_always_is_told_with_nothing_written() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open().await;
    for code in LOST {
        fail_inserts(&schema, code, u32::MAX, false).await;
        let event = sold("1");
        let error = store.append(vec![event.clone()], unless_sold("1")).await.unwrap_err();
        let AppendError::Store(error) = error else { panic!("{error:?}") };
        assert!(matches!(cause(&error), Error::Contended(_)), "{error:?}");
        assert_eq!(error.kind(), StoreErrorKind::Busy);
        assert_eq!(losses(&schema, &store).await, i64::from(ATTEMPTS));
        assert_eq!(store.read_all(&Query::all()).await.unwrap(), []);
        fail_inserts(&schema, code, 0, false).await;
        store.append(vec![event], unless_sold("1")).await.unwrap();
        schema.empty().await;
    }
}

/// Many appends share commits: each event is in the log at most once, and every outcome is right.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn groups_that_lose_are_written_once() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open().await;
    for code in LOST {
        fail_inserts(&schema, code, 12, true).await;
        let appends: Vec<_> = (0..200)
            .map(|n| {
                let (store, show) = (store.clone(), format!("{code}-{}", n % 100));
                tokio::spawn(
                    async move { store.append(vec![sold(&show)], unless_sold(&show)).await },
                )
            })
            .collect();
        let (mut accepted, mut refused, mut lost) = (HashSet::new(), 0, 0);
        for append in appends {
            match append.await.unwrap() {
                Ok(records) => assert!(accepted.insert(records[0].id)),
                Err(error) if error.is_conflict() => refused += 1,
                Err(AppendError::Store(error)) => {
                    assert!(error.is_retryable(), "{error:?}");
                    lost += 1;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        println!("{code}: {} accepted, {refused} refused, {lost} lost", accepted.len());
        let log = store.read_all(&Query::all()).await.unwrap();
        let stored: HashSet<_> = log.iter().map(|record| record.id).collect();
        assert_eq!(log.len(), stored.len(), "an event is there twice");
        assert_eq!(stored, accepted);
        assert!(losses(&schema, &store).await > 12);
        if lost == 0 {
            assert_eq!(accepted.len(), 100);
        }
        schema.empty().await;
    }
}

/// Sells both shows within a transaction, the second once `meet` is ready.
async fn sell_both(
    store: &PostgresStore,
    shows: [&str; 2],
    meet: impl Future,
) -> Option<StoreError> {
    let mut transaction = store.pool().begin().await.unwrap();
    let first = store.append_in(&mut transaction, vec![sold(shows[0])], unless_sold(shows[0]));
    first.await.unwrap();
    meet.await;
    let second = store.append_in(&mut transaction, vec![sold(shows[1])], unless_sold(shows[1]));
    match second.await {
        Ok(_) => transaction.commit().await.unwrap(),
        Err(AppendError::Store(error)) => {
            transaction.rollback().await.unwrap();
            return Some(error);
        }
        Err(error) => panic!("{error:?}"),
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_deadlock_of_two_transactions_ends_one_of_them() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open().await;
    let meet = Arc::new(Barrier::new(2));
    let transactions = [["a", "b"], ["b", "a"]].map(|shows| {
        let (store, meet) = (store.clone(), Arc::clone(&meet));
        tokio::spawn(async move { sell_both(&store, shows, meet.wait()).await })
    });
    let mut victims = Vec::new();
    for transaction in transactions {
        victims.extend(transaction.await.unwrap());
    }
    let [victim] = &victims[..] else { panic!("{victims:?}") };
    assert!(matches!(cause(victim), Error::Contended(_)), "{victim:?}");
    assert_eq!(victim.kind(), StoreErrorKind::Busy);
    assert_eq!(victim.to_string(), "the transaction lost against others");
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 2);
}

/// A store whose statements are the victims of any deadlock that they are part of: the server ends the
/// statement whose deadlock timeout is over first.
async fn open_as_victim(schema: &Schema) -> PostgresStore {
    open_with_patience(schema, "1500ms").await
}

async fn open_with_patience(schema: &Schema, deadlock_timeout: &str) -> PostgresStore {
    let options: PgConnectOptions = url().parse().unwrap();
    let options = options.options([("deadlock_timeout", deadlock_timeout)]);
    let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
    schema.config().open(pool).await.unwrap()
}

/// Lets `other`, which locks the shows `a` and `b`, wait for a transaction that has locked one of them and then
/// locks the other one. It waits with nothing locked, so neither loses.
async fn cross<T: Send + 'static>(
    schema: &Schema,
    other: impl Future<Output = T> + Send + 'static,
) -> T {
    let callers = open_with_patience(schema, "60s").await;
    let mut blocked = None;
    let meet = async {
        blocked = Some(tokio::spawn(other));
        until_blocked(&format!("%{}%", schema.name)).await;
    };
    let lost = sell_both(&callers, ["b", "a"], meet).await;
    assert!(lost.is_none(), "{lost:?}");
    blocked.unwrap().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_append_that_waits_deadlocks_with_nobody() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = open_as_victim(&schema).await;
    let mut both = sold("a");
    both.tags.insert(&show_tag("b"));
    let id = both.id;
    let append = {
        let store = store.clone();
        async move { store.append(vec![both], AppendCondition::None).await }
    };
    let written = cross(&schema, append).await.unwrap();
    assert_eq!(written[0].id, id);
    let log = store.read_all(&Query::all()).await.unwrap();
    assert_eq!(log.len(), 3);
    assert_eq!(log[2], written[0]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_read_that_waits_deadlocks_with_nobody() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = open_as_victim(&schema).await;
    let items = ["a", "b"].map(|show| QueryItem::with_tag(show_tag(show)));
    let both = Query::any_of(items).unwrap();
    let read = {
        let store = store.clone();
        async move { store.read_all(&both).await }
    };
    let events = cross(&schema, read).await.unwrap();
    assert_eq!(events.len(), 2);
}
