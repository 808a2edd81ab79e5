//! What a log needs of its schema, its role and its database is looked for when it is opened, and said by name.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::str::FromStr;

use factos::{
    AppendCondition, AppendError, EventStore, EventStoreExt, EventType, NewEvent, Query, QueryItem,
    ReadOptions, Revision, StoreError, StreamName,
};
use factos_postgres::{
    Config, Durability, Error, Mode, PostgresStore,
    sqlx::{
        AssertSqlSafe, Executor, PgPool,
        postgres::{PgConnectOptions, PgPoolOptions},
        query, query_scalar, raw_sql,
    },
};
use support::{SOLD, Schema, cause, of_show, pool, show_tag, sold, unique, unless_sold, url};

const BOTH: [Mode; 2] = [Mode::Keyed, Mode::Portable];

fn options() -> PgConnectOptions {
    PgConnectOptions::from_str(&url()).unwrap()
}

async fn connect(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new().max_connections(8).connect_with(options).await.unwrap()
}

async fn run(pool: &PgPool, sql: &str) {
    pool.execute(raw_sql(AssertSqlSafe(sql.to_owned()))).await.unwrap();
}

async fn refused(config: Config, pool: PgPool) -> StoreError {
    config.open(pool).await.map(drop).unwrap_err()
}

/// A role that may log in, on a log of a schema; dropped with all that it may do.
struct Role {
    name: String,
}

impl Role {
    async fn new() -> Self {
        let name = unique("role");
        run(&pool(1).await, &format!("CREATE ROLE {name} LOGIN")).await;
        Self { name }
    }

    async fn pool(&self) -> PgPool {
        connect(options().username(&self.name)).await
    }

    async fn end(self) {
        let Self { name } = self;
        run(&pool(1).await, &format!("DROP OWNED BY {name}; DROP ROLE {name}")).await;
    }
}

/// Uses a log in every way, and finds it right.
async fn use_it(store: &PostgresStore) {
    let stream = StreamName::new("s").unwrap();
    let all = || ReadOptions::all();
    let first = store.append(vec![sold("1"), sold("2")], unless_sold("1")).await.unwrap();
    let refused = store.append(vec![sold("1")], unless_sold("1")).await;
    assert!(matches!(refused, Err(AppendError::Conflict(_))), "{refused:?}");
    let mut both = sold("1");
    both.tags.insert(&show_tag("2"));
    both.stream = Some(stream.clone());
    let condition = AppendCondition::expected_revision(stream.clone(), Revision::NoEvents);
    store.append(vec![both.clone()], condition.clone()).await.unwrap();
    let duplicate = store.append(vec![both], condition).await;
    assert!(matches!(duplicate, Err(AppendError::DuplicateEventId(_))), "{duplicate:?}");
    let two_tags = Query::item(QueryItem::with_tag(show_tag("1")).tagged(&show_tag("2")));
    let guarded = AppendCondition::fail_if_events_match(two_tags.clone());
    assert!(store.append(vec![sold("3")], guarded).await.is_err());
    let of_type = Query::item(QueryItem::of_type(SOLD));
    let other = Query::item(QueryItem::of_type(EventType::from_static("Other")));
    let guarded = AppendCondition::fail_if_events_match(other).after(Some(first[0].position));
    let mut transaction = store.pool().begin().await.unwrap();
    store.append_in(&mut transaction, vec![sold("3")], guarded).await.unwrap();
    transaction.commit().await.unwrap();
    let many: Vec<NewEvent> = (0..2500).map(|_| sold("many")).collect();
    store.append(many, AppendCondition::None).await.unwrap();
    let either = of_show("2").or(QueryItem::with_tag(show_tag("3")));
    for (query, events) in
        [(of_show("1"), 2), (two_tags, 1), (of_type, 2504), (Query::all(), 2504), (either, 3)]
    {
        assert_eq!(store.read_all(&query).await.unwrap().len(), events, "{query:?}");
        let backwards = store.read(&query, all().backwards()).await.unwrap();
        assert_eq!(backwards.collect().await.unwrap().len(), events, "{query:?}");
    }
    let of_stream = store.read_stream(&stream, all()).await.unwrap().collect().await.unwrap();
    assert_eq!(of_stream.len(), 1);
    let head = store.head().await.unwrap();
    assert!(head >= Some(first[0].position));
    store.wait_past(Some(first[0].position)).await.unwrap();
}

