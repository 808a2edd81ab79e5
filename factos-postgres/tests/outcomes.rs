//! What a caller is told when an append does not end well, error by error and phase by phase: "not written" only
//! where that is certain.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/cluster.rs"]
mod cluster;
mod support;

use std::time::Duration;

use cluster::Cluster;
use factos::{
    AppendCondition, AppendError, EventStore, EventStoreExt, NewEvent, Query, StoreError,
    StoreErrorKind,
};
use factos_postgres::{
    Config, Error, Mode, PostgresStore,
    sqlx::{
        AssertSqlSafe, Executor, PgPool, postgres::PgPoolOptions, query, query_scalar, raw_sql,
    },
};
use futures_util::future::join_all;
use support::{
    Schema,
    answers::{Pooler, error_response},
    cause, eventually, in_time, of_show, pool, sold,
};

const UNKNOWN: StoreErrorKind = StoreErrorKind::OutcomeUnknown;

fn store_error<T: std::fmt::Debug>(outcome: Result<T, AppendError>) -> StoreError {
    match outcome {
        Err(AppendError::Store(error)) => error,
        other => panic!("{other:?}"),
    }
}

async fn append(store: &PostgresStore, event: &NewEvent) -> Result<(), AppendError> {
    store.append(vec![event.clone()], AppendCondition::None).await.map(drop)
}

async fn open_through(pooler: &Pooler, schema: &Schema) -> PostgresStore {
    let pool = PgPoolOptions::new().max_connections(8).connect_with(pooler.options());
    schema.config().open(pool.await.unwrap()).await.unwrap()
}

/// Answers that tell nothing of the outcome, whoever gave them.
fn answers_without_an_outcome() -> Vec<(String, Vec<u8>)> {
    let errors = [
        ("FATAL", "08P01"),
        ("ERROR", "08P01"),
        ("ERROR", "08006"),
        ("ERROR", "08003"),
        ("FATAL", "57P01"),
        ("ERROR", "57P01"),
        ("FATAL", "57P02"),
        ("ERROR", "57P03"),
        ("FATAL", "57P05"),
        ("FATAL", "25P03"),
        ("FATAL", "53100"),
        ("FATAL", "53300"),
        ("FATAL", "55P03"),
        ("FATAL", "57014"),
        ("FATAL", "40001"),
        ("FATAL", "23505"),
        ("FATAL", "58000"),
        ("PANIC", "XX000"),
        ("ERROR", "40003"),
        ("ERROR", "ZZ999"),
        ("ERROR", ""),
    ];
    let mut answers: Vec<_> = errors
        .iter()
        .map(|(severity, code)| (format!("{severity} {code}"), error_response(severity, code)))
        .collect();
    answers.push(("no message".to_owned(), vec![0; 32]));
    // The end of a statement without its row, and a row of too few columns.
    answers.push(("no row".to_owned(), b"2\0\0\0\x04C\0\0\0\x0dSELECT 0\0Z\0\0\0\x05I".to_vec()));
    let row = b"2\0\0\0\x04D\0\0\0\x06\0\0C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I";
    answers.push(("an empty row".to_owned(), row.to_vec()));
    answers
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_answer_that_tells_nothing_leaves_the_outcome_unknown() {
    let schema = Schema::new(Mode::Keyed).await;
    let pooler = Pooler::start().await;
    let store = open_through(&pooler, &schema).await;
    for (what, answer) in answers_without_an_outcome() {
        // The connection is in use, and its statements are prepared.
        append(&store, &sold("warm")).await.unwrap();
        let event = sold("1");
        pooler.answer_next(answer);
        let error = store_error(append(&store, &event).await);
        assert!(pooler.has_answered());
        assert_eq!(error.kind(), UNKNOWN, "{what}: {:?}", cause(&error));
        let again = append(&store, &event).await;
        assert!(matches!(again, Err(AppendError::DuplicateEventId(id)) if id == event.id));
    }
}

/// The store does not send a group again whose outcome is unknown: a fresh append is no duplicate.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn no_append_of_a_group_is_called_a_duplicate_of_itself() {
    let schema = Schema::new(Mode::Keyed).await;
    let pooler = Pooler::start().await;
    let store = open_through(&pooler, &schema).await;
    let (mut unknown, mut not_written) = (0, Vec::new());
    for (what, answer) in answers_without_an_outcome() {
        let warm: Vec<_> = (0..24).map(|n| sold(&format!("warm {n}"))).collect();
        for warmed in join_all(warm.iter().map(|event| append(&store, event))).await {
            warmed.unwrap();
        }
        let events: Vec<_> = (0..24).map(|n| sold(&format!("show {n}"))).collect();
        // The append that is sent ahead may be what is answered, or the group behind it.
        pooler.answer_next(answer);
        let outcomes = join_all(events.iter().map(|event| append(&store, event))).await;
        for (event, outcome) in events.iter().zip(outcomes) {
            if outcome.is_err() {
                let error = store_error(outcome);
                // Another answer may be replaced, such as to a new connection: then nothing was sent.
                let is_unknown = error.kind() == UNKNOWN;
                unknown += usize::from(is_unknown);
                not_written.extend((!is_unknown).then_some((event.id, what.clone())));
            }
        }
    }
    assert!(unknown > 0);
    let log = store.read_all(&Query::all()).await.unwrap();
    let ids: std::collections::HashSet<_> = log.iter().map(|record| record.id).collect();
    assert_eq!(ids.len(), log.len());
    assert!(not_written.iter().all(|(id, _)| !ids.contains(id)), "{not_written:?}");
}

