//! What calls cost the server, in messages and in pages of its memory: neither depends on how busy the machine is.

use std::time::Duration;

use factos_consumer::port::{Beat, ConsumerId, ParkedQuery, Port, Registration, Succession};
use factos_postgres::{
    Mode, PostgresConsumers,
    sqlx::{self, PgPool, postgres::PgPoolOptions},
};

use crate::{
    LONG, Tables, lease, orders, partition, process,
    support::{Schema, options_of_database, pool, unique},
};

/// Longer than a session keeps what it has counted for itself.
const COUNTED: Duration = Duration::from_millis(1_100);

const PARKED: u32 = 100_000;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_beat_is_one_transaction_however_many_leases_there_are() {
    let (outside, name) = (Schema::named(Mode::Keyed), unique("beats"));
    outside.run(&format!("CREATE DATABASE {name}")).await;
    let own = PgPoolOptions::new().max_connections(1);
    let own = own.connect_with(options_of_database(&name)).await.unwrap();
    let port = PostgresConsumers::new(own.clone(), "public").unwrap();
    port.migrate().await.unwrap();
    let serves: Vec<_> = (1..=5).map(|n| ConsumerId::new(format!("consumer {n}"), 1)).collect();
    let mut held = Vec::new();
    for consumer in &serves {
        let (id, succession) = (consumer.clone(), Succession::Rebuild);
        let registration = Registration { consumer: id, partitions: 4, succession, start: None };
        port.register(&registration).await.unwrap();
        for number in 0..4 {
            let id = factos_consumer::port::PartitionId { consumer: consumer.clone(), number };
            let grant = port.acquire(&process("a"), &id, LONG).await.unwrap().unwrap();
            held.push((id, grant.token));
        }
    }
    let beat = Beat { process: process("a"), serves, held, lease: LONG };
    let any = pool(1).await;
    let count = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1";
    settled(&own).await;
    let before: i64 = sqlx::query_scalar(count).bind(&name).fetch_one(&any).await.unwrap();
    for _ in 0..BEATS {
        let snapshot = port.beat(&beat).await.unwrap();
        assert_eq!((snapshot.consumers.len(), snapshot.lost.len()), (5, 0));
    }
    settled(&own).await;
    let after: i64 = sqlx::query_scalar(count).bind(&name).fetch_one(&any).await.unwrap();
    // One is that which has the session tell what it has counted, and the server itself looks into the database once
    // in a while.
    let asked = after - before;
    assert!((BEATS..BEATS + BEATS / 5).contains(&asked), "{asked} transactions for {BEATS} beats");
    own.close().await;
    outside.run(&format!("DROP DATABASE {name}")).await;
}

/// Many more than what the server does by itself meanwhile.
const BEATS: i64 = 100;

/// Has the one session of a pool tell what it has counted.
async fn settled(pool: &PgPool) {
    tokio::time::sleep(COUNTED).await;
    sqlx::raw_sql("SELECT 1").execute(pool).await.unwrap();
}

/// How many pages of the tables of the port were looked at.
async fn pages(tables: &Tables, own: &PgPool, any: &PgPool) -> i64 {
    settled(own).await;
    let sql = "SELECT sum(coalesce(heap_blks_read, 0) + coalesce(heap_blks_hit, 0)
                 + coalesce(idx_blks_read, 0) + coalesce(idx_blks_hit, 0))::int8
               FROM pg_statio_all_tables WHERE schemaname = $1";
    sqlx::query_scalar(sql).bind(&tables.0.name).fetch_one(any).await.unwrap()
}

/// Parks many events, by the SQL of their key and of when they are tried again.
async fn park(tables: &Tables, key: &str, is_first: &str, retry_at: &str, is_analyzed: bool) {
    tables
        .run(&format!(
            "INSERT INTO log.factos_consumer_parked
               (name, version, position, effect, key, slot, attempts, reason, retry_at, is_first)
             SELECT 'orders', 1, n, 0, {key}, 0, 1, 'it failed', {retry_at}, {is_first}
             FROM generate_series(1, {PARKED}) n"
        ))
        .await;
    if is_analyzed {
        tables.run("VACUUM ANALYZE log.factos_consumer_parked").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn calls_beside_many_parked_events_look_at_few() {
    let later = "clock_timestamp() + interval '1 hour'";
    for (what, key, is_first, retry_at, is_analyzed) in [
        (
            "behind one that is tried later",
            "'key'",
            "n = 1",
            "CASE n WHEN 1 THEN clock_timestamp() + interval '1 hour' ELSE clock_timestamp() END",
            true,
        ),
        ("behind one, as far as nobody knows", "'key'", "n = 1", later, false),
        ("each of a key of its own, tried later", "'key ' || n", "true", later, true),
        ("without a key, tried never", "NULL", "true", "NULL::timestamptz", true),
    ] {
        let tables = Tables::new().await;
        tables.run("ALTER TABLE log.factos_consumer_parked SET (autovacuum_enabled = off)").await;
        let (own, any) = (pool(1).await, pool(1).await);
        let port = tables.port_of(own.clone());
        tables.register(&port, 1).await;
        park(&tables, key, is_first, retry_at, is_analyzed).await;
        let beat =
            Beat { process: process("a"), serves: vec![orders()], held: Vec::new(), lease: LONG };
        let due = ParkedQuery::Due { partition: partition(0), partitions: 1 };
        let of_key = ParkedQuery::OfKey { consumer: orders(), key: "key".to_owned() };
        // Once, so that what is looked up once in a session is known.
        port.beat(&beat).await.unwrap();
        port.parked(&due, 10).await.unwrap();
        let mut looked = Vec::new();
        let mut before = pages(&tables, &own, &any).await;
        for call in ["beat", "due", "of a key", "acquire"] {
            match call {
                "beat" => {
                    let snapshot = port.beat(&beat).await.unwrap();
                    let is_far = snapshot.consumers[0].retry_in.is_none_or(|pause| pause > LONG);
                    assert!(is_far, "{what}: {:?}", snapshot.consumers[0].retry_in);
                }
                "due" => assert!(port.parked(&due, 10).await.unwrap().is_empty(), "{what}"),
                "of a key" => drop(port.parked(&of_key, 10).await.unwrap()),
                // The keys themselves are told, however many.
                _ if key.contains("||") => break,
                _ => drop(lease(&port, "a", 0, LONG).await),
            }
            let after = pages(&tables, &own, &any).await;
            looked.push((call, after - before));
            before = after;
        }
        println!("{what}: {looked:?}");
        let most = looked.iter().map(|(_, pages)| *pages).max().unwrap();
        assert!(most < 150, "{what}: {looked:?} pages");
    }
}
