//! People see the events with a SQL prompt, as far as they may read the log.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::str::FromStr;

use factos::{AppendCondition, Bytes, EventStore, EventStoreExt, NewEvent, Query};
use factos_postgres::{
    Mode, PostgresStore,
    sqlx::{
        AssertSqlSafe, Executor, PgPool, Row,
        postgres::{PgConnectOptions, PgPoolOptions, PgRow},
        query, query_scalar, raw_sql,
    },
};
use support::{SOLD, Schema, pool, show_tag, sold, unique, unless_sold, url};

const BOTH: [Mode; 2] = [Mode::Keyed, Mode::Portable];

/// What a log lacks that was made before there was a view.
const WITHOUT_VIEW: &str = "DROP VIEW log.event_view; DROP FUNCTION log._viewed_events(); DROP FUNCTION log._text_of(bytea)";

fn sold_with(payload: impl Into<Bytes>) -> NewEvent {
    let mut event = NewEvent::new(SOLD, payload);
    event.tags.insert(&show_tag("1"));
    event
}

fn named(schema: &Schema, sql: &str) -> String {
    sql.replace("log.", &format!("\"{}\".", schema.name))
}

async fn rows(schema: &Schema, pool: &PgPool, sql: &str) -> Vec<PgRow> {
    query(AssertSqlSafe(named(schema, sql))).fetch_all(pool).await.unwrap()
}

/// How many events the view shows, or the code of the error.
async fn count(schema: &Schema, pool: &PgPool) -> Result<i64, String> {
    let sql = named(schema, "SELECT count(payload) FROM log.event_view");
    let count = query_scalar(AssertSqlSafe(sql)).fetch_one(pool).await;
    count.map_err(|error| error.as_database_error().unwrap().code().unwrap().into_owned())
}

async fn has_view(schema: &Schema) -> bool {
    let sql = named(schema, "SELECT to_regclass('log.event_view') IS NOT NULL");
    query_scalar(AssertSqlSafe(sql)).fetch_one(&pool(1).await).await.unwrap()
}

async fn use_it(store: &PostgresStore, show: &str) {
    store.append(vec![sold(show)], unless_sold(show)).await.unwrap();
    assert!(!store.read_all(&Query::all()).await.unwrap().is_empty());
}

/// A role that may log in; dropped with all that it may do.
struct Role(String);

impl Role {
    async fn new(schema: &Schema, grants: &str) -> Self {
        let name = unique("role");
        let grants = grants.replace("person", &name);
        schema.run(&format!("CREATE ROLE {name} LOGIN; {grants}")).await;
        Self(name)
    }

    async fn pool(&self) -> PgPool {
        let options = PgConnectOptions::from_str(&url()).unwrap().username(&self.0);
        PgPoolOptions::new().max_connections(6).connect_with(options).await.unwrap()
    }

