//! The tables: how they are made, and what is told of those that cannot be used.

use std::time::Duration;

use factos::ErrorKind;
use factos_consumer::port::{
    Beat, ConsumerId, Decision, ParkedQuery, Port, PortError, Registration, Selection, Step,
    Succession, Token,
};
use factos_postgres::{
    Mode, PostgresConsumers,
    sqlx::{AssertSqlSafe, raw_sql},
};
use futures_util::future::{BoxFuture, FutureExt, join_all};

use crate::{
    LONG, Tables, anchor, lease, orders, parked, partition, process, step,
    support::{Schema, pool},
};

type Call = (&'static str, BoxFuture<'static, Result<(), PortError>>);

/// Every call of a port, on partition 0 of `orders`.
fn calls(port: &PostgresConsumers) -> Vec<Call> {
    macro_rules! call {
        ($name:literal, |$port:ident| $call:expr) => {{
            let $port = port.clone();
            ($name, async move { $call.await.map(drop) }.boxed())
        }};
    }
    let (consumer, succession) = (orders(), Succession::Rebuild);
    let registration = Registration { consumer, partitions: 1, succession, start: None };
    let beat = beat(&[], Vec::new());
    let due = ParkedQuery::Due { partition: partition(0), partitions: 1 };
    vec![
        call!("register", |port| port.register(&registration)),
        call!("beat", |port| port.beat(&beat)),
        call!("acquire", |port| port.acquire(&process("b"), &partition(0), LONG)),
        call!("release", |port| port.release(&partition(7), Token(1))),
        call!("leave", |port| port.leave(&process("b"))),
        call!("commit", |port| port.commit(step(0, Token(1), 0, 1), None)),
        call!("report", |port| port.report(&partition(7), Token(1), "")),
        call!("consumers", |port| port.consumers()),
        call!("parked", |port| port.parked(&due, 9)),
        call!("count_parked", |port| port.count_parked(&orders())),
        call!("decide", |port| port.decide(&orders(), &Selection::All, &Decision::Retry)),
        call!("promote", |port| port.promote(&orders(), None)),
        call!("retire", |port| port.retire(&ConsumerId::new("orders", 2))),
    ]
}