/// Lets each insert fail with `code`, at its commit if `late`.
async fn fail_inserts(schema: &Schema, code: &str, late: bool) {
    let trigger = if late {
        "CREATE CONSTRAINT TRIGGER lose AFTER INSERT ON log.events DEFERRABLE INITIALLY DEFERRED"
    } else {
        "CREATE TRIGGER lose BEFORE INSERT ON log.events"
    };
    let sql = format!(
        "DROP TRIGGER IF EXISTS lose ON log.events;
         CREATE OR REPLACE FUNCTION log.lose() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '{code}'; END $$;
         {trigger} FOR EACH ROW EXECUTE FUNCTION log.lose()"
    );
    schema.run(&sql).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_error_of_the_statement_wrote_nothing() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open().await;
    let busy = StoreErrorKind::Busy;
    let other = StoreErrorKind::Other;
    let codes = [
        ("22003", other),
        ("23505", other),
        ("23514", other),
        ("25006", StoreErrorKind::Unavailable),
        ("40001", busy),
        ("40P01", busy),
        ("42501", other),
        ("42883", other),
        ("53100", StoreErrorKind::Full),
        ("54000", other),
        ("55P03", busy),
        ("57014", busy),
        ("58030", other),
        ("P0001", other),
        ("XX000", other),
        ("XX001", StoreErrorKind::Corrupt),
        // These say nothing, whoever raises them.
        ("08006", UNKNOWN),
        ("40003", UNKNOWN),
        ("57P01", UNKNOWN),
        ("ZZ999", UNKNOWN),
    ];
    for late in [false, true] {
        for (code, kind) in codes {
            fail_inserts(&schema, code, late).await;
            let error = store_error(append(&store, &sold("1")).await);
            assert_eq!(error.kind(), kind, "{code}, late: {late}: {:?}", cause(&error));
        }
    }
    assert!(store.head().await.unwrap().is_none());
}

/// Ends the statement that waits for a lock by this function.
async fn end_while_it_waits(function: &str) -> (StoreError, usize) {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open().await;
    let mut transaction = store.pool().begin().await.unwrap();
    store.append_in(&mut transaction, vec![sold("1")], AppendCondition::None).await.unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.append(vec![sold("1")], support::unless_sold("1")).await }
    });
    let sql = format!(
        "SELECT count({function}(pid)) FROM pg_stat_activity
         WHERE wait_event_type = 'Lock' AND query LIKE '%{}%append%'",
        schema.name
    );
    let killer = pool(1).await;
    eventually("it waits", || async {
        let ended: i64 = query_scalar(AssertSqlSafe(&*sql)).fetch_one(&killer).await.unwrap();
        ended > 0
    })
    .await;
    let error = store_error(in_time("the append", waiting).await.unwrap());
    transaction.rollback().await.unwrap();
    (error, store.read_all(&of_show("1")).await.unwrap().len())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_cancelled_statement_wrote_nothing_and_a_terminated_one_may_have() {
    let (error, written) = end_while_it_waits("pg_cancel_backend").await;
    assert!(matches!(cause(&error), Error::Cancelled(_)), "{error:?}");
    assert_eq!((error.kind(), written), (StoreErrorKind::Busy, 0));
    let (error, _) = end_while_it_waits("pg_terminate_backend").await;
    assert!(matches!(cause(&error), Error::ConnectionLost(_)), "{error:?}");
    assert_eq!(error.kind(), UNKNOWN);
}

