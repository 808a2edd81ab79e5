//! Clients that decide, make noise, and hold transactions open.

use std::time::{Duration, Instant};

use factos::{
    AppendCondition, AppendError, EventStore, EventStoreExt, NewEvent, Query, ReadOptions,
    SequencePosition, StoreError,
};
use factos_postgres::PostgresStore;

use crate::rules::{self, Rule, Seen};

/// A read: how many events it showed, up to which position.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Read {
    pub(crate) rule: Rule,
    pub(crate) observed: u64,
    pub(crate) seen: usize,
}

pub(crate) struct Clients<'a> {
    handles: &'a [PostgresStore],
    /// Whether any error is allowed: where the SQL is wrong, a unique index may refuse what a lock should
    /// have kept apart.
    lenient: bool,
}

const CLIENTS: usize = 16;

impl<'a> Clients<'a> {
    pub(crate) const fn of(handles: &'a [PostgresStore], lenient: bool) -> Self {
        Self { handles, lenient }
    }

    /// Works for so long at a time, and so many times at most, until the log holds so many decisions: a slow machine
    /// decides little in a time. Returns all reads of all clients.
    pub(crate) async fn work_until(
        &self,
        decisions: usize,
        time: Duration,
        most_times: usize,
    ) -> Vec<Read> {
        let mut reads = self.work(time).await;
        for _ in 1..most_times {
            if self.decisions().await >= decisions {
                break;
            }
            reads.extend(self.work(time).await);
        }
        reads
    }

    /// How many decisions the log holds.
    async fn decisions(&self) -> usize {
        let log = self.handles[0].read_all(&Query::all()).await.unwrap();
        log.iter().filter(|record| record.metadata.get("rule").is_some()).count()
    }

    /// Works for so long, and returns all reads of all clients.
    pub(crate) async fn work(&self, time: Duration) -> Vec<Read> {
        let until = Instant::now() + time;
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| {
                tokio::spawn(client(
                    self.handles[n % self.handles.len()].clone(),
                    until,
                    self.lenient,
                ))
            })
            .collect();
        let mut reads = Vec::new();
        for client in clients {
            reads.extend(client.await.unwrap());
        }
        reads
    }
}

async fn client(store: PostgresStore, until: Instant, lenient: bool) -> Vec<Read> {
    let mut reads = Vec::new();
    while Instant::now() < until {
        let outcome = match fastrand::u32(..100) {
            0..70 => decide(&store, &mut reads).await,
            70..85 => append(&store, rules::noise(), AppendCondition::None).await,
            85..88 => append(&store, rules::oversized(), AppendCondition::None).await,
            _ => hold(&store, &mut reads).await,
        };
        if let Err(error) = outcome {
            assert!(lenient || error.is_retryable(), "{error:?}");
        }
    }
    reads
}

async fn decide(store: &PostgresStore, reads: &mut Vec<Read>) -> Result<(), StoreError> {
    match decision(store, reads).await? {
        Some((events, condition)) => append(store, events, condition).await,
        None => Ok(()),
    }
}

/// Reads, decides, and writes into the events what the decision was based on.
async fn decision(
    store: &PostgresStore,
    reads: &mut Vec<Read>,
) -> Result<Option<(Vec<NewEvent>, AppendCondition)>, StoreError> {
    let rule = Rule::any();
    let query = rule.query();
    let events = store.read(&query, ReadOptions::all()).await?;
    let after = events.observed();
    let page = events.collect().await?;
    let seen: Vec<_> = page
        .into_iter()
        .map(|record| Seen { event_type: record.event_type, tags: record.tags })
        .collect();
    let observed = after.map_or(0, SequencePosition::get);
    reads.push(Read { rule, observed, seen: seen.len() });
    let Some(mut events) = rule.decide(&seen) else { return Ok(None) };
    let note = &mut events[0].metadata;
    note.insert("rule", &rule.to_text()).unwrap();
    note.insert("after", &observed.to_string()).unwrap();
    note.insert("seen", &seen.len().to_string()).unwrap();
    Ok(Some((events, AppendCondition::fail_if_events_match(query).after(after))))
}

async fn append(
    store: &PostgresStore,
    events: Vec<NewEvent>,
    condition: AppendCondition,
) -> Result<(), StoreError> {
    store_error(store.append(events, condition).await)
}

/// Appends in a transaction that is kept open for a while, and then committed or not.
async fn hold(store: &PostgresStore, reads: &mut Vec<Read>) -> Result<(), StoreError> {
    let (events, condition) = match decision(store, reads).await? {
        Some(decided) if fastrand::bool() => decided,
        _ => (rules::noise(), AppendCondition::None),
    };
    let mut transaction = store.pool().begin().await.unwrap();
    store_error(store.append_in(&mut transaction, events, condition).await)?;
    tokio::time::sleep(Duration::from_millis(15)).await;
    let end =
        if fastrand::bool() { transaction.commit().await } else { transaction.rollback().await };
    // SERIALIZABLE may refuse the commit.
    drop(end);
    Ok(())
}

/// The error of the store, if there is one. A conflict is expected.
fn store_error<T>(outcome: Result<T, AppendError>) -> Result<(), StoreError> {
    match outcome {
        Ok(_) | Err(AppendError::Conflict(_)) => Ok(()),
        Err(AppendError::Store(error)) => Err(error),
        Err(other) => panic!("{other:?}"),
    }
}
