//! A failure is told, nothing that was acknowledged is lost, and the store recovers by itself.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use factos::{
    AppendCondition, AppendError, EventId, EventStore, EventStoreExt, NewEvent, Query, ReadOptions,
    StoreError, StoreErrorKind,
};
use factos_postgres::{
    Error, Mode, PostgresStore,
    sqlx::{
        AssertSqlSafe, Executor, Row,
        postgres::{PgConnectOptions, PgPoolOptions},
        query,
    },
};
use support::{Schema, cause, of_show, pool, port::Port, sold, unique, unless_sold, url};

fn store_error(error: AppendError) -> StoreError {
    let AppendError::Store(error) = error else { panic!("{error:?}") };
    error
}

/// The options to connect to the database of the tests.
fn options() -> PgConnectOptions {
    url().parse().unwrap()
}

/// The outcome of every batch that a client sent.
#[derive(Default)]
struct Ledger {
    acknowledged: Vec<[EventId; 3]>,
    unknown: Vec<[EventId; 3]>,
    not_written: Vec<[EventId; 3]>,
}

async fn append_until(store: PostgresStore, over: Arc<AtomicBool>) -> Ledger {
    let mut ledger = Ledger::default();
    while !over.load(Ordering::Relaxed) {
        let batch: Vec<_> = (0..3).map(|_| sold(&fastrand::u32(..50).to_string())).collect();
        let ids = [batch[0].id, batch[1].id, batch[2].id];
        match store.append(batch, AppendCondition::None).await {
            Ok(_) => ledger.acknowledged.push(ids),
            Err(AppendError::Store(error)) if error.kind() == StoreErrorKind::OutcomeUnknown => {
                ledger.unknown.push(ids);
            }
            Err(AppendError::Store(error)) if error.is_retryable() => {
                ledger.not_written.push(ids);
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    ledger
}

/// Sends a batch again until its outcome is known. `found` of its events were in the log before.
async fn find_out(store: &PostgresStore, ids: [EventId; 3], found: usize) {
    let mut open = false;
    for _ in 0..20 {
        let again = ids.map(|id| NewEvent { id, ..sold("again") }).into();
        match store.append(again, AppendCondition::None).await {
            Ok(_) => return assert_eq!(found, 0),
            Err(AppendError::DuplicateEventId(id)) => {
                return assert!(id == ids[0] && (found == 3 || open));
            }
            // Some connections of the store were killed while they were idle.
            Err(AppendError::Store(error)) if error.kind() == StoreErrorKind::OutcomeUnknown => {
                open = true;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    panic!("the outcome is still not known");
}

async fn backends_may_be_killed(mode: Mode) {
    let schema = Schema::new(mode).await;
    let mut handles = Vec::new();
    for n in 0..3 {
        let options = options().application_name(&schema.name[..60.min(schema.name.len())]);
        let pool = PgPoolOptions::new().max_connections(6).connect_with(options).await.unwrap();
        handles.push(schema.config().open(pool).await.unwrap());
        assert!(handles.len() == n + 1);
    }
    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..12)
        .map(|n| tokio::spawn(append_until(handles[n % 3].clone(), Arc::clone(&over))))
        .collect();
    let killer = pool(1).await;
    let mut killed = 0;
    for _ in 0..150 {
        tokio::time::sleep(Duration::from_millis(fastrand::u64(5..35))).await;
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = $1 AND state <> 'idle' ORDER BY random() LIMIT 1";
        let rows = query(sql)
            .bind(&schema.name[..60.min(schema.name.len())])
            .fetch_all(&killer)
            .await
            .unwrap();
        killed += rows.len();
    }
    over.store(true, Ordering::Relaxed);
    let mut all = Ledger::default();
    for client in clients {
        let ledger = client.await.unwrap();
        all.acknowledged.extend(ledger.acknowledged);
        all.unknown.extend(ledger.unknown);
        all.not_written.extend(ledger.not_written);
    }
    assert!(
        killed > 50 && !all.unknown.is_empty(),
        "{killed} killed, {} unknown",
        all.unknown.len()
    );
    let log = handles[0].read_all(&Query::all()).await.unwrap();
    let stored: HashSet<_> = log.iter().map(|record| record.id).collect();
    let count = |ids: &[EventId; 3]| ids.iter().filter(|id| stored.contains(*id)).count();
    assert!(all.acknowledged.iter().all(|ids| count(ids) == 3), "an acknowledged batch is lost");
    assert!(all.not_written.iter().all(|ids| count(ids) == 0), "told as not written, but is there");
    assert!(all.unknown.iter().all(|ids| [0, 3].contains(&count(ids))), "half a batch is there");
    for ids in &all.unknown {
        find_out(&handles[1], *ids, count(ids)).await;
    }
    let log = handles[2].read_all(&Query::all()).await.unwrap();
    let stored: HashSet<_> = log.iter().map(|record| record.id).collect();
    assert_eq!(stored.len(), log.len(), "an event is there twice");
    assert!(all.unknown.iter().flatten().all(|id| stored.contains(id)));
    println!(
        "{killed} killed, {} unknown, {} not written",
        all.unknown.len(),
        all.not_written.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn killed_backends_lose_nothing() {
    backends_may_be_killed(Mode::Keyed).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn killed_backends_lose_nothing_of_a_portable_log() {
    backends_may_be_killed(Mode::Portable).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_idle_store_recovers_from_lost_connections() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open().await;
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    store.read_all(&of_show("1")).await.unwrap();
    // Longer than a connection may be idle and still be used without a check.
    tokio::time::sleep(Duration::from_millis(700)).await;
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE pid <> pg_backend_pid() AND query LIKE $1";
    let killer = pool(1).await;
    let like = format!("%{}%", schema.name);
    assert!(!query(others).bind(like).fetch_all(&killer).await.unwrap().is_empty());
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    assert_eq!(store.read_all(&of_show("1")).await.unwrap().len(), 2);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_held_lock_is_told_as_busy() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open_with(schema.config().lock_timeout(Duration::from_millis(200))).await;
    let mut transaction = store.pool().begin().await.unwrap();
    store.append_in(&mut transaction, vec![sold("1")], AppendCondition::None).await.unwrap();
    let error = store_error(store.append(vec![sold("1")], unless_sold("1")).await.unwrap_err());
    assert_eq!(error.kind(), StoreErrorKind::Busy);
    assert!(matches!(cause(&error), Error::Locked { .. }), "{error:?}");
    let error = store.read(&of_show("1"), ReadOptions::all()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Busy);
    // Another boundary does not wait.
    let mut other = sold("2");
    other.event_type = factos::EventType::from_static("Other");
    store.append(vec![other.clone()], unless_sold("2")).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(store.read_all(&of_show("1")).await.unwrap().len(), 1);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_transaction_of_the_caller_commits_or_leaves_nothing() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open().await;
    schema.run("CREATE TABLE log.mine (n int)").await;
    let mine = AssertSqlSafe(format!("INSERT INTO \"{}\".mine VALUES (1)", schema.name));
    for commit in [false, true] {
        let mut transaction = store.pool().begin().await.unwrap();
        store.append_in(&mut transaction, vec![sold("1")], unless_sold("1")).await.unwrap();
        // The condition is checked against earlier events of the same transaction, too.
        let again = store.append_in(&mut transaction, vec![sold("1")], unless_sold("1")).await;
        assert!(again.unwrap_err().is_conflict());
        transaction.execute(query(mine_again(&mine))).await.unwrap();
        if commit {
            transaction.commit().await.unwrap();
        } else {
            transaction.rollback().await.unwrap();
        }
        assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), usize::from(commit));
    }
    let count = format!("SELECT count(*) FROM \"{}\".mine", schema.name);
    let row = query(AssertSqlSafe(count)).fetch_one(store.pool()).await.unwrap();
    assert_eq!(row.get::<i64, _>(0), 1);
}

fn mine_again(sql: &AssertSqlSafe<String>) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql.0.clone())
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn other_isolation_levels_are_refused() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open().await;
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        let begin = AssertSqlSafe(format!("BEGIN ISOLATION LEVEL {level}"));
        let mut transaction = store.pool().begin_with(begin).await.unwrap();
        let outcome =
            store.append_in(&mut transaction, vec![sold("1")], AppendCondition::None).await;
        let error = store_error(outcome.unwrap_err());
        assert!(matches!(cause(&error), Error::Isolation), "{error:?}");
        transaction.rollback().await.unwrap();
    }
    assert_eq!(store.head().await.unwrap(), None);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_exhausted_pool_is_told_as_busy() {
    let schema = Schema::new(Mode::Keyed).await;
    let pool = PgPoolOptions::new().max_connections(2).acquire_timeout(Duration::from_millis(200));
    let store = schema.config().open(pool.connect(&url()).await.unwrap()).await.unwrap();
    let held = [store.pool().acquire().await.unwrap(), store.pool().acquire().await.unwrap()];
    let error =
        store_error(store.append(vec![sold("1")], AppendCondition::None).await.unwrap_err());
    assert!(matches!(cause(&error), Error::PoolExhausted), "{error:?}");
    assert_eq!(error.kind(), StoreErrorKind::Busy);
    let error = store.head().await.unwrap_err();
    assert!(matches!(cause(&error), Error::PoolExhausted), "{error:?}");
    drop(held);
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_statement_timeout_is_told_with_nothing_written() {
    let schema = Schema::new(Mode::Keyed).await;
    let options = options().options([("statement_timeout", "300ms")]);
    let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
    let store = schema.config().open(pool).await.unwrap();
    let other = schema.open().await;
    let mut transaction = other.pool().begin().await.unwrap();
    other.append_in(&mut transaction, vec![sold("1")], AppendCondition::None).await.unwrap();
    let error = store_error(store.append(vec![sold("1")], unless_sold("1")).await.unwrap_err());
    assert!(matches!(cause(&error), Error::Cancelled(_)), "{error:?}");
    assert_eq!(error.kind(), StoreErrorKind::Busy);
    transaction.rollback().await.unwrap();
    store.append(vec![sold("1")], unless_sold("1")).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_server_that_becomes_read_only_refuses_appends_and_reads_on() {
    let schema = Schema::new(Mode::Keyed).await;
    let (role, admin) = (unique("role"), pool(1).await);
    let run = |sql: String| {
        let admin = admin.clone();
        async move { admin.execute(AssertSqlSafe(sql)).await.map(drop).unwrap() }
    };
    run(format!("CREATE ROLE {role} LOGIN")).await;
    for grant in schema.config().grants(&role).lines() {
        run(grant.to_owned()).await;
    }
    let pool = || PgPoolOptions::new().connect_with(options().username(&role));
    let store = schema.config().held_connections(0).open(pool().await.unwrap()).await.unwrap();
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    // The next connections of the pool have it.
    run(format!("ALTER ROLE {role} SET default_transaction_read_only = on")).await;
    run(format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"))
        .await;
    support::eventually("reads go on", || async {
        store.read_all(&of_show("1")).await.is_ok_and(|page| page.len() == 1)
    })
    .await;
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 1);
    let error =
        store_error(store.append(vec![sold("1")], AppendCondition::None).await.unwrap_err());
    assert!(matches!(cause(&error), Error::ReadOnly(_)), "{error:?}");
    let error = schema.config().open(pool().await.unwrap()).await.unwrap_err();
    assert!(matches!(cause(&error), Error::SessionDefault { .. }), "{error:?}");
    drop(store);
    run(format!("DROP OWNED BY {role}")).await;
    run(format!("DROP ROLE {role}")).await;
}

async fn connect_error(url: &str) -> StoreError {
    PostgresStore::connect(url).await.unwrap_err()
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn what_cannot_be_connected_to_is_told() {
    let (server, _) = url().rsplit_once('/').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let error = connect_error(&format!("{server}/no_such_database")).await;
    assert!(matches!(cause(&error), Error::MissingDatabase(_)), "{error:?}");
    let (_, at) = server.rsplit_once('@').unwrap();
    let error = connect_error(&format!("postgres://no_such_user:wrong@{at}/postgres")).await;
    assert!(matches!(cause(&error), Error::Denied(_)), "{error:?}");
    for no_url in [format!("{server}/postgres?sslmode=some"), "shop".to_owned()] {
        let error = connect_error(&no_url).await;
        assert!(matches!(cause(&error), Error::Url(_)), "{no_url}: {error:?}");
        assert_eq!(error.kind(), StoreErrorKind::Other);
    }
    let closed = Port::reserve();
    let error =
        connect_error(&format!("postgres://a@127.0.0.1:{}/postgres", closed.number())).await;
    assert!(matches!(cause(&error), Error::Unreachable(_)), "{error:?}");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.is_retryable());
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_full_server_is_told_as_busy() {
    let schema = Schema::new(Mode::Keyed).await;
    let role = unique("crowded");
    schema.run(&format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 0")).await;
    let error = connect_error(&url_of(&role, "")).await;
    schema.run(&format!("DROP ROLE {role}")).await;
    assert!(matches!(cause(&error), Error::ServerFull(_)), "{error:?}");
    assert_eq!(error.kind(), StoreErrorKind::Busy);
}

/// The cluster of scripts/with-postgres asks this role alone for its password.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_wrong_password_is_told() {
    let schema = Schema::new(Mode::Keyed).await;
    // PostgreSQL 13 would keep it in another form by default.
    let role = "SET password_encryption = 'scram-sha-256';
         CREATE ROLE factos_password LOGIN PASSWORD 'right'";
    schema.run(role).await;
    let wrong = PostgresStore::connect(&url_of("factos_password", ":wrong")).await;
    let right = PgPoolOptions::new().connect(&url_of("factos_password", ":right")).await;
    schema.run("DROP ROLE factos_password").await;
    right.unwrap();
    let error = wrong.unwrap_err();
    assert!(matches!(cause(&error), Error::Denied(_)), "{error:?}");
    assert_eq!(error.kind(), StoreErrorKind::Other);
}

/// The URL of the database for another role.
fn url_of(role: &str, password: &str) -> String {
    let url = url();
    let (_, at) = url.rsplit_once('@').unwrap();
    format!("postgres://{role}{password}@{at}")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn ids_that_race_are_told_apart() {
    let schema = Schema::new(Mode::Keyed).await;
    let stores = [schema.open().await, schema.open().await];
    for round in 0..50 {
        let shared = sold(&format!("{round}"));
        let tasks = [0, 1].map(|n| {
            let (store, shared) = (stores[n].clone(), shared.clone());
            // Other tags, so that no lock orders the two: the index on the ids must.
            let own = NewEvent { id: shared.id, ..sold(&format!("{round}-{n}")) };
            tokio::spawn(async move {
                let neighbour = store.append(vec![sold("neighbour")], AppendCondition::None);
                let (own, neighbour) =
                    tokio::join!(store.append(vec![own], AppendCondition::None), neighbour);
                neighbour.unwrap();
                own
            })
        });
        let mut accepted = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => accepted += 1,
                Err(AppendError::DuplicateEventId(id)) => assert_eq!(id, shared.id),
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(accepted, 1);
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn the_socket_works_as_well_as_tcp() {
    let Ok(socket) = std::env::var("FACTOS_POSTGRES_SOCKET") else {
        panic!("FACTOS_POSTGRES_SOCKET is not set: run this test through scripts/with-postgres");
    };
    let schema = Schema::new(Mode::Keyed).await;
    let pool = PgPoolOptions::new().connect_with(options().socket(socket)).await.unwrap();
    let store = schema.config().open(pool).await.unwrap();
    store.append(vec![sold("1")], unless_sold("1")).await.unwrap();
    assert_eq!(store.read_all(&of_show("1")).await.unwrap().len(), 1);
}

/// A trigger of the application's that lets an event vanish makes an error of the append, however many events it has.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_event_that_a_trigger_suppresses_is_not_told_as_written() {
    for mode in [Mode::Keyed, Mode::Portable] {
        let schema = Schema::new(mode).await;
        let store = schema.open().await;
        let trigger = "CREATE FUNCTION log.suppress() RETURNS trigger LANGUAGE plpgsql AS
              'BEGIN IF ''show:none'' = ANY(NEW.tags) THEN RETURN NULL; END IF; RETURN NEW; END';
            CREATE TRIGGER suppress BEFORE INSERT ON log.events FOR EACH ROW EXECUTE FUNCTION log.suppress()";
        schema.run(trigger).await;
        for shows in [&["none"][..], &["some", "none"], &["none", "some", "other"]] {
            let events = || shows.iter().map(|show| sold(show)).collect();
            let error =
                store_error(store.append(events(), AppendCondition::None).await.unwrap_err());
            assert!(format!("{error:?}").contains("events inserted"), "{error:?}");
            let mut transaction = store.pool().begin().await.unwrap();
            let appended = store.append_in(&mut transaction, events(), AppendCondition::None).await;
            let error = store_error(appended.unwrap_err());
            assert!(format!("{error:?}").contains("events inserted"), "{error:?}");
        }
        store.append(vec![sold("some")], unless_sold("some")).await.unwrap();
        store.append(vec![sold("none")], unless_sold("none")).await.unwrap_err();
        assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 1);
    }
}