/// Functions and operators of the same names as PostgreSQL's, which come first in the `search_path`.
const HOSTILE: &str = "
    CREATE FUNCTION unnest(text[]) RETURNS SETOF text LANGUAGE sql AS 'SELECT NULL::pg_catalog.text WHERE false';
    CREATE FUNCTION unnest(uuid[]) RETURNS SETOF uuid LANGUAGE sql AS 'SELECT NULL::pg_catalog.uuid WHERE false';
    CREATE FUNCTION cardinality(text[]) RETURNS int LANGUAGE sql AS 'SELECT 0';
    CREATE FUNCTION cardinality(uuid[]) RETURNS int LANGUAGE sql AS 'SELECT 0';
    CREATE FUNCTION hashtextextended(text, bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 7::pg_catalog.int8';
    CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::pg_catalog.timestamptz';
    CREATE FUNCTION pg_postmaster_start_time() RETURNS timestamptz LANGUAGE sql
      AS 'SELECT NULL::pg_catalog.timestamptz';
    CREATE FUNCTION pg_is_in_recovery() RETURNS bool LANGUAGE sql AS 'SELECT true';
    CREATE FUNCTION current_setting(text) RETURNS text LANGUAGE sql AS 'SELECT ''off''::pg_catalog.text';
    CREATE FUNCTION pg_advisory_xact_lock(bigint) RETURNS void LANGUAGE sql AS 'SELECT 1';
    CREATE FUNCTION pg_sequence_last_value(regclass) RETURNS bigint LANGUAGE sql AS 'SELECT 0::pg_catalog.int8';
    CREATE FUNCTION never(text[], text[]) RETURNS bool LANGUAGE sql AS 'SELECT false';
    CREATE FUNCTION never(text, text) RETURNS bool LANGUAGE sql AS 'SELECT false';
    CREATE FUNCTION never(uuid, uuid) RETURNS bool LANGUAGE sql AS 'SELECT false';
    CREATE FUNCTION never(bigint, bigint) RETURNS bool LANGUAGE sql AS 'SELECT false';
    CREATE FUNCTION never(name, name) RETURNS bool LANGUAGE sql AS 'SELECT false';
    CREATE FUNCTION never(name, text) RETURNS bool LANGUAGE sql AS 'SELECT false';
    CREATE OPERATOR @> (LEFTARG = text[], RIGHTARG = text[], FUNCTION = never);
    CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = never);
    CREATE OPERATOR = (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = never);
    CREATE OPERATOR = (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = never);
    CREATE OPERATOR = (LEFTARG = name, RIGHTARG = text, FUNCTION = never);
    CREATE OPERATOR = (LEFTARG = name, RIGHTARG = name, FUNCTION = never);
    CREATE OPERATOR > (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = never);
    CREATE OPERATOR <= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = never);
    CREATE DOMAIN text AS pg_catalog.int4;
    CREATE DOMAIN uuid AS pg_catalog.int4;";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn nothing_is_resolved_through_the_search_path() {
    for mode in BOTH {
        let (hostile, schema) = (unique("hostile"), Schema::named(mode));
        let admin = pool(1).await;
        let path = format!("{hostile}, pg_catalog");
        // The types come last, so that the functions can be written.
        run(&admin, &format!("CREATE SCHEMA {hostile}; SET search_path = {hostile}; {HOSTILE}"))
            .await;
        let pool = connect(options().options([("search_path", &path)])).await;
        let store = schema.config().create(true).open(pool).await.unwrap();
        use_it(&store).await;
        run(&connect(options()).await, &format!("DROP SCHEMA {hostile} CASCADE")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn temporary_tables_do_not_stand_in() {
    let schema = Schema::new(Mode::Keyed).await;
    let pool = PgPoolOptions::new().max_connections(4).after_connect(|connection, _| {
        Box::pin(async move {
            let sql = "CREATE TEMPORARY TABLE events (position int); CREATE TEMPORARY TABLE pg_class (x int)";
            connection.execute(raw_sql(sql)).await.map(drop)
        })
    });
    let store = schema.config().open(pool.connect_with(options()).await.unwrap()).await.unwrap();
    use_it(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn the_grants_are_all_that_a_hardened_database_needs() {
    for mode in BOTH {
        let (role, schema) = (Role::new().await, Schema::named(mode));
        let admin = pool(1).await;
        run(&admin, "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC").await;
        schema.config().migrate(&admin).await.unwrap();
        run(&admin, "ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC").await;
        let error = refused(schema.config(), role.pool().await).await;
        let Error::MissingPrivileges { missing, grants } = cause(&error) else {
            panic!("{error:?}")
        };
        for needed in ["USAGE on schema", "INSERT on events", "SELECT on meta", "function append"] {
            assert!(missing.iter().any(|told| told.contains(needed)), "{needed}: {missing:?}");
        }
        assert_eq!(*grants, schema.config().grants(&role.name));
        run(&admin, grants).await;
        let store = schema.config().open(role.pool().await).await.unwrap();
        use_it(&store).await;
        // One privilege less, and it is told before anything fails.
        run(&admin, &format!("REVOKE INSERT ON {}.tags FROM {}", schema.name, role.name)).await;
        let error = refused(schema.config(), role.pool().await).await;
        assert!(error.to_string().contains("lacks INSERT on tags"), "{error}");
        drop(store);
        role.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn nothing_is_decided_on_hidden_rows() {
    for mode in BOTH {
        let (role, schema) = (Role::new().await, Schema::new(mode).await);
        let admin = pool(1).await;
        run(&admin, &schema.config().grants(&role.name)).await;
        let store = schema.config().open(role.pool().await).await.unwrap();
        store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
        let name = &schema.name;
        run(
            &admin,
            &format!(
                "CREATE POLICY p ON {name}.events FOR INSERT WITH CHECK (true);
                 CREATE POLICY p ON {name}.tags FOR INSERT WITH CHECK (true);
                 ALTER TABLE {name}.events ENABLE ROW LEVEL SECURITY;
                 ALTER TABLE {name}.tags ENABLE ROW LEVEL SECURITY"
            ),
        )
        .await;
        let append = store.append(vec![sold("1")], unless_sold("1")).await.unwrap_err();
        assert!(matches!(append, AppendError::Store(_)), "{append:?}");
        for query in [of_show("1"), Query::all(), Query::item(QueryItem::of_type(SOLD))] {
            let read = store.read(&query, ReadOptions::all()).await;
            assert!(read.is_err(), "{query:?}");
        }
        assert!(store.head().await.is_err());
        assert!(store.append(vec![sold("2")], AppendCondition::None).await.is_err());
        let error = refused(schema.config(), role.pool().await).await;
        assert!(matches!(cause(&error), Error::RowSecurity { .. }), "{error:?}");
        assert!(error.to_string().contains("events, tags"), "{error}");
        drop(store);
        role.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn the_owner_changes_nothing() {
    for mode in BOTH {
        let schema = Schema::new(mode).await;
        let store = schema.open().await;
        store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
        let mut changes = vec![
            "UPDATE events SET payload = ''",
            "DELETE FROM events",
            "TRUNCATE events",
            "UPDATE tags SET tag = 'show:2'",
            "DELETE FROM tags WHERE false",
            "TRUNCATE tags",
            "UPDATE meta SET log_id = gen_random_uuid()",
            "DELETE FROM meta",
            "TRUNCATE meta",
        ];
        if mode == Mode::Portable {
            changes.extend(["DELETE FROM head", "TRUNCATE head"]);
        }
        for change in changes {
            let sql = format!(
                "SET session_replication_role = replica; SET search_path = {}; {change}",
                schema.name
            );
            let refused = pool(1).await.execute(raw_sql(AssertSqlSafe(sql))).await.unwrap_err();
            assert!(refused.to_string().contains("append-only"), "{change}: {refused}");
        }
        assert_eq!(store.read_all(&of_show("1")).await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_log_that_is_not_whole_is_refused() {
    let keyed = [
        ("DROP TABLE tags", "table tags"),
        ("DROP SEQUENCE position_seq", "sequence position_seq"),
        ("DROP FUNCTION append", "function append"),
        ("DROP FUNCTION _insert_some", "function _insert_some"),
        ("DROP FUNCTION watermark", "function watermark"),
        ("ALTER TABLE events DROP CONSTRAINT events_id_key", "unique index on events (id)"),
        ("DROP INDEX events_stream", "unique index on events (stream, revision)"),
        ("DROP INDEX events_type", "index on events (type, position)"),
        ("ALTER TABLE tags DROP CONSTRAINT tags_pkey", "unique index on tags (tag, position)"),
        ("DROP TRIGGER append_only ON events", "trigger append_only on events"),
        ("ALTER TABLE tags DISABLE TRIGGER append_only", "trigger append_only on tags"),
    ];
    let portable =
        [("DROP TABLE head", "table head"), ("DROP FUNCTION _horizon", "function _horizon")];
    let all = keyed.map(|case| (Mode::Keyed, case)).into_iter();
    for (mode, (change, missing)) in all.chain(portable.map(|case| (Mode::Portable, case))) {
        let schema = Schema::new(mode).await;
        schema.run(&format!("SET search_path = {}; {change}", schema.name)).await;
        let error = refused(schema.config(), pool(4).await).await;
        assert!(matches!(cause(&error), Error::Incomplete { .. }), "{change}: {error:?}");
        assert!(error.to_string().contains(missing), "{change}: {error}");
    }
}

/// A tool that cuts the SQL at every semicolon and goes on after an error.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn sql_that_was_cut_at_semicolons_makes_no_log() {
    for mode in BOTH {
        let schema = Schema::named(mode);
        let pool = pool(1).await;
        for statement in schema.config().sql().split(';') {
            drop(pool.execute(raw_sql(AssertSqlSafe(statement.to_owned()))).await);
        }
        let error = refused(schema.config(), support::pool(4).await).await;
        assert!(matches!(cause(&error), Error::Incomplete { .. }), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn another_encoding_is_refused() {
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let name = unique("database");
        let admin = pool(1).await;
        let create = format!(
            "CREATE DATABASE {name} ENCODING {encoding} TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
        );
        run(&admin, &create).await;
        let other = connect(support::options_of_database(&name)).await;
        let error = refused(Config::new().create(true), other.clone()).await;
        assert!(
            matches!(cause(&error), Error::Encoding { found } if found == encoding),
            "{error:?}"
        );
        other.close().await;
        run(&admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn defaults_of_a_session_are_refused_or_made_good() {
    for mode in BOTH {
        let schema = Schema::new(mode).await;
        for (setting, value) in [
            ("default_transaction_isolation", "repeatable read"),
            ("default_transaction_read_only", "on"),
        ] {
            let pool = connect(options().options([(setting, value)])).await;
            let error = refused(schema.config(), pool).await;
            let Error::SessionDefault { setting: told, found } = cause(&error) else {
                panic!("{error:?}")
            };
            assert_eq!((*told, found.as_str()), (setting, value));
        }
    }
}

/// The store's own pool makes its sessions good, and its commits are flushed whatever the role has as a default.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn defaults_of_a_role_do_not_reach_the_log() {
    for mode in BOTH {
        let (role, schema) = (Role::new().await, Schema::new(mode).await);
        let (name, admin) = (&role.name, pool(1).await);
        run(&admin, &schema.config().grants(name)).await;
        run(
            &admin,
            &format!(
                "ALTER ROLE {name} SET default_transaction_isolation = 'serializable';
                 ALTER ROLE {name} SET default_transaction_read_only = on;
                 ALTER ROLE {name} SET synchronous_commit = off"
            ),
        )
        .await;
        // Tells with which setting an event is committed.
        let seen = format!("{}.seen", schema.name);
        run(
            &admin,
            &format!(
                "CREATE TABLE {seen} (setting text); GRANT INSERT ON {seen} TO {name};
                 CREATE FUNCTION {seen}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                   INSERT INTO {seen} VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
                 CREATE CONSTRAINT TRIGGER seen AFTER INSERT ON {}.events DEFERRABLE INITIALLY DEFERRED
                   FOR EACH ROW EXECUTE FUNCTION {seen}()",
                schema.name
            ),
        )
        .await;
        let (head, tail) =
            url().split_once("//").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let as_role = format!("{head}//{name}@{}", tail.split_once('@').unwrap().1);
        let store = schema.config().connect(&as_role).await.unwrap();
        store.append(vec![sold("1")], unless_sold("1")).await.unwrap();
        let lazy = schema.config().durability(Durability::LoseLatestOnServerCrash);
        let lazy = lazy.connect(&as_role).await.unwrap();
        lazy.append(vec![sold("2")], unless_sold("2")).await.unwrap();
        lazy.append(vec![sold("3"), sold("4")], unless_sold("3")).await.unwrap();
        let mut transaction = lazy.pool().begin().await.unwrap();
        lazy.append_in(&mut transaction, vec![sold("5")], unless_sold("5")).await.unwrap();
        transaction.commit().await.unwrap();
        store.append(vec![sold("6"), sold("7")], unless_sold("6")).await.unwrap();
        assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 7);
        let settings = format!("SELECT string_agg(setting, ',') FROM {seen}");
        let settings: String =
            query_scalar(AssertSqlSafe(settings)).fetch_one(&admin).await.unwrap();
        assert_eq!(settings, "on,off,off,off,on,on,on");
        drop((store, lazy));
        run(&admin, &format!("DROP SCHEMA {} CASCADE", schema.name)).await;
        role.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn the_roles_own_schema_is_refused() {
    let role = Role::new().await;
    let admin = pool(1).await;
    let config = Config::new().schema(&role.name).unwrap();
    config.migrate(&admin).await.unwrap();
    run(&admin, &config.grants(&role.name)).await;
    let error = refused(config.clone(), role.pool().await).await;
    assert!(matches!(cause(&error), Error::SchemaInSearchPath { .. }), "{error:?}");
    let elsewhere = options().username(&role.name).options([("search_path", "public")]);
    let store = config.open(connect(elsewhere).await).await.unwrap();
    use_it(&store).await;
    drop(store);
    run(&admin, &format!("DROP SCHEMA {} CASCADE", role.name)).await;
    role.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_column_may_be_added_while_the_log_is_open() {
    for mode in BOTH {
        let schema = Schema::new(mode).await;
        let store = schema.open().await;
        store.append(vec![sold("0")], AppendCondition::None).await.unwrap();
        for query in [of_show("0"), Query::all(), Query::item(QueryItem::of_type(SOLD))] {
            store.read_all(&query).await.unwrap();
        }
        let name = &schema.name;
        schema.run(&format!("ALTER TABLE {name}.events ADD COLUMN note text")).await;
        use_it_beside(&store).await;
        schema.run(&format!("ALTER TABLE {name}.events ADD COLUMN more int DEFAULT 7")).await;
        schema.run(&format!("ALTER TABLE {name}.tags ADD COLUMN more int")).await;
        use_it_beside(&store).await;
    }
}

/// Each kind of call once, on a log with other events.
async fn use_it_beside(store: &PostgresStore) {
    let stream = StreamName::new("s").unwrap();
    let mut event = sold("0");
    event.stream = Some(stream.clone());
    store.append(vec![event, sold("0")], unless_sold("none")).await.unwrap();
    for query in [of_show("0"), Query::all(), Query::item(QueryItem::of_type(SOLD))] {
        assert!(store.read_all(&query).await.unwrap().len() > 1);
        let backwards = ReadOptions::all().backwards().limit(1);
        assert_eq!(store.read(&query, backwards).await.unwrap().collect().await.unwrap().len(), 1);
    }
    let of_stream = store.read_stream(&stream, ReadOptions::all()).await.unwrap();
    assert!(!of_stream.collect().await.unwrap().is_empty());
    assert!(store.head().await.unwrap().is_some());
}

/// A log as the version before made it, with an event that its own functions appended.
async fn older_log(mode: Mode) -> (Schema, PgPool) {
    let schema = Schema::named(mode);
    let sql = match mode {
        Mode::Keyed => include_str!("fixtures/format_1_keyed.sql"),
        _ => include_str!("fixtures/format_1_portable.sql"),
    };
    let class = fastrand::u32(1..0x4000_0000) * 2;
    let sql = sql
        .replace("\"factos\"", &format!("\"{}\"", schema.name))
        .replace("1178796033", &class.to_string())
        .replace("1178796034", &(class + 1).to_string());
    let pool = pool(4).await;
    run(&pool, &sql).await;
    let append = format!(
        "SELECT \"{}\".append(1, '{{1}}', ARRAY[gen_random_uuid()], NULL, '{{TicketSold}}', '{{1}}',
           ARRAY['{{\"show:1\"}}'], NULL, ARRAY['{{}}'::bytea], NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           NULL, NULL, '{{}}', '{{}}', true, '5s')",
        schema.name
    );
    run(&pool, &append).await;
    (schema, pool)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_older_log_is_upgraded_by_migrate() {
    for mode in BOTH {
        let (schema, pool) = older_log(mode).await;
        let error = refused(schema.config(), pool.clone()).await;
        assert!(
            matches!(cause(&error), Error::OlderFormat { found: 1, known: 2, .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("Config::migrate"), "{error}");
        let id = format!("SELECT log_id::text FROM {}.meta", schema.name);
        let id: String = query_scalar(AssertSqlSafe(id)).fetch_one(&pool).await.unwrap();
        let migrations = (0..6).map(|_| {
            let config = schema.config();
            tokio::spawn(async move { config.migrate(&support::pool(1).await).await })
        });
        for migration in migrations.collect::<Vec<_>>() {
            migration.await.unwrap().unwrap();
        }
        let store = schema.config().open(pool).await.unwrap();
        assert_eq!(store.log_id(), id);
        let page = store.read_all(&of_show("1")).await.unwrap();
        assert_eq!(page.len(), 1);
        let refused = store.append(vec![sold("1")], unless_sold("1")).await;
        assert!(matches!(refused, Err(AppendError::Conflict(_))), "{refused:?}");
        use_it_beside_older(&store).await;
        let change = format!("DELETE FROM {}.events", schema.name);
        assert!(query(AssertSqlSafe(change)).execute(store.pool()).await.is_err());
        let view = format!("SELECT count(payload) FROM {}.event_view", schema.name);
        let shown: i64 = query_scalar(AssertSqlSafe(view)).fetch_one(store.pool()).await.unwrap();
        assert_eq!(shown, 3);
    }
}

async fn use_it_beside_older(store: &PostgresStore) {
    store.append(vec![sold("0"), sold("0")], unless_sold("0")).await.unwrap();
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 3);
    assert_eq!(store.head().await.unwrap().unwrap().get(), 3);
}

/// Opening prepares few statements: the other two beyond those of the format before begin and end a transaction.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn opening_takes_few_statements() {
    let schema = Schema::new(Mode::Portable).await;
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options()).await.unwrap();
    let prepared = "SELECT count(*) FROM pg_prepared_statements";
    let before: i64 = query_scalar(prepared).fetch_one(&pool).await.unwrap();
    let store = schema.config().open(pool).await.unwrap();
    let after: i64 = query_scalar(prepared).fetch_one(store.pool()).await.unwrap();
    // The catalog, the log's own row, and all that it needs.
    assert_eq!(after - before, 3);
}

#[test]
fn the_readme_prints_the_grants() {
    assert!(include_str!("../README.md").contains(&Config::new().grants("app_role")));
}

/// A log of this format with functions of before, as far as `open` and `migrate` tell them apart.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn functions_of_before_are_made_anew_by_migrate() {
    for mode in BOTH {
        let schema = Schema::new(mode).await;
        let store = schema.open().await;
        store.append(vec![sold("1")], unless_sold("1")).await.unwrap();
        let before = "DROP FUNCTION log._stretch;
            DROP FUNCTION IF EXISTS log.append_one;
            CREATE FUNCTION log._rarest_tag(tags_of_item text[], low bigint, high bigint) RETURNS text
            LANGUAGE sql AS 'SELECT tags_of_item[1]'";
        schema.run(before).await;
        let error = refused(schema.config(), pool(4).await).await;
        assert!(matches!(cause(&error), Error::Incomplete { .. }), "{error:?}");
        assert!(error.to_string().contains("Config::migrate"), "{error}");
        let migrations = (0..6).map(|_| {
            let config = schema.config();
            tokio::spawn(async move { config.migrate(&support::pool(1).await).await })
        });
        for migration in migrations.collect::<Vec<_>>() {
            migration.await.unwrap().unwrap();
        }
        let migrated = schema.open().await;
        assert_eq!(migrated.log_id(), store.log_id());
        // The handle of before goes on as well.
        for (handle, shows) in [(&migrated, ["2", "1"]), (&store, ["3", "2"])] {
            let [next, sold_before] = shows;
            handle.append(vec![sold(next)], unless_sold(next)).await.unwrap();
            let refused = handle.append(vec![sold("1")], unless_sold(sold_before)).await;
            assert!(matches!(refused, Err(AppendError::Conflict(_))), "{refused:?}");
            assert_eq!(handle.read_all(&of_show(sold_before)).await.unwrap().len(), 1);
        }
        let change = format!("DELETE FROM {}.events", schema.name);
        assert!(query(AssertSqlSafe(change)).execute(store.pool()).await.is_err());
        let former = "SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                      WHERE n.nspname = $1 AND proname = '_rarest_tag'";
        let former: i64 =
            query_scalar(former).bind(&schema.name).fetch_one(store.pool()).await.unwrap();
        assert_eq!(former, 0);
    }
}

/// What a log of this format lacks is made by `migrate`, whatever the mode has; and nothing is made anew without need.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn each_later_function_is_made_by_migrate() {
    let of_a_keyed_log = ["append_one", "wait_past"].map(|function| (Mode::Keyed, function));
    for (mode, function) in of_a_keyed_log.into_iter().chain([(Mode::Portable, "wait_past")]) {
        let schema = Schema::new(mode).await;
        let admin = pool(1).await;
        let newest =
            "SELECT max(p.oid::bigint) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                      WHERE n.nspname = $1";
        let newest = async || -> i64 {
            query_scalar(newest).bind(&schema.name).fetch_one(&admin).await.unwrap()
        };
        let before = newest().await;
        schema.config().migrate(&admin).await.unwrap();
        assert_eq!(newest().await, before, "{function}");
        schema.run(&format!("DROP FUNCTION log.{function}")).await;
        let error = refused(schema.config(), pool(4).await).await;
        assert!(error.to_string().contains(function), "{error}");
        schema.config().migrate(&admin).await.unwrap();
        schema.open().await.append(vec![sold("1")], unless_sold("1")).await.unwrap();
    }
}