/// Nothing of a transaction of the caller's is written when the server ends it for being idle.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_transaction_that_was_idle_for_too_long_wrote_nothing() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open().await;
    let mut transaction = store.pool().begin().await.unwrap();
    let set = "SET LOCAL idle_in_transaction_session_timeout = '50ms'";
    transaction.execute(query(set)).await.unwrap();
    store.append_in(&mut transaction, vec![sold("1")], AppendCondition::None).await.unwrap();
    eventually("the server ends it", || async {
        // Its lock is free again.
        store.read(&of_show("1"), factos::ReadOptions::all()).await.is_ok()
    })
    .await;
    let error = store_error(
        store.append_in(&mut transaction, vec![sold("1")], AppendCondition::None).await,
    );
    assert_ne!(error.kind(), UNKNOWN, "{error:?}");
    assert!(transaction.commit().await.is_err());
    assert!(store.read_all(&Query::all()).await.unwrap().is_empty());
}

/// A server whose commits wait for a synchronous standby that is gone.
struct Lonely {
    store: PostgresStore,
    other: PgPool,
    _cluster: Cluster,
}

impl Lonely {
    async fn start(socket_timeout: Duration) -> Self {
        let cluster = Cluster::start_new();
        let pool = |most| PgPoolOptions::new().max_connections(most);
        let config = Config::new().create(true).lock_timeout(Duration::from_secs(1));
        let store = config.socket_timeout(socket_timeout);
        let store = store.open(pool(8).connect(&cluster.url()).await.unwrap()).await.unwrap();
        append(&store, &sold("before")).await.unwrap();
        let other = pool(1).connect(&cluster.url()).await.unwrap();
        other.execute("ALTER SYSTEM SET synchronous_standby_names = 'gone'").await.unwrap();
        other.execute(raw_sql("SELECT pg_reload_conf()")).await.unwrap();
        eventually("commits wait", || async {
            let sql = "SELECT current_setting('synchronous_standby_names')";
            query_scalar::<_, String>(sql).fetch_one(&other).await.unwrap() == "gone"
        })
        .await;
        // Another process of the server tells the backends to wait, a moment later.
        tokio::time::sleep(Duration::from_secs(1)).await;
        Self { store, other, _cluster: cluster }
    }

    /// The outcome of an append whose wait for the standby is ended by this function.
    async fn append_until(&self, function: &str) -> Result<(), AppendError> {
        let store = self.store.clone();
        let appending = tokio::spawn(async move { append(&store, &sold("1")).await });
        let sql = format!(
            "SELECT count({function}(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        );
        eventually("it waits", || async {
            let ended: i64 =
                query_scalar(AssertSqlSafe(&*sql)).fetch_one(&self.other).await.unwrap();
            ended > 0
        })
        .await;
        in_time("the append", appending).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_terminated_wait_for_a_standby_leaves_the_outcome_unknown() {
    let lonely = Lonely::start(Duration::from_secs(60)).await;
    let error = store_error(lonely.append_until("pg_terminate_backend").await);
    assert_eq!(error.kind(), UNKNOWN, "{error:?}");
    // The server answers success, with a warning that the driver hides: `docs/outcomes.md` names it.
    lonely.append_until("pg_cancel_backend").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_wait_for_a_standby_ends_with_the_timeout() {
    let lonely = Lonely::start(Duration::from_secs(1)).await;
    let error = in_time("the append", append(&lonely.store, &sold("1"))).await;
    assert_eq!(store_error(error).kind(), UNKNOWN);
}
