//! What the tests of this crate share: a schema for each test, and events.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod answers;
pub(crate) mod port;

use std::{
    env,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use factos::{AppendCondition, EventType, NewEvent, Query, QueryItem, StoreError, Tag};
use factos_postgres::{
    Config, Mode, PostgresStore,
    sqlx::{
        AssertSqlSafe, Executor, PgPool,
        postgres::{PgConnectOptions, PgPoolOptions},
        query_scalar, raw_sql,
    },
};

/// Longer than the disk of a busy machine may hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A timeout that is long beside everything that does not wait, so that a call that is stuck fails.
pub(crate) const STUCK: Duration = Duration::from_secs(20);

/// The result of the work, which must end within [`STUCK`].
pub(crate) async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(STUCK, work).await.unwrap_or_else(|_| panic!("{what} waits as well"))
}

pub(crate) const SOLD: EventType = EventType::from_static("TicketSold");

pub(crate) fn sold(show: &str) -> NewEvent {
    let mut event = NewEvent::new(SOLD, "{}");
    event.tags.insert(&show_tag(show));
    event
}

pub(crate) fn show_tag(show: &str) -> Tag {
    Tag::new("show", show).unwrap()
}

pub(crate) fn of_show(show: &str) -> Query {
    Query::item(QueryItem::with_tag(show_tag(show)))
}

pub(crate) fn unless_sold(show: &str) -> AppendCondition {
    AppendCondition::fail_if_events_match(of_show(show))
}

/// The error of this backend within.
pub(crate) fn cause(error: &StoreError) -> &factos_postgres::Error {
    error.downcast_ref().unwrap()
}

/// Asserts that a call that met a crash may be tried again.
pub(crate) fn assert_retryable(error: &StoreError) {
    assert!(error.is_retryable(), "{error:?}, {:?}", cause(error));
}

/// The database that tests may fill with schemas.
pub(crate) fn url() -> String {
    env::var("FACTOS_POSTGRES_URL").expect(
        "FACTOS_POSTGRES_URL is not set: run this test through scripts/with-postgres, \
         or set it to a database that may be filled with test schemas",
    )
}

/// How to connect to another database of the same server.
pub(crate) fn options_of_database(name: &str) -> PgConnectOptions {
    url().parse::<PgConnectOptions>().unwrap().database(name)
}

/// How to connect so that the server can tell who works on the log.
pub(crate) fn options_of_log(schema: &Schema) -> PgConnectOptions {
    url().parse::<PgConnectOptions>().unwrap().application_name(&schema.name)
}

/// A name that no other test of this run or an earlier one uses.
pub(crate) fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let id = factos::EventId::new().to_string().replace('-', "");
    format!("{prefix}_{id}_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A schema for one test, dropped at the end.
pub(crate) struct Schema {
    pub(crate) name: String,
    pub(crate) mode: Mode,
}

impl Schema {
    /// A schema with an empty log.
    pub(crate) async fn new(mode: Mode) -> Self {
        let schema = Self::named(mode);
        let pool = pool(1).await;
        schema.config().migrate(&pool).await.unwrap();
        pool.close().await;
        schema
    }

    /// The name of a schema that is still to be made.
    pub(crate) fn named(mode: Mode) -> Self {
        Self { name: unique("test"), mode }
    }

    pub(crate) fn config(&self) -> Config {
        Config::new().schema(&self.name).unwrap().mode(self.mode).lock_timeout(PATIENCE)
    }

    pub(crate) async fn open(&self) -> PostgresStore {
        self.open_with(self.config()).await
    }

    pub(crate) async fn open_with(&self, config: Config) -> PostgresStore {
        config.open(pool(8).await).await.unwrap()
    }

    /// Takes every event away, which no log lets anybody do.
    pub(crate) async fn empty(&self) {
        self.run(
            "ALTER TABLE log.events DISABLE TRIGGER append_only;
             ALTER TABLE log.tags DISABLE TRIGGER append_only;
             TRUNCATE log.events, log.tags;
             ALTER TABLE log.events ENABLE ALWAYS TRIGGER append_only;
             ALTER TABLE log.tags ENABLE ALWAYS TRIGGER append_only",
        )
        .await;
    }

    /// Runs SQL in which `log.` stands for the schema.
    pub(crate) async fn run(&self, sql: &str) {
        let pool = pool(1).await;
        pool.execute(raw_sql(AssertSqlSafe(self.in_schema(sql)))).await.unwrap();
        pool.close().await;
    }

    /// SQL in which `log.` stands for the schema, as it is sent.
    pub(crate) fn in_schema(&self, sql: &str) -> String {
        sql.replace("log.", &format!("\"{}\".", self.name))
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let sql = format!("DROP SCHEMA IF EXISTS \"{}\" CASCADE", self.name);
        // On a thread of its own: this one may be running a runtime.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let pool = pool(1).await;
                drop(pool.execute(raw_sql(AssertSqlSafe(sql))).await);
                pool.close().await;
            });
        });
        drop(dropping.join());
    }
}

/// A pool, as an application would make it.
pub(crate) async fn pool(connections: u32) -> PgPool {
    pool_with(connections, url().parse().unwrap()).await
}

/// The same, on connections that are told apart or lead elsewhere.
pub(crate) async fn pool_with(connections: u32, to: PgConnectOptions) -> PgPool {
    let options = PgPoolOptions::new().max_connections(connections);
    options.acquire_timeout(Duration::from_secs(20)).connect_with(to).await.unwrap()
}

/// Repeats a check until it holds, for at most 10 s.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, check: impl FnMut() -> F) {
    within(1000, what, check).await;
}

/// The same, for at most 20 s: for servers that find each other.
pub(crate) async fn at_length<F: Future<Output = bool>>(what: &str, check: impl FnMut() -> F) {
    within(2000, what, check).await;
}

/// Waits until a statement like this waits for a lock.
pub(crate) async fn until_blocked(statement: &str) {
    let pool = pool(1).await;
    eventually("the statement waits for a lock", || async {
        let sql = "SELECT count(*) FROM pg_stat_activity
             WHERE wait_event_type = 'Lock' AND query LIKE $1 AND state = 'active'";
        let blocked: i64 = query_scalar(sql).bind(statement).fetch_one(&pool).await.unwrap();
        blocked > 0
    })
    .await;
    pool.close().await;
}

async fn within<F: Future<Output = bool>>(tries: u32, what: &str, mut check: impl FnMut() -> F) {
    for _ in 0..tries {
        if check().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}
