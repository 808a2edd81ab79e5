//! The work that is measured, through the public API.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use factos::{AppendCondition, AppendError, EventStore, EventStoreExt, Query, ReadOptions, Tag};
use factos_postgres::{
    PostgresStore,
    sqlx::{AssertSqlSafe, query},
};
use futures_util::TryStreamExt;
use tokio::task::JoinHandle;

use crate::{
    client::Client,
    log::{Log, event, of_tags, tag},
};

/// W1: one event, no condition.
pub(crate) fn unconditional(log: &Arc<Log>) -> Client {
    let log = Arc::clone(log);
    Box::new(move |_, progress| {
        let log = Arc::clone(&log);
        Box::pin(async move {
            while progress.goes_on() {
                let tags = Log::tags(log.another_entity());
                log.store.append(vec![event(&tags)], AppendCondition::None).await.unwrap();
                progress.add(1);
            }
        })
    })
}

/// The same, through a handle whose hook inserts one row.
pub(crate) fn hooked(log: &Arc<Log>) -> Client {
    let sql: Arc<str> =
        format!("INSERT INTO {}.seen (position, id) VALUES ($1, $2)", log.schema).into();
    let store = log.store.with_hook(move |connection, records| {
        let sql = Arc::clone(&sql);
        Box::pin(async move {
            for record in records {
                let insert = query(AssertSqlSafe(Arc::clone(&sql)))
                    .bind(i64::try_from(record.position.get())?)
                    .bind(record.id.to_string());
                insert.execute(&mut *connection).await?;
            }
            Ok(())
        })
    });
    unconditional_through(store, log)
}

/// The same, with one statement for the rows of all appends that share a commit.
pub(crate) fn hooked_as_group(log: &Arc<Log>) -> Client {
    let sql: Arc<str> =
        format!("INSERT INTO {}.seen (position, id) SELECT * FROM unnest($1, $2)", log.schema)
            .into();
    let store = log.store.with_group_hook(move |connection, appends| {
        let sql = Arc::clone(&sql);
        Box::pin(async move {
            let (mut positions, mut ids) = (Vec::new(), Vec::new());
            for record in appends.iter().copied().flatten() {
                positions.push(i64::try_from(record.position.get())?);
                ids.push(record.id.to_string());
            }
            query(AssertSqlSafe(sql)).bind(positions).bind(ids).execute(connection).await?;
            Ok(())
        })
    });
    unconditional_through(store, log)
}

fn unconditional_through(store: PostgresStore, log: &Log) -> Client {
    unconditional(&Arc::new(Log { store, schema: log.schema.clone(), entities: log.entities }))
}

/// W2: one event under a condition on a boundary of the client's own.
pub(crate) fn conditional(log: &Arc<Log>) -> Client {
    let log = Arc::clone(log);
    Box::new(move |_, progress| {
        let log = Arc::clone(&log);
        Box::pin(async move {
            let own = [tag("own", fastrand::u64(..)), tag("region", 11)];
            let condition = AppendCondition::fail_if_events_match(of_tags(&own[..1]));
            let mut after = None;
            while progress.goes_on() {
                let condition = condition.clone().after(after);
                let records = log.store.append(vec![event(&own)], condition).await.unwrap();
                after = Some(records[0].position);
                progress.add(1);
            }
        })
    })
}

/// W3: all clients on one boundary; counts the accepted appends.
pub(crate) fn hot(log: &Arc<Log>) -> Client {
    let hot = tag("hot", fastrand::u64(..));
    decisions(log, move |_| hot.clone())
}

/// All clients on the boundary that [`hold`] appends to.
pub(crate) fn held(log: &Arc<Log>) -> Client {
    decisions(log, |_| tag("held", 1))
}

/// Each client on a boundary of its own.
pub(crate) fn cold(log: &Arc<Log>) -> Client {
    decisions(log, |n| tag("cold", n as u64))
}

