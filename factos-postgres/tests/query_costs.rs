//! What a query costs grows with its rarest part and not with the log: counted in pages of the server's memory that its
//! statement touches, which does not depend on how busy the machine is.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use factos_postgres::{
    Mode,
    sqlx::{AssertSqlSafe, Executor, PgConnection, query_scalar, raw_sql},
};
use support::{Schema, pool};

/// The sizes of the log that are compared.
const SMALL: u64 = 2_000;
const LARGE: u64 = 50_000;

/// What is known of a log when its queries are planned.
#[derive(Debug, Clone, Copy)]
enum Statistics {
    Fresh,
    /// Of before there was an event of the rare type and of the rare tag.
    Old,
    None,
}

/// Five events of the rare type and five with the rare tag, whose name is the last one, evenly among others that
/// differ in their type, one of two, and in nothing else.
async fn filled(mode: Mode, statistics: Statistics, events: u64) -> Schema {
    let schema = Schema::new(mode).await;
    schema.run("ALTER TABLE log.events SET (autovacuum_enabled = off)").await;
    schema.run("ALTER TABLE log.tags SET (autovacuum_enabled = off)").await;
    let insert = format!(
        "INSERT INTO log.events (position, id, type, version, tags, recorded_at, payload)
           SELECT n, gen_random_uuid(), CASE WHEN n % ({events} / 5) = 7 THEN 'Rare' WHEN n % 2 = 0 THEN 'Even' ELSE 'Hot' END, 1,
             CASE WHEN n % ({events} / 5) = 9 THEN '{{a:all,b:all,z:rare}}'::text[] ELSE '{{a:all,b:all}}' END,
             now(), 'payload'
           FROM generate_series($FROM, $TO) n;
         INSERT INTO log.tags SELECT tag, position FROM log.events, unnest(tags) tag
           WHERE position BETWEEN $FROM AND $TO;"
    );
    let insert = |from: u64, to: u64| {
        insert.replace("$FROM", &from.to_string()).replace("$TO", &to.to_string())
    };
    match statistics {
        Statistics::Old => {
            schema.run(&insert(1, 6)).await;
            schema.run("ANALYZE log.events, log.tags").await;
            schema.run(&insert(7, events)).await;
        }
        Statistics::None => schema.run(&insert(1, events)).await,
        Statistics::Fresh => {
            schema.run(&insert(1, events)).await;
            schema.run("VACUUM ANALYZE log.events").await;
            schema.run("VACUUM ANALYZE log.tags").await;
        }
    }
    let last = match mode {
        Mode::Keyed => format!("SELECT setval('log.position_seq', {events})"),
        _ => format!("UPDATE log.head SET position = {events}"),
    };
    schema.run(&last).await;
    schema
}

