//! Those who follow the log, and must be given each event once and in order.

use std::time::Duration;

use factos::{EventId, EventStoreExt, Query, SequencePosition, SubscribeError, Subscription};
use factos_postgres::PostgresStore;
use tokio::{sync::watch, time::timeout};

use crate::{ledger::Told, patience::pause};

/// The position up to which is followed, once it is known.
pub(crate) type End = watch::Receiver<Option<SequencePosition>>;

pub(crate) struct Followed {
    pub(crate) seen: Vec<(SequencePosition, EventId)>,
    pub(crate) told: Told,
}

/// What becomes of a subscription that met an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterError {
    PolledAgain,
    MadeAnew,
}

pub(crate) async fn follow(store: PostgresStore, after: AfterError, end: End) -> Followed {
    let mut followed = Followed { seen: Vec::new(), told: Told::default() };
    let mut from = None;
    loop {
        let mut events = store.subscribe(Query::all(), from).page(100);
        if followed.goes_on(&mut events, after, &end).await {
            return followed;
        }
        from = events.through();
    }
}

impl Followed {
    /// Whether the end was reached; otherwise there was an error.
    async fn goes_on(
        &mut self,
        events: &mut Subscription<'_, PostgresStore>,
        after: AfterError,
        end: &End,
    ) -> bool {
        loop {
            let end = *end.borrow();
            if end.is_some() && events.through() >= end {
                return true;
            }
            match timeout(Duration::from_millis(500), events.next()).await {
                Err(_) => {}
                Ok(Ok(batch)) => {
                    self.seen.extend(batch.records.iter().map(|r| (r.position, r.id)));
                }
                Ok(Err(SubscribeError::Store(error))) if error.is_retryable() => {
                    self.told.note(&error);
                    pause(100).await;
                    if after == AfterError::MadeAnew {
                        return false;
                    }
                }
                Ok(Err(error)) => panic!("no error of a failover: {error:?}"),
            }
        }
    }
}
