//! Those who follow the log, and must be given each event once and in order.

use std::time::Duration;

use factos::{
    Anchor, Bytes, CheckpointError, EventId, EventStore, EventStoreExt, Query, Recorded,
    SequencePosition, StoreError, SubscribeError,
};
use factos_postgres::PostgresStore;
use tokio::{sync::watch, time::timeout};

use crate::{
    ledger::{Advice, Told, WentBack},
    patience::pause,
};

/// How far is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// As long as there is more.
    Told,
    /// Up to here.
    Position(Option<SequencePosition>),
    /// No further than it has come.
    Now,
}

pub(crate) type End = watch::Receiver<Until>;

/// Whether one who has come through here is at the end.
pub(crate) fn is_reached(end: &End, through: Option<SequencePosition>) -> bool {
    match *end.borrow() {
        Until::Told => false,
        Until::Position(position) => through >= position,
        Until::Now => true,
    }
}

/// What a follower keeps, far from the log.
#[derive(Debug, Default)]
pub(crate) struct Followed {
    pub(crate) seen: Vec<(SequencePosition, EventId)>,
    pub(crate) kept: Option<Anchor>,
    pub(crate) told: Told,
}

/// What becomes of a subscription that met an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterError {
    PolledAgain,
    MadeAnew,
}

impl Followed {
    /// Goes on from what was kept, up to the end or until the log has gone back.
    pub(crate) async fn follow(
        mut self,
        store: PostgresStore,
        after: AfterError,
        end: End,
        through: impl Fn(Option<SequencePosition>),
    ) -> Self {
        loop {
            match self.go_on(&store, after, &end, &through).await {
                Ok(true) | Err(WentBack) => return self,
                Ok(false) => pause(100).await,
            }
        }
    }

    /// Whether the end was reached; otherwise there was an error.
    async fn go_on(
        &mut self,
        store: &PostgresStore,
        after: AfterError,
        end: &End,
        through: &impl Fn(Option<SequencePosition>),
    ) -> Result<bool, WentBack> {
        let from = match store.resume(self.kept.clone()).await {
            Ok(from) => from,
            Err(CheckpointError::Store(error)) => return self.note(&error),
            Err(error) => panic!("no error of a failover: {error:?}"),
        };
        let mut events = store.subscribe(Query::all(), from).page(100);
        while !is_reached(end, events.through()) {
            let Ok(next) = timeout(Duration::from_millis(500), events.next()).await else {
                continue;
            };
            let failed = match next {
                // What is kept is kept together with what was seen.
                Ok(batch) => match batch.anchor(store).await {
                    Ok(anchor) => {
                        self.seen.extend(batch.records.iter().map(|r| (r.position, r.id)));
                        self.kept = anchor.or(self.kept.take());
                        through(batch.through);
                        continue;
                    }
                    // The batch is given up, and comes again.
                    Err(error) => return self.note(&error),
                },
                Err(SubscribeError::Store(error)) => error,
                Err(error) => panic!("no error of a failover: {error:?}"),
            };
            self.note(&failed)?;
            if after == AfterError::MadeAnew {
                return Ok(false);
            }
            pause(100).await;
        }
        Ok(true)
    }

    fn note(&mut self, error: &StoreError) -> Result<bool, WentBack> {
        let advice = self.told.note(error);
        if advice == Advice::Open { Err(WentBack) } else { Ok(false) }
    }

    /// Forgets what the log has lost: all above the last event that both have. Whether there was anything.
    pub(crate) fn reset(&mut self, log: &[Recorded<Bytes>], log_id: &str) -> bool {
        let common = self.seen.iter().zip(log).take_while(|((position, id), record)| {
            (*position, *id) == (record.position, record.id)
        });
        let common = common.count();
        let has_lost = common < self.seen.len();
        if has_lost {
            self.seen.truncate(common);
            let last = self.seen.last();
            self.kept = last.map(|(position, id)| Anchor::new(log_id, *position, *id));
        }
        has_lost
    }

    /// Whether the log says that it cannot be gone on with from what is kept.
    pub(crate) async fn is_refused_by(&self, store: &PostgresStore) -> bool {
        match store.resume(self.kept.clone()).await {
            Ok(_) => false,
            Err(CheckpointError::AboveHead { .. } | CheckpointError::Rewritten { .. }) => true,
            Err(error) => panic!("the log {} cannot be read: {error:?}", store.log_id()),
        }
    }
}
