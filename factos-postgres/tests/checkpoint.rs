//! Checkpoints beside read models, in the database of the log and in others.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::sync::Arc;

use factos::{
    Anchor, AppendCondition, CheckpointError, ErrorKind, EventId, EventStore, EventStoreExt, Query,
    SequencePosition,
};
use factos_postgres::{
    CheckpointTable, Mode, PostgresStore,
    sqlx::{self, AssertSqlSafe, Connection, Executor, PgConnection, PgPool, raw_sql},
};
use futures_util::future::join_all;
use support::{Schema, options_of_database, pool, sold, unique, until_blocked, url};
use tokio::sync::Barrier;

fn at(position: u64) -> Option<SequencePosition> {
    SequencePosition::new(position)
}

fn anchor(log: &str, position: u64) -> Anchor {
    Anchor::new(log, at(position).unwrap(), EventId::new())
}

fn table(schema: &Schema) -> CheckpointTable {
    CheckpointTable::in_schema(&schema.name).unwrap()
}

/// A connection, and the tables in a schema of their own.
async fn tables() -> (Schema, PgConnection, CheckpointTable) {
    let schema = Schema::named(Mode::Keyed);
    schema.run(&format!("CREATE SCHEMA \"{}\"", schema.name)).await;
    let mut connection = PgConnection::connect(&url()).await.unwrap();
    let table = table(&schema);
    table.migrate(&mut connection).await.unwrap();
    (schema, connection, table)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn it_is_moved_from_where_it_was_expected_and_from_nowhere_else() {
    let (_schema, mut connection, table) = tables().await;
    let orders = table.checkpoint("orders");
    assert_eq!(orders.load(&mut connection).await.unwrap(), None);
    let (first, second) = (anchor("log", 3), anchor("log", 7));
    for (expected, to, found) in
        [(at(1), &first, None), (None, &second, at(3)), (at(2), &second, at(3))]
    {
        match orders.advance(&mut connection, expected, to).await.unwrap_err() {
            CheckpointError::Moved { name, expected: told, found: row } => {
                let name_of_it = r#""orders", version 1, partition 0"#;
                assert_eq!((name.as_str(), told, row), (name_of_it, expected, found));
            }
            error => panic!("{error:?}"),
        }
        if found.is_none() {
            orders.advance(&mut connection, None, &first).await.unwrap();
            assert_eq!(orders.load(&mut connection).await.unwrap().as_ref(), Some(&first));
        }
    }
    orders.advance(&mut connection, at(3), &second).await.unwrap();
    // The last batch of a subscription may be at the same position.
    orders.advance(&mut connection, at(7), &second).await.unwrap();
    assert_eq!(orders.load(&mut connection).await.unwrap(), Some(second));

    let error = orders.advance(&mut connection, at(7), &anchor("log", 6)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument, "{error}");
    for expected in [None, at(7)] {
        let to = anchor("another log", 8);
        let error = orders.advance(&mut connection, expected, &to).await.unwrap_err();
        let is_told = matches!(&error, CheckpointError::OtherLog { kept, found }
            if kept == "log" && found == "another log");
        assert!(is_told, "{error:?}");
    }
    for other in
        [table.checkpoint("Orders"), orders.clone().version(2), orders.clone().partition(1)]
    {
        assert_eq!(other.load(&mut connection).await.unwrap(), None, "one of its own");
        other.advance(&mut connection, None, &anchor("log", u64::MAX)).await.unwrap();
    }
    orders.remove(&mut connection).await.unwrap();
    assert_eq!(orders.load(&mut connection).await.unwrap(), None);
    let other = table.checkpoint("Orders").load(&mut connection).await.unwrap().unwrap();
    assert_eq!(other.position().get(), u64::MAX);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn what_cannot_be_used_is_told() {
    let (schema, mut connection, table) = tables().await;
    let orders = table.checkpoint("orders");
    orders.advance(&mut connection, None, &anchor("log", 5)).await.unwrap();
    schema.run("UPDATE log.factos_checkpoint SET position = 0").await;
    let error = orders.load(&mut connection).await.unwrap_err();
    assert!(matches!(error, CheckpointError::Damaged { .. }), "{error:?}");
    schema.run("UPDATE log.factos_checkpoint_format SET format = 2").await;
    let error = orders.load(&mut connection).await.unwrap_err();
    assert!(matches!(error, CheckpointError::Format { found: 2, known: 1 }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    schema.run("DROP TABLE log.factos_checkpoint").await;
    let error = orders.load(&mut connection).await.unwrap_err();
    assert!(matches!(error, CheckpointError::Database(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn many_make_the_tables_at_once_and_a_rollback_takes_them_back() {
    let schema = Schema::named(Mode::Keyed);
    schema.run(&format!("CREATE SCHEMA \"{}\"", schema.name)).await;
    let table = table(&schema);
    let mut undone = PgConnection::connect(&url()).await.unwrap();
    let mut transaction = undone.begin().await.unwrap();
    table.migrate(&mut transaction).await.unwrap();
    table.checkpoint("orders").advance(&mut transaction, None, &anchor("log", 1)).await.unwrap();
    transaction.rollback().await.unwrap();
    assert!(table.checkpoint("orders").load(&mut undone).await.is_err(), "the tables are there");
    let made = join_all((0..8).map(|_| async {
        let mut connection = PgConnection::connect(&url()).await.unwrap();
        table.migrate(&mut connection).await
    }));
    made.await.into_iter().for_each(Result::unwrap);
    assert_eq!(table.checkpoint("orders").load(&mut undone).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn what_a_search_path_hides_is_not_used() {
    let (schema, mut connection, table) = tables().await;
    schema
        .run(
            "CREATE FUNCTION log.never(text, text) RETURNS bool LANGUAGE sql AS 'SELECT false';
             CREATE OPERATOR log.= (LEFTARG = text, RIGHTARG = text, FUNCTION = log.never);
             CREATE FUNCTION log.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$SELECT 'epoch'::timestamptz$$",
        )
        .await;
    let path = format!("SET search_path = \"{}\", pg_catalog", schema.name);
    connection.execute(raw_sql(AssertSqlSafe(path))).await.unwrap();
    let orders = table.checkpoint("orders");
    orders.advance(&mut connection, None, &anchor("log", 1)).await.unwrap();
    orders.advance(&mut connection, at(1), &anchor("log", 2)).await.unwrap();
    let kept = orders.load(&mut connection).await.unwrap();
    assert_eq!(kept.map(|kept| kept.position()), at(2));
}

/// Applies the log to a table, each batch together with the checkpoint, until this position.
async fn project(
    store: PostgresStore,
    models: PgPool,
    table: CheckpointTable,
    insert: String,
    isolation: &str,
    until: Option<SequencePosition>,
    all_are_there: Arc<Barrier>,
) -> (usize, usize) {
    let checkpoint = table.checkpoint("orders");
    let (mut applied, mut refused) = (0, 0);
    loop {
        let kept = checkpoint.load(&mut models.acquire().await.unwrap()).await.unwrap();
        let mut from = store.resume(kept).await.unwrap();
        let mut events = store.subscribe(Query::all(), from).page(3);
        loop {
            if from >= until {
                return (applied, refused);
            }
            let batch = events.next().await.unwrap();
            let to = batch.anchor(&store).await.unwrap().unwrap();
            if (applied, refused) == (0, 0) {
                // All have the first batch.
                all_are_there.wait().await;
            }
            let begin = format!("BEGIN ISOLATION LEVEL {isolation}");
            let mut transaction = models.begin_with(AssertSqlSafe(begin)).await.unwrap();
            for record in &batch.records {
                let insert = sqlx::query(AssertSqlSafe(insert.clone()));
                let position = record.position.get().cast_signed();
                insert.bind(position).execute(&mut *transaction).await.unwrap();
            }
            match checkpoint.advance(&mut transaction, from, &to).await {
                Ok(()) => transaction.commit().await.unwrap(),
                Err(error) => {
                    let is_busy = isolation != "READ COMMITTED" && error.kind() == ErrorKind::Busy;
                    let is_moved = matches!(error, CheckpointError::Moved { .. });
                    assert!(is_busy || is_moved, "{error:?}");
                    refused += 1;
                    break;
                }
            }
            applied += 1;
            from = batch.through;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn two_workers_of_one_name_never_both_advance() {
    for isolation in ["READ COMMITTED", "REPEATABLE READ"] {
        let schema = Schema::new(Mode::Keyed).await;
        let (store, models) = (schema.open().await, pool(4).await);
        schema.run("CREATE TABLE log.seen (n bigserial, position bigint)").await;
        let events = (0..300).map(|_| sold("a")).collect();
        store.append(events, AppendCondition::None).await.unwrap();
        let until = store.head().await.unwrap();
        let table = table(&schema);
        table.migrate(&mut models.acquire().await.unwrap()).await.unwrap();
        let insert = format!("INSERT INTO \"{}\".seen (position) VALUES ($1)", schema.name);
        let all_are_there = Arc::new(Barrier::new(4));
        let workers = (0..4).map(|_| {
            let (store, models, table) = (store.clone(), models.clone(), table.clone());
            let all_are_there = Arc::clone(&all_are_there);
            tokio::spawn(project(
                store,
                models,
                table,
                insert.clone(),
                isolation,
                until,
                all_are_there,
            ))
        });
        let counts: Vec<_> = join_all(workers).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(counts.iter().map(|(applied, _)| applied).sum::<usize>(), 100, "batches");
        let refused: usize = counts.iter().map(|(_, refused)| refused).sum();
        assert!(refused >= 3, "{refused} workers were refused");
        let seen = format!("SELECT position FROM \"{}\".seen ORDER BY n", schema.name);
        let seen: Vec<i64> =
            sqlx::query_scalar(AssertSqlSafe(seen)).fetch_all(&models).await.unwrap();
        let all = store.read_all(&Query::all()).await.unwrap();
        let all: Vec<_> = all.iter().map(|record| record.position.get().cast_signed()).collect();
        assert_eq!(seen, all, "each event once and in order");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_worker_waits_for_the_other_transaction_and_is_told_what_became_of_it() {
    let (_schema, mut one, table) = tables().await;
    let orders = table.checkpoint("orders");
    orders.advance(&mut one, None, &anchor("log", 1)).await.unwrap();
    for commits in [false, true] {
        let mut transaction = one.begin().await.unwrap();
        orders.advance(&mut transaction, at(1), &anchor("log", 2)).await.unwrap();
        let waiting = tokio::spawn({
            let orders = orders.clone();
            async move {
                let mut two = PgConnection::connect(&url()).await.unwrap();
                let mut transaction = two.begin().await.unwrap();
                orders.advance(&mut transaction, at(1), &anchor("log", 3)).await
            }
        });
        until_blocked("UPDATE%factos_checkpoint%").await;
        assert!(!waiting.is_finished());
        if commits {
            transaction.commit().await.unwrap();
            let error = waiting.await.unwrap().unwrap_err();
            assert!(
                matches!(error, CheckpointError::Moved { found, .. } if found == at(2)),
                "{error:?}"
            );
        } else {
            transaction.rollback().await.unwrap();
            waiting.await.unwrap().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn another_database_keeps_it_and_a_log_that_was_restored_is_told() {
    for mode in [Mode::Keyed, Mode::Portable] {
        let (schema, name) = (Schema::new(mode).await, unique("models"));
        schema.run(&format!("CREATE DATABASE {name}")).await;
        let mut models = PgConnection::connect_with(&options_of_database(&name)).await.unwrap();
        let table = CheckpointTable::in_schema("public").unwrap();
        table.migrate(&mut models).await.unwrap();
        let checkpoint = table.checkpoint("orders");

        let store = schema.open().await;
        store.append(vec![sold("a"), sold("b")], AppendCondition::None).await.unwrap();
        let batch = store.subscribe(Query::all(), None).next().await.unwrap();
        let to = batch.anchor(&store).await.unwrap().unwrap();
        checkpoint.advance(&mut models, None, &to).await.unwrap();
        let kept = checkpoint.load(&mut models).await.unwrap();
        assert_eq!(store.resume(kept).await.unwrap(), batch.through);
        drop(store);

        schema.empty().await;
        let restart = match mode {
            Mode::Keyed => "SELECT setval('log.position_seq', 0)",
            Mode::Portable => "UPDATE log.head SET position = 0",
            _ => unreachable!(),
        };
        schema.run(restart).await;
        let restored = schema.open().await;
        let kept = checkpoint.load(&mut models).await.unwrap();
        let error = restored.resume(kept.clone()).await.unwrap_err();
        assert!(matches!(error, CheckpointError::AboveHead { .. }), "{mode}: {error:?}");
        let events = vec![sold("c"), sold("d"), sold("e")];
        restored.append(events, AppendCondition::None).await.unwrap();
        let error = restored.resume(kept).await.unwrap_err();
        assert!(matches!(error, CheckpointError::Rewritten { .. }), "{mode}: {error:?}");
        restored.pool().close().await;
        models.close().await.unwrap();
        schema.run(&format!("DROP DATABASE {name}")).await;
    }
}