/// Each kind of query, and the statement that the store sends for it: what differs is in capitals.
fn statements(events: u64) -> Vec<(String, String)> {
    let items = [
        ("a rare type under a tag that is everywhere", "{Rare}", "{a:all}"),
        ("a rare tag of a type that is everywhere", "{Hot}", "{z:rare}"),
        ("a rare tag after two that are everywhere", "{}", "{a:all,b:all,z:rare}"),
        ("a rare type among others, under two tags", "{Never,Rare}", "{a:all,b:all}"),
        ("a rare type", "{Rare}", "{}"),
        ("a type of every other event under a tag that is everywhere", "{Even}", "{a:all}"),
        ("types that are everywhere under a tag that is everywhere", "{Even,Hot}", "{a:all}"),
        ("a type of every other event under two tags", "{Even}", "{a:all,b:all}"),
    ];
    let mut statements = Vec::new();
    for (name, types, tags) in items {
        let names = if tags == "{}" { "NULL, NULL" } else { "'{t:a}', '{true}'" };
        let run = "pg_postmaster_start_time()";
        let mut add = |how: &str, sql: String| statements.push((format!("{name}, {how}"), sql));
        for backwards in [false, true] {
            let how = if backwards { "backwards" } else { "forwards" };
            add(
                how,
                format!(
                    "SELECT * FROM log.read(ARRAY['{types}'], ARRAY['{tags}'], NULL, 0, {events}, 256,
                       {backwards}, {names}, {events}, '5s', {run})"
                ),
            );
            let page = format!("0, {events}, 256, {backwards}, NULL, '5s', {run}");
            add(
                &format!("a later page {how}"),
                format!("SELECT * FROM log.page(ARRAY['{types}'], ARRAY['{tags}'], NULL, {page})"),
            );
            add(
                &format!("one of two items {how}"),
                format!(
                    "SELECT * FROM log.page(ARRAY['{types}', '{{}}'], ARRAY['{tags}', '{{z:rare}}'], NULL,
                       {page})"
                ),
            );
        }
        if tags != "{}" {
            add(
                "in a group",
                format!(
                    "SELECT * FROM log.read_many(1, '{{1}}', ARRAY['{types}'], ARRAY['{tags}'], '{{NULL}}', '{{0}}',
                       '{{{events}}}', '{{256}}', '{{1}}', '{{t:a}}', '{{true}}', {run})"
                ),
            );
        }
        // Beyond the last event that matches, a fifth of the log.
        let after = events / 5 * 4 + 10;
        add(
            "a condition",
            format!(
                "SELECT log._matches('{{1,1}}', ARRAY['{types}', '{{}}'], ARRAY['{tags}', '{{never:1}}'],
                   '{{{after},0}}')"
            ),
        );
    }
    // Of a part of the log, from where it begins and from where it ends.
    let part = format!("{}, {}, 256", events / 2, events / 2 + 100);
    for (name, call) in [
        ("a count of a type", format!("_count_types('{{Even}}', {part})")),
        ("a type forwards", format!("_positions_of_types('{{Even}}', '{{}}', {part}, false)")),
        ("a type backwards", format!("_positions_of_types('{{Even}}', '{{}}', {part}, true)")),
    ] {
        statements.push((format!("{name}, within a part"), format!("SELECT log.{call}")));
    }
    for (name, types, tags) in [("one tag", "{}", "{a:all}"), ("everything", "{}", "{}")] {
        // Those just before the end of the log.
        let after = events - 1;
        let sql = format!(
            "SELECT log._matches('{{1}}', ARRAY['{types}'], ARRAY['{tags}'], '{{{after}}}')"
        );
        statements.push((format!("a condition on {name}"), sql));
    }
    statements
}

/// How many pages a statement touches once its functions are planned.
async fn cost(connection: &mut PgConnection, sql: &str) -> u64 {
    let mut last = 0;
    for _ in 0..3 {
        let explained = format!("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) {sql}");
        let plan: Vec<String> =
            query_scalar(AssertSqlSafe(explained)).fetch_all(&mut *connection).await.unwrap();
        // The first line of them is of the whole statement.
        let buffers = plan.iter().find(|line| line.contains("Buffers:"));
        let numbers = buffers.map(|line| line.split(' ').filter_map(|word| word.split_once('=')));
        let touched = |(kind, pages): (&str, &str)| {
            ["hit", "read"].contains(&kind).then(|| pages.parse::<u64>().unwrap())
        };
        last = numbers.map_or(0, |numbers| numbers.filter_map(touched).sum());
    }
    last
}

async fn costs(mode: Mode, statistics: Statistics, events: u64) -> Vec<(String, u64)> {
    let schema = filled(mode, statistics, events).await;
    let pool = pool(1).await;
    let mut connection = pool.acquire().await.unwrap();
    // As `append` sets them, which calls the function that conditions are checked by.
    let settings = [
        "plan_cache_mode = force_generic_plan",
        "enable_seqscan = off",
        "enable_bitmapscan = off",
        "max_parallel_workers_per_gather = 0",
    ];
    for setting in settings {
        connection.execute(raw_sql(AssertSqlSafe(format!("SET {setting}")))).await.unwrap();
    }
    let mut costs = Vec::new();
    for (name, sql) in statements(events) {
        let sql = sql.replace("log.", &format!("\"{}\".", schema.name));
        costs.push((name, cost(&mut connection, &sql).await));
    }
    costs
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn the_cost_of_a_query_does_not_grow_with_the_log() {
    let logs = [
        (Mode::Keyed, Statistics::Fresh),
        (Mode::Keyed, Statistics::Old),
        (Mode::Keyed, Statistics::None),
        (Mode::Portable, Statistics::Fresh),
    ];
    let mut failed = Vec::new();
    for (mode, statistics) in logs {
        let small = costs(mode, statistics, SMALL).await;
        let large = costs(mode, statistics, LARGE).await;
        for ((name, small), (_, large)) in small.into_iter().zip(large) {
            println!("{mode}, {statistics:?}, {name}: {small} pages, {large} pages");
            // The indexes have one level more.
            if small == 0 || large > 2 * small + 16 {
                failed.push(format!("{mode}, {statistics:?}, {name}: {small} to {large} pages"));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