/// Each client reads the boundary of a tag and appends to it under a condition.
fn decisions(log: &Arc<Log>, tag_of: impl Fn(usize) -> Tag + 'static) -> Client {
    let log = Arc::clone(log);
    Box::new(move |n, progress| {
        let log = Arc::clone(&log);
        let tags = [tag_of(n)];
        Box::pin(async move {
            let query = of_tags(&tags);
            let mut seen = None;
            while progress.goes_on() {
                let read = log.store.read(&query, ReadOptions::all().after(seen)).await.unwrap();
                seen = read.observed();
                drop(read.collect().await.unwrap());
                let condition = AppendCondition::fail_if_events_match(query.clone()).after(seen);
                match log.store.append(vec![event(&tags)], condition).await {
                    Ok(_) => progress.add(1),
                    Err(AppendError::Conflict(_)) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        })
    })
}

/// W4: the context of an entity, about ten events, and an event under its condition.
pub(crate) fn dispatches(log: &Arc<Log>) -> Client {
    let log = Arc::clone(log);
    Box::new(move |n, progress| {
        let log = Arc::clone(&log);
        Box::pin(async move {
            // Every client has entities of its own, so that no two use the same boundary.
            let mut entity = n as u64;
            while progress.goes_on() {
                entity = (entity + 32) % (log.entities - log.entities % 32);
                let tags = Log::tags(entity);
                let query = of_tags(&tags[..1]);
                let events = log.store.read(&query, ReadOptions::all()).await.unwrap();
                let seen = events.observed();
                assert!(events.collect().await.unwrap().len() >= 10);
                let condition = AppendCondition::fail_if_events_match(query).after(seen);
                log.store.append(vec![event(&tags)], condition).await.unwrap();
                progress.add(1);
            }
        })
    })
}

/// W5: batches of a hundred events, counted in events.
pub(crate) fn batches(log: &Arc<Log>) -> Client {
    let log = Arc::clone(log);
    Box::new(move |_, progress| {
        let log = Arc::clone(&log);
        Box::pin(async move {
            while progress.goes_on() {
                let batch = (0..100).map(|_| event(&Log::tags(log.another_entity()))).collect();
                log.store.append(batch, AppendCondition::None).await.unwrap();
                progress.add(100);
            }
        })
    })
}

/// W6: the events that carry two tags.
pub(crate) fn reads(log: &Arc<Log>) -> Client {
    let log = Arc::clone(log);
    Box::new(move |_, progress| {
        let log = Arc::clone(&log);
        Box::pin(async move {
            while progress.goes_on() {
                let query = of_tags(&Log::tags(log.any_entity()));
                assert!(log.store.read_all(&query).await.unwrap().len() >= 10);
                progress.add(1);
            }
        })
    })
}

/// Appends in a transaction of its own, on a boundary that nobody else uses, and keeps it open for
/// 10 ms, over and over.
pub(crate) fn hold(log: &Arc<Log>) -> JoinHandle<()> {
    let log = Arc::clone(log);
    tokio::spawn(async move {
        let mut held = event(&[tag("held", 1)]);
        held.event_type = factos::EventType::from_static("bench.held");
        loop {
            held.id = factos::EventId::new();
            let mut transaction = log.store.pool().begin().await.unwrap();
            let events = vec![held.clone()];
            log.store.append_in(&mut transaction, events, AppendCondition::None).await.unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
            transaction.commit().await.unwrap();
        }
    })
}

/// Follows the whole log: reads what is there, and waits for more.
pub(crate) fn follow(log: &Arc<Log>) -> Client {
    let log = Arc::clone(log);
    Box::new(move |_, progress| {
        let log = Arc::clone(&log);
        Box::pin(async move {
            let mut seen = log.store.head().await.unwrap();
            while progress.goes_on() {
                let options = ReadOptions::all().after(seen);
                let read = log.store.read(&Query::all(), options).await.unwrap();
                seen = read.observed().max(seen);
                progress.add(read.collect().await.unwrap().len() as u64);
                let more = log.store.wait_past(seen);
                // At the end nobody appends.
                if let Ok(woken) = tokio::time::timeout(Duration::from_secs(1), more).await {
                    woken.unwrap();
                }
            }
        })
    })
}

/// W7: rows a second of a read of the whole log.
pub(crate) async fn replay(log: &Log) -> f64 {
    let begun = Instant::now();
    let mut events = log.store.read(&Query::all(), ReadOptions::all()).await.unwrap();
    let (mut count, mut bytes) = (0_u64, 0);
    while let Some(record) = events.try_next().await.unwrap() {
        bytes += record.event.len();
        count += 1;
    }
    assert!(bytes > 0);
    count as f64 / begun.elapsed().as_secs_f64()
}