fn beat(serves: &[ConsumerId], held: Vec<(factos_consumer::port::PartitionId, Token)>) -> Beat {
    Beat { process: process("a"), serves: serves.to_vec(), held, lease: LONG }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn many_make_the_tables_at_once() {
    let schema = Schema::named(Mode::Keyed);
    schema.run(&format!("CREATE SCHEMA \"{}\"", schema.name)).await;
    let made = join_all((0..8).map(|_| async {
        let port = PostgresConsumers::new(pool(1).await, &schema.name).unwrap();
        port.migrate().await?;
        port.migrate().await
    }));
    made.await.into_iter().for_each(Result::unwrap);
    let port = PostgresConsumers::new(pool(1).await, &schema.name).unwrap();
    assert!(port.consumers().await.unwrap().is_empty());
    assert!(PostgresConsumers::new(pool(1).await, "no\"schema").is_err());

    let by_hand = Schema::named(Mode::Keyed);
    by_hand.run(&format!("CREATE SCHEMA \"{}\"", by_hand.name)).await;
    let own = pool(1).await;
    let port = PostgresConsumers::new(own.clone(), &by_hand.name).unwrap();
    raw_sql(AssertSqlSafe(port.sql())).execute(&own).await.unwrap();
    port.migrate().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn another_format_is_told_by_every_call_and_nothing_is_changed() {
    let tables = Tables::new().await;
    let port = tables.port().await;
    tables.register(&port, 1).await;
    let told = |name: &str, outcome: Result<(), PortError>| {
        let error = outcome.unwrap_err();
        assert!(matches!(error, PortError::Format { found: 2, known: 1 }), "{name}: {error:?}");
        assert_eq!(error.kind(), ErrorKind::Mismatch);
    };
    tables.run("UPDATE log.factos_consumer_format SET format = 2").await;
    for (name, call) in calls(&port) {
        told(name, call.await);
    }
    told("migrate", port.migrate().await);
    tables.run("UPDATE log.factos_consumer_format SET format = 1").await;
    let snapshot = port.beat(&beat(&[orders()], Vec::new())).await.unwrap();
    assert_eq!(snapshot.processes.len(), 1);
    assert_eq!(snapshot.consumers[0].partitions[0].owner, None);

    tables.run("DELETE FROM log.factos_consumer_format").await;
    for (name, call) in calls(&port) {
        let error = call.await.unwrap_err();
        let is_told = matches!(error, PortError::Damaged { .. } | PortError::Database(_));
        assert!(is_told, "{name}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_damaged_row_is_an_error() {
    for (sql, called) in [
        ("UPDATE log.factos_consumer SET state = 'dead'", "consumers"),
        ("UPDATE log.factos_consumer SET state = 'dead'", "acquire"),
        ("UPDATE log.factos_consumer SET state = 'dead'", "promote"),
        ("UPDATE log.factos_consumer SET succession = ''", "register"),
        ("UPDATE log.factos_consumer SET succession = ''", "beat"),
        ("UPDATE log.factos_consumer SET resize_to = -1", "beat"),
        ("UPDATE log.factos_consumer SET resize_to = 0", "consumers"),
        ("UPDATE log.factos_consumer SET resize_to = 2, resize_until = 0", "consumers"),
        ("UPDATE log.factos_consumer SET version = -1", "consumers"),
        ("UPDATE log.factos_consumer_partition SET position = 0", "consumers"),
        ("UPDATE log.factos_consumer_partition SET position = -1", "beat"),
        ("UPDATE log.factos_consumer_partition SET log_id = NULL", "acquire"),
        ("UPDATE log.factos_consumer_partition SET event_id = NULL", "acquire"),
        ("UPDATE log.factos_consumer_partition SET token = -5", "acquire"),
        ("UPDATE log.factos_consumer_partition SET error = U&'\\0001x'", "consumers"),
        ("INSERT INTO log.factos_consumer_partition VALUES ('orders', 1, -1)", "beat"),
        ("UPDATE log.factos_consumer_parked SET effect = -1", "parked"),
        ("UPDATE log.factos_consumer_parked SET attempts = 4294967296", "parked"),
        ("UPDATE log.factos_consumer_parked SET position = -1", "parked"),
        ("UPDATE log.factos_consumer_parked SET key = U&'\\0001'", "acquire"),
    ] {
        let tables = Tables::new().await;
        let port = tables.port_with(2, &[]).await;
        tables.register(&port, 1).await;
        let token = lease(&port, "a", 0, LONG).await.token;
        let mut first = step(0, token, 0, 5);
        first.park.push(parked(3, Some("key"), Some(Duration::ZERO)));
        port.commit(first, None).await.unwrap();
        port.release(&partition(0), token).await.unwrap();
        tables.run(sql).await;
        let outcome = if called == "beat" {
            port.beat(&beat(&[orders()], Vec::new())).await.map(drop)
        } else {
            calls(&port).into_iter().find(|(name, _)| *name == called).unwrap().1.await
        };
        if sql.contains("token = -5") {
            // It goes on above it.
            outcome.unwrap();
            continue;
        }
        let error = outcome.unwrap_err();
        assert!(matches!(error, PortError::Damaged { .. }), "{called} after {sql}: {error:?}");
        assert_eq!(error.kind(), ErrorKind::Broken);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn what_a_search_path_hides_is_not_used() {
    let tables = Tables::new().await;
    for of in ["text", "int8", "timestamptz"] {
        tables
            .run(&format!(
                "CREATE FUNCTION log.never({of}, {of}) RETURNS bool LANGUAGE sql AS 'SELECT false';
                 CREATE OPERATOR log.= (LEFTARG = {of}, RIGHTARG = {of}, FUNCTION = log.never);
                 CREATE OPERATOR log.< (LEFTARG = {of}, RIGHTARG = {of}, FUNCTION = log.never);
                 CREATE OPERATOR log.<= (LEFTARG = {of}, RIGHTARG = {of}, FUNCTION = log.never);
                 CREATE OPERATOR log.> (LEFTARG = {of}, RIGHTARG = {of}, FUNCTION = log.never);
                 CREATE FUNCTION log.min({of}) RETURNS {of} LANGUAGE sql AS 'SELECT NULL::{of}'"
            ))
            .await;
    }
    tables
        .run(
            "CREATE FUNCTION log.clock_timestamp() RETURNS timestamptz LANGUAGE sql
               AS $$SELECT 'epoch'::timestamptz$$;
             CREATE FUNCTION log.unnest(anyarray) RETURNS SETOF anyelement LANGUAGE sql
               AS $$SELECT $1[1] LIMIT 0$$;
             CREATE FUNCTION log.count(x text) RETURNS int8 LANGUAGE sql AS 'SELECT 7::int8';
             CREATE DOMAIN log.int8 AS text; CREATE DOMAIN log.text AS bool;
             CREATE DOMAIN log.uuid AS bool; CREATE DOMAIN log.interval AS bool",
        )
        .await;
    let path = format!("{},pg_catalog", tables.0.name);
    a_whole_story(&tables, &[("search_path", &path)]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn defaults_of_a_role_do_not_count() {
    for isolation in ["repeatable read", "serializable"] {
        let tables = Tables::new().await;
        let settings = [
            ("default_transaction_isolation", isolation),
            ("default_transaction_read_only", "on"),
            ("default_transaction_deferrable", "on"),
            ("synchronous_commit", "off"),
            ("standard_conforming_strings", "off"),
            ("bytea_output", "escape"),
            ("DateStyle", "German"),
            ("IntervalStyle", "sql_standard"),
            ("TimeZone", "Asia/Kathmandu"),
        ];
        a_whole_story(&tables, &settings).await;
    }
}

/// Each call has its effect, with these settings.
async fn a_whole_story(tables: &Tables, settings: &[(&str, &str)]) {
    let port = tables.port_with(4, settings).await;
    port.migrate().await.unwrap();
    tables.register(&port, 1).await;
    let grant = lease(&port, "a", 0, LONG).await;
    assert_eq!((grant.anchor, grant.partitions), (None, 1));
    let held = vec![(partition(0), grant.token)];
    let snapshot = port.beat(&beat(&[orders()], held.clone())).await.unwrap();
    assert_eq!((snapshot.processes.len(), snapshot.lost.len()), (1, 0));
    assert_eq!(snapshot.processes[0].serves, [orders()]);
    assert!(snapshot.consumers[0].partitions[0].free_in > LONG / 2);
    let mut first = step(0, grant.token, 0, 5);
    first.park.push(parked(3, Some("key"), Some(LONG)));
    first.park.push(parked(4, Some("key"), Some(Duration::ZERO)));
    let written = tables.work("INSERT INTO log.written (text) VALUES ('one')");
    port.commit(first, written).await.unwrap();
    assert_eq!(tables.rows().await, ["one"]);
    let refused = port.commit(step(0, Token(1), 5, 6), None).await.unwrap_err();
    assert!(matches!(refused, PortError::LeaseLost(_)), "{refused:?}");
    let moved = port.commit(step(0, grant.token, 4, 6), None).await.unwrap_err();
    assert!(matches!(moved, PortError::Moved { .. }), "{moved:?}");
    let row = port.beat(&beat(&[orders()], held)).await.unwrap().consumers.remove(0);
    assert!(row.retry_in.is_some_and(|pause| pause > LONG / 2), "{:?}", row.retry_in);
    let due = ParkedQuery::Due { partition: partition(0), partitions: 1 };
    assert!(port.parked(&due, 9).await.unwrap().is_empty());
    let skip = Decision::Skip("never".to_owned());
    let skipped = Selection::At(anchor(3).position());
    assert_eq!(port.decide(&orders(), &skipped, &skip).await.unwrap(), 1);
    assert_eq!(port.parked(&due, 9).await.unwrap().len(), 1);
    assert_eq!(port.count_parked(&orders()).await.unwrap().waiting, 1);
    port.report(&partition(0), grant.token, "it broke").await.unwrap();
    assert_eq!(port.consumers().await.unwrap()[0].partitions[0].error.as_deref(), Some("it broke"));
    assert!(port.acquire(&process("b"), &partition(0), LONG).await.unwrap().is_none());
    port.release(&partition(0), grant.token).await.unwrap();
    let again = lease(&port, "b", 0, LONG).await;
    assert!(again.token > grant.token);
    assert_eq!(again.blocked, ["key"]);
    tables.register(&port, 2).await;
    let lost = port.commit(Step::new(partition(0), again.token), None).await.unwrap_err();
    assert!(matches!(lost, PortError::LeaseLost(_)), "{lost:?}");
    let row = port.beat(&beat(&[orders()], Vec::new())).await.unwrap().consumers.remove(0);
    assert_eq!((row.partitions.len(), row.resize), (2, None));
    port.leave(&process("a")).await.unwrap();
    let second = Registration {
        consumer: ConsumerId::new("orders", 2),
        partitions: 1,
        succession: Succession::Rebuild,
        start: None,
    };
    port.register(&second).await.unwrap();
    port.promote(&second.consumer, tables.work("INSERT INTO log.written (text) VALUES ('two')"))
        .await
        .unwrap();
    port.retire(&orders()).await.unwrap();
    assert_eq!(tables.rows().await, ["one", "two"]);
}
