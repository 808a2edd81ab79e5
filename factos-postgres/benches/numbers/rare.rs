//! A rare type under a tag that is on every event.

use std::sync::Arc;

use factos::{
    AppendCondition, AppendError, EventStore, EventType, NewEvent, Query, QueryItem, ReadOptions,
    SequencePosition,
};
use factos_postgres::{
    Config, PostgresStore,
    sqlx::{AssertSqlSafe, PgPool, raw_sql},
};

use crate::{client::Client, log::tag};

const FREQUENT: EventType = EventType::from_static("bench.changed");
const RARE: EventType = EventType::from_static("bench.rare");

/// A keyed log of its own, with five events of the rare type.
pub(crate) struct Rare {
    store: PostgresStore,
    events: u64,
}

impl Rare {
    pub(crate) async fn filled(pool: &PgPool, schema: &str, events: u64) -> Self {
        let config = Config::new().schema(schema).unwrap().create(true);
        let store = config.open(pool.clone()).await.unwrap();
        for statement in [
            format!(
                "INSERT INTO {schema}.events (position, id, type, version, tags, recorded_at, payload)
                 SELECT n, gen_random_uuid(),
                   CASE WHEN n % ({events} / 5) = 7 THEN '{}' ELSE '{}' END,
                   1, ARRAY['all:1', 'entity:' || n / 10], now(), convert_to(repeat('x', 100), 'UTF8')
                 FROM generate_series(1, {events}) n",
                RARE.as_str(),
                FREQUENT.as_str()
            ),
            format!(
                "INSERT INTO {schema}.tags SELECT tag, position FROM {schema}.events, unnest(tags) tag"
            ),
            format!("SELECT setval('{schema}.position_seq', {events})"),
            format!("VACUUM ANALYZE {schema}.events"),
            format!("VACUUM ANALYZE {schema}.tags"),
        ] {
            raw_sql(AssertSqlSafe(statement)).execute(pool).await.unwrap();
        }
        Self { store, events }
    }

    fn query() -> Query {
        Query::item(QueryItem::of_type(RARE).tagged(&tag("all", 1)))
    }

    /// Reads of the five events.
    pub(crate) fn reads(self: &Arc<Self>, options: ReadOptions) -> Client {
        let rare = Arc::clone(self);
        Box::new(move |_, progress| {
            let rare = Arc::clone(&rare);
            Box::pin(async move {
                while progress.goes_on() {
                    let read = rare.store.read(&Self::query(), options).await.unwrap();
                    assert_eq!(read.collect().await.unwrap().len(), 5);
                    progress.add(1);
                }
            })
        })
    }

    /// Conditions that the last of them breaks, after a position that three quarters of the log are beyond.
    pub(crate) fn conditions(self: &Arc<Self>) -> Client {
        let rare = Arc::clone(self);
        Box::new(move |_, progress| {
            let rare = Arc::clone(&rare);
            Box::pin(async move {
                let condition = AppendCondition::fail_if_events_match(Self::query())
                    .after(SequencePosition::new(rare.events / 4));
                while progress.goes_on() {
                    let event = NewEvent::new(FREQUENT, "");
                    let refused = rare.store.append(vec![event], condition.clone()).await;
                    assert!(matches!(refused, Err(AppendError::Conflict(_))), "{refused:?}");
                    progress.add(1);
                }
            })
        })
    }
}
