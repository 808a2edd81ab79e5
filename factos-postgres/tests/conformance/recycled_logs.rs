//! A log that the suite uses again is as a new one, so that no case sees what another one did.

use factos::{AppendCondition, EventStore, NewEvent, StreamName};
use factos_postgres::{
    Mode,
    sqlx::{AssertSqlSafe, query_scalar},
};

use crate::{
    recycled::{Kind, MOST_EVENTS, Recycled, open},
    support::{pool, sold},
};

/// In a stream, and with a tag.
fn event() -> NewEvent {
    sold("cats").in_stream(StreamName::new("shows").unwrap())
}

/// All that the log keeps and is guarded by, but its identity, one line each.
async fn state(log: &Recycled) -> String {
    let positions = if log.mode == Mode::Keyed {
        "SELECT 'sequence', concat_ws(' ', last_value, is_called) FROM log.position_seq"
    } else {
        "SELECT 'head', h::text FROM log.head h"
    };
    let objects = format!("WHERE relnamespace = '{}'::regnamespace", log.name);
    text(
        log,
        &format!(
            "SELECT string_agg(concat_ws(' ', what, told), E'\\n' ORDER BY what, told) FROM (
               {positions}
               UNION ALL SELECT 'event', e::text FROM log.events e
               UNION ALL SELECT 'tag', t::text FROM log.tags t
               UNION ALL SELECT 'meta', concat_ws(' ', one, format, lock_rule, mode) FROM log.meta
               UNION ALL SELECT 'relation', concat_ws(' ', relname, relkind) FROM pg_class {objects}
               UNION ALL SELECT 'trigger', concat_ws(' ', relname, tgname, tgenabled)
                 FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid {objects}) lines (what, told)"
        ),
    )
    .await
}

async fn identity(log: &Recycled) -> String {
    text(log, "SELECT log_id::text FROM log.meta").await
}

async fn text(log: &Recycled, sql: &str) -> String {
    let pool = pool(1).await;
    query_scalar(AssertSqlSafe(log.in_schema(sql))).fetch_one(&pool).await.unwrap()
}

async fn is_emptied_to_a_new_one(kind: Kind) {
    let log = Recycled::new(kind).await;
    let (new, name) = (state(&log).await, identity(&log).await);
    let store = open(&log).await;
    store.append(vec![event()], AppendCondition::None).await.unwrap();
    if kind.has_copy {
        log.run("INSERT INTO log.copy VALUES (1, 'id')").await;
    }
    assert_ne!(state(&log).await, new);
    drop(store);
    assert!(log.empty().await, "nobody is connected");
    assert_eq!(state(&log).await, new);
    assert_ne!(identity(&log).await, name);
    // Its first position is that of a new log.
    let store = open(&log).await;
    let page = store.append(vec![event()], AppendCondition::None).await.unwrap();
    assert_eq!((page[0].position.get(), page[0].revision), (1, Some(0)));
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_log_that_is_used_again_is_as_a_new_one() {
    for mode in [Mode::Keyed, Mode::Portable] {
        for has_copy in [false, true] {
            is_emptied_to_a_new_one(Kind { mode, has_copy }).await;
        }
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_large_log_is_not_emptied() {
    let log = Recycled::new(Kind { mode: Mode::Keyed, has_copy: false }).await;
    let store = open(&log).await;
    let events = (0..=MOST_EVENTS).map(|_| event()).collect();
    store.append(events, AppendCondition::None).await.unwrap();
    drop(store);
    assert!(!log.empty().await);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_log_is_not_emptied_while_somebody_is_connected() {
    let log = Recycled::new(Kind { mode: Mode::Keyed, has_copy: false }).await;
    let store = open(&log).await;
    assert!(!log.empty().await);
    drop(store);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_log_that_was_changed_is_dropped() {
    let log = Recycled::new(Kind { mode: Mode::Portable, has_copy: false }).await;
    log.change();
    let name = log.name.clone();
    drop(log);
    let found = "SELECT count(*) FROM pg_namespace WHERE nspname = $1";
    let found = query_scalar::<_, i64>(found).bind(name).fetch_one(&pool(1).await).await.unwrap();
    assert_eq!(found, 0);
}
