//! The schema is created once however many try at once, refused if it is no log, and used with few
//! privileges.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use factos::{AppendCondition, AppendError, EventStore, EventStoreExt, Query, StoreErrorKind};
use factos_postgres::{
    Config, Error, Mode,
    sqlx::{
        AssertSqlSafe, Executor,
        postgres::{PgConnectOptions, PgPoolOptions},
        query, raw_sql,
    },
};
use support::{Schema, cause, of_show, pool, sold, unique, unless_sold, url};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn many_may_migrate_at_once() {
    for mode in [Mode::Keyed, Mode::Portable] {
        let schema = Schema::named(mode);
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let config = schema.config();
                tokio::spawn(async move { config.migrate(&pool(1).await).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        schema.config().migrate(&pool(1).await).await.unwrap();
        let store = schema.open().await;
        assert_eq!(
            store.append(vec![sold("1")], unless_sold("1")).await.unwrap()[0].position.get(),
            1
        );
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn the_sql_may_be_run_by_another_tool() {
    let schema = Schema::named(Mode::Keyed);
    pool(1).await.execute(raw_sql(AssertSqlSafe(schema.config().sql()))).await.unwrap();
    let store = schema.open().await;
    store.append(vec![sold("1")], unless_sold("1")).await.unwrap();
    schema.config().migrate(store.pool()).await.unwrap();
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 1);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn logs_of_one_database_do_not_meet() {
    let (one, two) = (Schema::new(Mode::Keyed).await, Schema::new(Mode::Keyed).await);
    let (one, two) = ((one.open().await, one), (two.open().await, two));
    let mut transaction = one.0.pool().begin().await.unwrap();
    one.0.append_in(&mut transaction, vec![sold("1")], AppendCondition::None).await.unwrap();
    // Neither the boundary nor the watermark of the other log waits.
    two.0.append(vec![sold("1")], unless_sold("1")).await.unwrap();
    assert_eq!(two.0.read_all(&Query::all()).await.unwrap().len(), 1);
    transaction.rollback().await.unwrap();
    assert_ne!(one.0.log_id(), two.0.log_id());
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn what_is_no_log_is_told() {
    let schema = Schema::named(Mode::Keyed);
    let open = || async { schema.config().open(pool(2).await).await };
    let error = open().await.unwrap_err();
    assert!(matches!(cause(&error), Error::MissingSchema { .. }), "{error:?}");
    assert_eq!(error.kind(), StoreErrorKind::Incompatible);
    schema.run(&format!("CREATE SCHEMA {}", schema.name)).await;
    assert!(matches!(cause(&open().await.unwrap_err()), Error::MissingSchema { .. }));
    schema.run("CREATE TABLE log.events (n int)").await;
    assert!(matches!(cause(&open().await.unwrap_err()), Error::ForeignSchema { .. }));
    let error = schema.config().migrate(&pool(1).await).await.unwrap_err();
    assert!(matches!(cause(&error), Error::ForeignSchema { .. }), "{error:?}");
    schema.run("DROP TABLE log.events").await;
    schema.config().migrate(&pool(1).await).await.unwrap();
    open().await.unwrap();
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn logs_of_other_versions_and_modes_are_told() {
    let schema = Schema::new(Mode::Keyed).await;
    let open = || async { schema.config().open(pool(2).await).await };
    schema.run("UPDATE log.meta SET format = 0").await;
    let error = open().await.unwrap_err();
    assert!(matches!(cause(&error), Error::OlderFormat { found: 0, .. }), "{error:?}");
    schema.run("UPDATE log.meta SET format = 1000").await;
    assert!(matches!(cause(&open().await.unwrap_err()), Error::NewerFormat { found: 1000, .. }));
    let rule = "ALTER TABLE log.meta DISABLE TRIGGER append_only;
         UPDATE log.meta SET format = 2, lock_rule = 7;
         ALTER TABLE log.meta ENABLE ALWAYS TRIGGER append_only";
    schema.run(rule).await;
    assert!(matches!(cause(&open().await.unwrap_err()), Error::OtherLockRule { found: 7, .. }));
    schema.run(&rule.replace("lock_rule = 7", "lock_rule = 1")).await;
    open().await.unwrap();
    let other = schema.config().mode(Mode::Portable).open(pool(2).await).await.unwrap_err();
    assert!(matches!(cause(&other), Error::OtherMode { .. }), "{other:?}");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_sequence_behind_its_log_is_told() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open().await;
    store.append(vec![sold("1"), sold("1")], AppendCondition::None).await.unwrap();
    schema.run("SELECT setval('log.position_seq', 1)").await;
    let error = schema.config().open(pool(2).await).await.unwrap_err();
    assert!(matches!(cause(&error), Error::PositionsBehind { next: 2, last: 2, .. }), "{error:?}");
    schema.run("ALTER SEQUENCE log.position_seq RESTART").await;
    let error = schema.config().open(pool(2).await).await.unwrap_err();
    assert!(matches!(cause(&error), Error::PositionsBehind { next: 0, last: 2, .. }), "{error:?}");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_log_that_a_transaction_locks_as_a_whole_is_opened() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open().await;
    let mut transaction = store.pool().begin().await.unwrap();
    let unless_any = AppendCondition::fail_if_events_match(Query::all());
    store.append_in(&mut transaction, vec![sold("1")], unless_any).await.unwrap();
    schema.config().open(pool(2).await).await.unwrap();
    transaction.commit().await.unwrap();
}

/// A server whose advisory locks are stubs: the log's own functions find no lock.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn locks_that_do_not_exclude_are_refused() {
    let schema = Schema::new(Mode::Keyed).await;
    let stub = "CREATE OR REPLACE FUNCTION log._probe_lock(name text, may_wait bool) RETURNS bool
                LANGUAGE sql AS 'SELECT true'";
    schema.run(stub).await;
    let error = schema.config().open(pool(2).await).await.unwrap_err();
    assert!(matches!(cause(&error), Error::NoLocks { .. }), "{error:?}");
    assert_eq!(error.kind(), StoreErrorKind::Incompatible);
}

async fn few_privileges_are_enough(mode: Mode) {
    let schema = Schema::new(mode).await;
    let role = unique("app");
    schema.run(&format!("CREATE ROLE {role} LOGIN;\n{}", schema.config().grants(&role))).await;
    let options: PgConnectOptions = url().parse::<PgConnectOptions>().unwrap().username(&role);
    let pool = PgPoolOptions::new().max_connections(6).connect_with(options).await.unwrap();
    let store = schema.config().open(pool.clone()).await.unwrap();
    let mut event = sold("1");
    event.stream = Some("s".parse().unwrap());
    store.append(vec![event], unless_sold("1")).await.unwrap();
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 1);
    assert_eq!(store.read_all(&of_show("1")).await.unwrap().len(), 1);
    assert_eq!(store.read_stream_all(&"s".parse().unwrap()).await.unwrap().len(), 1);
    for table in ["events", "tags", "meta"] {
        for sql in ["UPDATE log.x SET y = y", "DELETE FROM log.x", "TRUNCATE log.x"] {
            let column = if table == "meta" { "mode" } else { "position" };
            let sql =
                sql.replace("log.x", &format!("{}.{table}", schema.name)).replace('y', column);
            let error = query(AssertSqlSafe(sql.clone())).execute(&pool).await.unwrap_err();
            let code = error.as_database_error().unwrap().code().unwrap().into_owned();
            assert_eq!(code, "42501", "{sql}: {error}");
        }
    }
    drop(store);
    pool.close().await;
    schema.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_application_needs_few_privileges() {
    few_privileges_are_enough(Mode::Keyed).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_application_needs_few_privileges_on_a_portable_log() {
    few_privileges_are_enough(Mode::Portable).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_missing_privilege_is_told() {
    let schema = Schema::new(Mode::Keyed).await;
    let role = unique("reader");
    let reads = "GRANT USAGE ON SCHEMA log TO r; GRANT SELECT ON ALL TABLES IN SCHEMA log TO r; GRANT SELECT ON SEQUENCE log.position_seq TO r";
    let reads = reads
        .replace("SCHEMA log", &format!("SCHEMA {}", schema.name))
        .replace("TO r", &format!("TO {role}"));
    schema.run(&format!("CREATE ROLE {role} LOGIN; {reads}")).await;
    let options: PgConnectOptions = url().parse::<PgConnectOptions>().unwrap().username(&role);
    let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
    let error = schema.config().open(pool.clone()).await.unwrap_err();
    assert!(matches!(cause(&error), Error::MissingPrivileges { .. }), "{error:?}");
    schema.run(&schema.config().grants(&role)).await;
    let store = schema.config().open(pool.clone()).await.unwrap();
    schema.run(&format!("REVOKE INSERT ON log.events FROM {role}")).await;
    assert_eq!(store.read_all(&Query::all()).await.unwrap(), []);
    let AppendError::Store(error) =
        store.append(vec![sold("1")], unless_sold("1")).await.unwrap_err()
    else {
        panic!("not a store error");
    };
    assert!(matches!(cause(&error), Error::Privilege(_)), "{error:?}");
    drop(store);
    pool.close().await;
    schema.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[test]
fn names_that_are_no_schema_are_refused() {
    for name in ["", "pg_log", "1log", "a\"b", "a b", "a.b", &"x".repeat(64)] {
        assert!(Config::new().schema(name).is_err(), "{name:?}");
    }
    assert!(Config::new().schema("Orders_2").is_ok());
}