    async fn end(self, schema: &Schema) {
        schema.run(&format!("DROP OWNED BY {0}; DROP ROLE {0}", self.0)).await;
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn every_column_is_shown_to_people() {
    for mode in BOTH {
        let schema = Schema::new(mode).await;
        let store = schema.open().await;
        let mut event = sold_with("{\"seat\": 7}");
        event.stream = Some("s".parse().unwrap());
        event.metadata.insert("user", "ann").unwrap();
        let id = event.id.to_string();
        store.append(vec![event, sold_with("{}")], AppendCondition::None).await.unwrap();
        let sql = "SELECT position, id::text, stream, revision, type, version, tags, metadata ->> 'user' AS of_user,
              metadata::text, recorded_at > now() - interval '1 hour' AS is_recent, payload,
              payload::jsonb ->> 'seat' AS seat, payload_is_text
            FROM log.event_view ORDER BY position";
        let rows = rows(&schema, store.pool(), sql).await;
        let (first, second) = (&rows[0], &rows[1]);
        assert_eq!(first.get::<i64, _>("position"), 1);
        assert_eq!(first.get::<String, _>("id"), id);
        assert_eq!(first.get::<Option<&str>, _>("stream"), Some("s"));
        assert_eq!(first.get::<Option<i64>, _>("revision"), Some(0));
        assert_eq!(first.get::<&str, _>("type"), "TicketSold");
        assert_eq!(first.get::<i64, _>("version"), 1);
        assert_eq!(first.get::<Vec<String>, _>("tags"), ["show:1"]);
        assert_eq!(first.get::<&str, _>("of_user"), "ann");
        assert!(first.get::<bool, _>("is_recent"));
        assert_eq!(first.get::<&str, _>("payload"), "{\"seat\": 7}");
        assert_eq!(first.get::<&str, _>("seat"), "7");
        assert!(first.get::<bool, _>("payload_is_text"));
        assert_eq!(second.get::<Option<&str>, _>("stream"), None);
        assert_eq!(second.get::<&str, _>("metadata"), "{}");
        assert_eq!(second.get::<&str, _>("payload"), "{}");
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_payload_that_is_no_text_is_shown_as_bytes() {
    for mode in BOTH {
        let schema = Schema::new(mode).await;
        let store = schema.open().await;
        let payloads: [(&'static [u8], &str, bool); 8] = [
            (b"\xff\x00", "\\xff00", false),
            (b"\x00", "\\x00", false),
            (b"{\"a\": \"\x00\"}", "\\x7b2261223a202200227d", false),
            (b"\xc3", "\\xc3", false),
            (b"\xed\xa0\x80", "\\xeda080", false),
            (b"", "", true),
            (b"\\xff", "\\xff", true),
            ("Grüße, 世界 🦀".as_bytes(), "Grüße, 世界 🦀", true),
        ];
        let events = payloads.iter().map(|(bytes, ..)| sold_with(*bytes)).collect();
        store.append(events, AppendCondition::None).await.unwrap();
        // Neither setting of a session has a part in it.
        let sessions = ["", "SET bytea_output = escape; SET standard_conforming_strings = off"];
        for session in sessions {
            let pool = pool(1).await;
            pool.execute(session).await.unwrap();
            let sql = "SELECT payload, payload_is_text FROM log.event_view ORDER BY position";
            let rows = rows(&schema, &pool, sql).await;
            let shown: Vec<(String, bool)> =
                rows.iter().map(|row| (row.get(0), row.get(1))).collect();
            let expected = payloads.map(|(_, text, is_text)| (text.to_owned(), is_text));
            assert_eq!(shown, expected, "{session}");
        }
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn the_query_of_the_readme_shows_the_last_events_of_a_tag() {
    let text = include_str!("../README.md");
    let from = text.find("SELECT position, recorded_at").unwrap();
    let sql = text[from..].split(';').next().unwrap().replace("factos.", "log.");
    for mode in BOTH {
        let schema = Schema::new(mode).await;
        let store = schema.open().await;
        let seats = (0..12).map(|seat| sold_with(format!("{{\"seat\": {seat}}}")));
        store.append(seats.collect(), AppendCondition::None).await.unwrap();
        store.append(vec![sold("2")], AppendCondition::None).await.unwrap();
        let rows = rows(&schema, store.pool(), &sql).await;
        let seats: Vec<String> = rows.iter().map(|row| row.get("seat")).collect();
        assert_eq!(seats, ["11", "10", "9", "8", "7", "6", "5", "4", "3", "2"]);
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn the_view_is_read_through_the_indexes_of_the_log() {
    let schema = Schema::new(Mode::Keyed).await;
    let pool = pool(1).await;
    pool.execute("SET enable_seqscan = off").await.unwrap();
    for (condition, index) in [
        ("position > 5", "events_pkey"),
        ("id = '00000000-0000-0000-0000-000000000001'", "events_id_key"),
        ("type = 'TicketSold'", "events_type"),
        ("stream = 's'", "events_stream"),
    ] {
        let sql = format!("EXPLAIN SELECT * FROM log.event_view WHERE {condition}");
        let rows = rows(&schema, &pool, &sql).await;
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(plan.contains(index) && plan.contains("Index Cond"), "{plan}");
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_older_log_opens_without_the_view_and_gets_it_by_migrate() {
    for mode in BOTH {
        let schema = Schema::new(mode).await;
        use_it(&schema.open().await, "1").await;
        schema.run(WITHOUT_VIEW).await;
        use_it(&schema.open().await, "2").await;
        assert!(!has_view(&schema).await);
        // A role that is not the owner opens as before, and makes nothing.
        let role = Role::new(&schema, "").await;
        schema.run(&schema.config().grants(&role.0)).await;
        let store = schema.config().create(true).open(role.pool().await).await.unwrap();
        use_it(&store, "3").await;
        assert!(!has_view(&schema).await);
        let migrations = (0..6).map(|_| {
            let config = schema.config();
            tokio::spawn(async move { config.migrate(&pool(1).await).await })
        });
        for migration in migrations.collect::<Vec<_>>() {
            migration.await.unwrap().unwrap();
        }
        // No grant is needed again, and the handle goes on.
        assert_eq!(count(&schema, store.pool()).await, Ok(3));
        use_it(&store, "4").await;
        use_it(&schema.open().await, "5").await;
        schema.config().migrate(&pool(1).await).await.unwrap();
        assert_eq!(count(&schema, &pool(1).await).await, Ok(5));
        drop(store);
        role.end(&schema).await;
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_relation_of_this_name_that_somebody_made_is_left_alone() {
    let schema = Schema::new(Mode::Keyed).await;
    schema.run(WITHOUT_VIEW).await;
    schema
        .run("CREATE TABLE log.event_view (payload int); INSERT INTO log.event_view VALUES (7)")
        .await;
    schema.config().migrate(&pool(1).await).await.unwrap();
    use_it(&schema.open().await, "1").await;
    assert_eq!(count(&schema, &pool(1).await).await, Ok(1));
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn whoever_may_read_the_log_may_read_the_view() {
    for mode in BOTH {
        let schema = Schema::new(mode).await;
        use_it(&schema.open().await, "1").await;
        let application = Role::new(&schema, "").await;
        schema.run(&schema.config().grants(&application.0)).await;
        let looks = include_str!("../README.md");
        let from = looks.find("GRANT USAGE ON SCHEMA factos TO person;").unwrap();
        let grants = looks[from..].split("```").next().unwrap();
        let grants = grants.replace("factos.", "log.");
        let grants = grants.replace("SCHEMA factos", &format!("SCHEMA {}", schema.name));
        let person = Role::new(&schema, &grants).await;
        for role in [application, person] {
            assert_eq!(count(&schema, &role.pool().await).await, Ok(1));
            role.end(&schema).await;
        }
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn grants_are_all_that_the_view_needs_where_functions_are_not_for_everybody() {
    let schema = Schema::new(Mode::Keyed).await;
    use_it(&schema.open().await, "1").await;
    let revoke = "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA";
    schema.run(&format!("{revoke} {} FROM PUBLIC", schema.name)).await;
    let reads = format!(
        "GRANT USAGE ON SCHEMA {} TO person; GRANT SELECT ON log.events TO person",
        schema.name
    );
    let role = Role::new(&schema, &reads).await;
    let pool = role.pool().await;
    assert_eq!(count(&schema, &pool).await, Err("42501".to_owned()));
    schema.run(&schema.config().grants(&role.0)).await;
    assert_eq!(count(&schema, &pool).await, Ok(1));
    pool.close().await;
    role.end(&schema).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn the_view_gives_no_rights_to_the_log() {
    for mode in BOTH {
        let schema = Schema::new(mode).await;
        let store = schema.open().await;
        store.append(vec![sold("1"), sold("2")], AppendCondition::None).await.unwrap();
        let usage = format!("GRANT USAGE ON SCHEMA {} TO person", schema.name);
        let role = Role::new(&schema, &usage).await;
        let denied = Err("42501".to_owned());
        let pool = role.pool().await;
        assert_eq!(count(&schema, &pool).await, denied);
        schema.run(&format!("GRANT SELECT ON log.events TO {}", role.0)).await;
        assert_eq!(count(&schema, &pool).await, Ok(2));
        schema
            .run(
                "CREATE POLICY p ON log.events FOR SELECT USING (tags @> '{show:2}');
                 ALTER TABLE log.events ENABLE ROW LEVEL SECURITY",
            )
            .await;
        assert_eq!(count(&schema, &pool).await, Ok(1));
        // The owner of the log and of the view is not held by the policy.
        assert_eq!(count(&schema, store.pool()).await, Ok(2));
        schema.run(&format!("REVOKE SELECT ON log.events FROM {}", role.0)).await;
        assert_eq!(count(&schema, &pool).await, denied);
        pool.close().await;
        role.end(&schema).await;
    }
}

/// Functions, a table and types of PostgreSQL's names, first in the `search_path`.
const HOSTILE: &str = "
    CREATE FUNCTION convert_from(bytea, name) RETURNS text LANGUAGE sql AS 'SELECT ''hostile''::pg_catalog.text';
    CREATE FUNCTION encode(bytea, text) RETURNS text LANGUAGE sql AS 'SELECT ''hostile''::pg_catalog.text';
    CREATE FUNCTION concat(text, text) RETURNS text LANGUAGE sql AS 'SELECT ''hostile''::pg_catalog.text';
    CREATE TABLE events (payload text);
    CREATE DOMAIN json AS pg_catalog.int4;
    CREATE DOMAIN text AS pg_catalog.int4;";

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn the_view_resolves_nothing_through_the_search_path() {
    for mode in BOTH {
        let (hostile, schema) = (unique("hostile"), Schema::new(mode).await);
        let store = schema.open().await;
        let events = vec![sold_with("{}"), sold_with("\0")];
        store.append(events, AppendCondition::None).await.unwrap();
        schema.run(WITHOUT_VIEW).await;
        let path = format!("{hostile}, pg_catalog");
        let sql = format!("CREATE SCHEMA {hostile}; SET search_path = {hostile}; {HOSTILE}");
        pool(1).await.execute(raw_sql(AssertSqlSafe(sql))).await.unwrap();
        let options = PgConnectOptions::from_str(&url()).unwrap();
        let options = options.options([("search_path", &path)]);
        let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
        schema.config().migrate(&pool).await.unwrap();
        let sql = "SELECT payload, payload_is_text FROM log.event_view";
        let rows = rows(&schema, &pool, sql).await;
        let shown: Vec<(&str, bool)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert_eq!(shown, [("{}", true), ("\\x00", false)]);
        schema.run(&format!("DROP SCHEMA {hostile} CASCADE")).await;
    }
}
