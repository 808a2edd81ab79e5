//! Hooks that end the transaction of their append, or leave something behind.

use factos::{AppendError, EventStore, StoreErrorKind};
use factos_postgres::{
    Config, Error, Mode,
    sqlx::{Connection, Row, query},
};

use crate::{
    log::{Log, NONE, hook_error, run, small_pool},
    support::{cause, sold, unless_sold},
};

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_hook_that_ends_the_transaction_fails_its_append_alone() {
    let ended = "ended the transaction";
    for (sql, message) in [
        ("COMMIT", ended),
        ("END", ended),
        ("COMMIT AND CHAIN", ended),
        ("PREPARE TRANSACTION 'of a hook'", ended),
        ("ROLLBACK", ended),
        ("ROLLBACK AND CHAIN", ended),
        ("ROLLBACK; BEGIN", ended),
        ("ROLLBACK; BEGIN; SELECT 1 / 0", "failed"),
        ("COMMIT; COMMIT", ended),
        ("CLOSE ALL", ended),
        ("CLOSE ALL; ROLLBACK", ended),
        // What runs after the end of the transaction only reads.
        ("COMMIT; INSERT INTO log.seen VALUES (-1)", ended),
        ("ROLLBACK; INSERT INTO log.seen VALUES (-1)", ended),
        ("ROLLBACK; BEGIN; INSERT INTO log.seen VALUES (-1); COMMIT", ended),
        ("SELECT 1 / 0", "a statement of the hook failed"),
        ("INSERT INTO log.later VALUES (99)", "foreign key"),
    ] {
        let log = Log::new(Mode::Keyed).await;
        log.schema
            .run("CREATE TABLE log.later (position bigint REFERENCES log.seen DEFERRABLE INITIALLY DEFERRED)")
            .await;
        let hooked = log.running(sql);
        let outcomes = log.in_one_group(&hooked, &[&["1"], &["bad"], &["2"]]).await;
        let [first, second, third] = <[_; 3]>::try_from(outcomes).unwrap();
        let told = hook_error(second);
        assert!(told.contains(message), "{sql}: {told}");
        assert_eq!(
            (first.unwrap().len(), third.unwrap().len(), log.equal().await),
            (1, 1, 4),
            "{sql}"
        );
        // Alone as well.
        let told = hook_error(hooked.append(vec![sold("bad")], NONE).await);
        assert!(told.contains(message), "{sql}: {told}");
        hooked.append(vec![sold("3")], NONE).await.unwrap();
        assert_eq!(log.equal().await, 5, "{sql}");
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_hook_is_told_that_it_must_not_commit() {
    let log = Log::new(Mode::Keyed).await;
    let hooked = log
        .store
        .with_hook(|connection, _| Box::pin(async move { Ok(run(connection, "COMMIT").await?) }));
    let message = hook_error(hooked.append(vec![sold("1")], NONE).await);
    assert!(message.contains("a hook must not end the transaction of its append"), "{message}");
    assert_eq!(log.equal().await, 0);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_hook_that_commits_behind_a_closed_guard_is_told_as_what_it_is() {
    for (ending, sql) in [
        ("committed", "CLOSE ALL; COMMIT"),
        ("committed", "CLOSE ALL; COMMIT; BEGIN; SELECT 1 / 0"),
    ] {
        let log = Log::new(Mode::Keyed).await;
        let events = vec![sold("bad")];
        let error = log.running(sql).append(events.clone(), NONE).await.unwrap_err();
        let AppendError::Store(error) = error else { panic!("{error:?}") };
        assert_eq!(error.kind(), StoreErrorKind::OutcomeUnknown);
        let Error::EndedByHook { status } = cause(&error) else { panic!("{error:?}") };
        assert_eq!(status.as_deref(), Some(ending));
        assert_eq!(log.equal().await, 1);
        let again = log.copying().append(events.clone(), NONE).await;
        assert!(matches!(again, Err(AppendError::DuplicateEventId(id)) if id == events[0].id));
    }
    // Its error does not make it undone either, nor does the loss of its connection.
    for then in ["SELECT 1 / 0", "SELECT pg_terminate_backend(pg_backend_pid())"] {
        let log = Log::new(Mode::Keyed).await;
        let hooked = log.store.with_hook(move |connection, _| {
            Box::pin(async move {
                run(connection, "CLOSE ALL; COMMIT").await?;
                Ok(run(connection, then).await?)
            })
        });
        let error = hooked.append(vec![sold("1")], NONE).await.unwrap_err();
        assert!(
            matches!(&error, AppendError::Store(error) if error.kind() == StoreErrorKind::OutcomeUnknown),
            "{then}: {error:?}"
        );
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_hook_has_savepoints_of_its_own() {
    let log = Log::new(Mode::Keyed).await;
    let table = log.table();
    let hooked = log.store.with_hook(move |connection, records| {
        let table = table.clone();
        Box::pin(async move {
            // Undone, by a rollback and by a drop.
            let mut undone = connection.begin().await?;
            table.copy(&mut undone, records).await?;
            undone.rollback().await?;
            let mut dropped = connection.begin().await?;
            table.copy(&mut dropped, records).await?;
            run(&mut dropped, "SELECT 1 / 0").await.unwrap_err();
            drop(dropped);
            let mut kept = connection.begin().await?;
            table.copy(&mut kept, records).await?;
            kept.commit().await?;
            run(connection, "SAVEPOINT one; NOTIFY hooks").await?;
            Ok(())
        })
    });
    for n in 1..=3 {
        hooked.append(vec![sold("1"), sold("2")], NONE).await.unwrap();
        assert_eq!(log.equal().await, 2 * n);
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_savepoint_that_a_hook_forgets_is_its_error() {
    let log = Log::new(Mode::Keyed).await;
    let table = log.table();
    let hooked = log.store.with_hook(move |connection, records| {
        let table = table.clone();
        Box::pin(async move {
            let mut forgotten = connection.begin().await?;
            table.copy(&mut forgotten, records).await?;
            std::mem::forget(forgotten);
            Ok(())
        })
    });
    let message = hook_error(hooked.append(vec![sold("1")], NONE).await);
    assert_eq!(message, "the hook left a transaction of its own open");
    assert_eq!(log.equal().await, 0);
    log.copying().append(vec![sold("1")], NONE).await.unwrap();
    assert_eq!(log.equal().await, 1);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn what_a_hook_leaves_in_its_session_is_met_by_nobody() {
    let log = Log::new(Mode::Keyed).await;
    let pool = small_pool(2).await;
    let store = Config::open(log.schema.config(), pool.clone()).await.unwrap();
    for sql in [
        "SET search_path = pg_temp",
        "SET default_transaction_isolation = 'serializable'",
        "SET default_transaction_read_only = on",
        "SET session_replication_role = replica",
        "SET ROLE pg_monitor",
        "ROLLBACK; SET search_path = pg_temp",
        "SET search_path = pg_temp; SELECT 1 / 0",
        "SET TIME ZONE 'Asia/Tokyo'",
        "SET LOCAL search_path = pg_temp",
        "SELECT 1",
    ] {
        let hooked = store.with_hook(move |connection, _| {
            Box::pin(async move {
                for statement in sql.split("; ") {
                    drop(run(connection, statement).await);
                }
                Ok(())
            })
        });
        drop(hooked.append(vec![sold("1")], NONE).await);
        let refused = hooked.append(vec![sold("1")], unless_sold("1")).await;
        assert!(sql.contains("ROLLBACK") || sql.contains("1 / 0") || refused.is_err(), "{sql}");
        store.append(vec![sold("1")], NONE).await.unwrap();
        for _ in 0..4 {
            let row = query(
                "SELECT concat_ws(' ', current_setting('search_path'), current_setting('default_transaction_isolation'),
                   current_setting('default_transaction_read_only'), current_setting('session_replication_role'),
                   current_user = session_user, current_setting('TimeZone'))",
            );
            let row = row.fetch_one(&pool).await.unwrap();
            let found: String = row.get(0);
            assert!(!found.contains("pg_temp") && !found.contains("Tokyo"), "{sql}: {found}");
            assert!(found.contains("read committed off origin t"), "{sql}: {found}");
        }
    }
}

/// A trigger that runs at the commit looks at the setting.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_hook_cannot_have_its_append_told_before_it_is_flushed() {
    let log = Log::new(Mode::Keyed).await;
    log.schema
        .run(
            "CREATE TABLE log.told (setting text);
             CREATE FUNCTION log.tell() RETURNS trigger LANGUAGE plpgsql AS
               'BEGIN INSERT INTO log.told VALUES (current_setting(''synchronous_commit'')); RETURN NULL; END';
             CREATE CONSTRAINT TRIGGER tell AFTER INSERT ON log.seen DEFERRABLE INITIALLY DEFERRED
               FOR EACH ROW EXECUTE FUNCTION log.tell()",
        )
        .await;
    for sql in ["SET LOCAL synchronous_commit = off", "SET LOCAL synchronous_commit = local"] {
        log.running(sql).append(vec![sold("bad")], NONE).await.unwrap();
    }
    assert_eq!(log.number("SELECT count(*) FROM log.told WHERE setting = 'on'").await, 2);
}
