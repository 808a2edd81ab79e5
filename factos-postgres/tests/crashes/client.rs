use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use factos::{
    AppendCondition, AppendError, EventStore, EventType, NewEvent, Query, QueryItem, ReadOptions,
    SequencePosition, StoreError, StoreErrorKind, StreamName, Tag,
};
use factos_postgres::PostgresStore;

use crate::{
    ledger::{COUNTED, Ledger},
    support::assert_retryable,
};

const COUNTERS: u64 = 3;

/// Appends in several ways in turn, and keeps a ledger of the outcomes.
pub(crate) struct Client {
    pub(crate) number: usize,
    pub(crate) store: PostgresStore,
}

impl Client {
    pub(crate) async fn work(self, over: &AtomicBool, done: &AtomicUsize) -> Ledger {
        let mut ledger = Ledger::default();
        for turn in 0_usize.. {
            if over.load(Ordering::SeqCst) {
                break;
            }
            let before = ledger.acknowledged.len();
            match turn % 4 {
                0 | 2 => self.append(self.batch(), AppendCondition::None, &mut ledger).await,
                1 => self.count(&mut ledger).await,
                _ => self.hold(&mut ledger).await,
            }
            if ledger.acknowledged.len() > before {
                done.fetch_add(1, Ordering::SeqCst);
            }
        }
        ledger
    }

    async fn append(&self, batch: Vec<NewEvent>, condition: AppendCondition, ledger: &mut Ledger) {
        let sent = batch.clone();
        match self.store.append(batch, condition).await {
            Ok(records) => ledger.acknowledged.push(records),
            Err(AppendError::Conflict(_)) => ledger.refused.push(sent),
            Err(AppendError::Store(error)) if error.kind() == StoreErrorKind::OutcomeUnknown => {
                ledger.unknown.push(sent);
            }
            Err(AppendError::Store(error)) => {
                assert_retryable(&error);
                ledger.not_written.push(sent);
                pause().await;
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Appends the next count, and says in the event what it was decided from.
    async fn count(&self, ledger: &mut Ledger) {
        let counter = tag("counter", fastrand::u64(..COUNTERS));
        let query = Query::item(QueryItem::with_tag(counter.clone()));
        let (observed, counted) = match self.read(&query).await {
            Ok(read) => read,
            Err(error) => {
                assert_retryable(&error);
                ledger.failed_reads += 1;
                return pause().await;
            }
        };
        let from = observed.map_or(0, SequencePosition::get);
        let mut event = NewEvent::new(COUNTED, format!("{from} {counted}"));
        event.tags.insert(&counter);
        let condition = AppendCondition::fail_if_events_match(query).after(observed);
        self.append(vec![event], condition, ledger).await;
    }

    async fn read(&self, query: &Query) -> Result<(Option<SequencePosition>, usize), StoreError> {
        let events = self.store.read(query, ReadOptions::all()).await?;
        Ok((events.observed(), events.collect().await?.len()))
    }

    /// Appends in a transaction that stays open for a while, and whose commit may fail.
    async fn hold(&self, ledger: &mut Ledger) {
        let batch = self.batch();
        let Ok(mut transaction) = self.store.pool().begin().await else { return pause().await };
        let outcome =
            self.store.append_in(&mut transaction, batch.clone(), AppendCondition::None).await;
        let Ok(records) = outcome else {
            ledger.not_written.push(batch);
            return pause().await;
        };
        tokio::time::sleep(Duration::from_millis(10)).await;
        match transaction.commit().await {
            Ok(()) => ledger.acknowledged.push(records),
            Err(_) => ledger.unknown.push(batch),
        }
    }

    /// Three events, two of them in a stream of the client's own.
    fn batch(&self) -> Vec<NewEvent> {
        let one = |name: &'static str, stream: Option<String>| {
            let mut event = NewEvent::new(EventType::from_static(name), "{}");
            event.tags.insert(&tag("client", self.number));
            event.stream = stream.map(|name| StreamName::new(name).unwrap());
            event
        };
        let own = || Some(format!("client-{}", self.number));
        vec![one("First", own()), one("Second", None), one("Third", own())]
    }
}

fn tag(key: &str, value: impl std::fmt::Display) -> Tag {
    Tag::new(key, &value.to_string()).unwrap()
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}
