//! The log that is measured on.

use factos::{AppendCondition, EventStore, EventType, NewEvent, Query, QueryItem, Tag};
use factos_postgres::{
    PostgresStore,
    sqlx::{AssertSqlSafe, PgPool, raw_sql},
};

/// Ten events each.
const ENTITY: u64 = 10;

pub(crate) struct Log {
    pub(crate) store: PostgresStore,
    pub(crate) schema: String,
    pub(crate) entities: u64,
}

pub(crate) fn event(tags: &[Tag]) -> NewEvent {
    let types = ["bench.opened", "bench.changed", "bench.closed"];
    let mut event =
        NewEvent::new(EventType::from_static(types[fastrand::usize(..3)]), vec![b'x'; 200]);
    event.tags = tags.iter().collect();
    event
}

pub(crate) fn tag(key: &str, value: u64) -> Tag {
    Tag::new(key, &value.to_string()).unwrap()
}

pub(crate) fn of_tags(tags: &[Tag]) -> Query {
    Query::item(QueryItem::with_tags(tags.iter().collect()).unwrap())
}

impl Log {
    /// Entities of ten events, each of a region that a tenth of the log is in.
    pub(crate) async fn filled(
        store: PostgresStore,
        pool: PgPool,
        schema: &str,
        events: u64,
    ) -> Self {
        let entities = events / ENTITY;
        for from in (0..events).step_by(5000) {
            let batch =
                (from..events.min(from + 5000)).map(|n| event(&Self::tags(n % entities))).collect();
            store.append(batch, AppendCondition::None).await.unwrap();
        }
        let analyze = format!("VACUUM ANALYZE {schema}.events; VACUUM ANALYZE {schema}.tags");
        for statement in analyze.split("; ") {
            raw_sql(AssertSqlSafe(statement.to_owned())).execute(&pool).await.unwrap();
        }
        warm(&pool, schema).await;
        Self { store, schema: schema.to_owned(), entities }
    }

    /// The table that hooks insert into.
    pub(crate) async fn make_table_of_hooks(&self, pool: &PgPool) {
        let sql =
            format!("CREATE TABLE {}.seen (position bigint PRIMARY KEY, id text)", self.schema);
        raw_sql(AssertSqlSafe(sql)).execute(pool).await.unwrap();
    }

    pub(crate) fn tags(entity: u64) -> [Tag; 2] {
        [tag("entity", entity), tag("region", entity % 10)]
    }

    pub(crate) fn any_entity(&self) -> u64 {
        fastrand::u64(..self.entities)
    }

    /// An entity that no other work reads or appends to, so that the contexts of that work stay as they are.
    pub(crate) fn another_entity(&self) -> u64 {
        self.entities + fastrand::u64(..self.entities)
    }
}

/// Lets every backend of the pool touch the log once: a backend maps each page of the server's memory at
/// its first touch, which takes longer than to read from it.
async fn warm(pool: &PgPool, schema: &str) {
    let mut held = Vec::new();
    // The store keeps some of the pool's connections.
    while held.len() < 40 {
        let mut connection = pool.acquire().await.unwrap();
        let sql = format!(
            "SELECT count(payload) FROM {schema}.events; SET enable_seqscan = off; \
             SELECT count(tag) FROM {schema}.tags; RESET enable_seqscan"
        );
        raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await.unwrap();
        held.push(connection);
    }
}
