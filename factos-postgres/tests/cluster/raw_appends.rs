//! Writers that read, decide and append by themselves, under a condition.

use factos::{
    AppendCondition, AppendError, EventStore, NewEvent, ReadOptions, SequencePosition, StoreError,
};
use factos_postgres::PostgresStore;

use crate::{
    boundaries::{counted, of_counter},
    ledger::{Advice, Ledger, WentBack},
    patience::pause,
    pulse::Pulse,
};

/// Whose counters a writer counts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Counters {
    Own,
    Shared,
}

pub(crate) struct RawWriter {
    pub(crate) number: usize,
    pub(crate) store: PostgresStore,
    pub(crate) counters: Counters,
    pub(crate) ledger: Ledger,
}

impl RawWriter {
    pub(crate) async fn work(mut self, pulse: &Pulse) -> Ledger {
        while !pulse.is_over() {
            let round = pulse.round();
            let counter = match self.counters {
                Counters::Own => format!("own-{}-{round}", self.number),
                Counters::Shared => format!("shared-{}-{round}", fastrand::u32(..3)),
            };
            let counted = self.count(&counter).await;
            pulse.note_unknown(self.number, self.ledger.told.unknown);
            match counted {
                Ok(true) => pulse.beat(self.number),
                Ok(false) => {}
                Err(WentBack) => {
                    pulse.went_back();
                    break;
                }
            }
            pause(fastrand::u64(30..150)).await;
        }
        self.ledger
    }

    /// Whether an append of one more was acknowledged.
    async fn count(&mut self, counter: &str) -> Result<bool, WentBack> {
        let query = of_counter(counter);
        let (observed, count) = match self.read(counter).await {
            Ok(read) => read,
            Err(error) => {
                let advice = self.ledger.told.note(&error);
                return if advice == Advice::Open { Err(WentBack) } else { Ok(false) };
            }
        };
        let condition = AppendCondition::fail_if_events_match(query).after(observed);
        self.append(counted(counter, observed, count), condition, false).await
    }

    async fn read(&self, counter: &str) -> Result<(Option<SequencePosition>, usize), StoreError> {
        let events = self.store.read(&of_counter(counter), ReadOptions::all()).await?;
        Ok((events.observed(), events.collect().await?.len()))
    }

    /// Appends a batch until its outcome is known; whether it is in the log.
    pub(crate) async fn append(
        &mut self,
        batch: Vec<NewEvent>,
        condition: AppendCondition,
        mut may_be_there: bool,
    ) -> Result<bool, WentBack> {
        let ids: Vec<_> = batch.iter().map(|event| event.id).collect();
        let ledger = &mut self.ledger;
        loop {
            match self.store.append(batch.clone(), condition.clone()).await {
                Ok(records) => {
                    ledger.told.unknown_not_found += usize::from(may_be_there);
                    ledger.acknowledge(&records);
                    return Ok(true);
                }
                Err(AppendError::DuplicateEventId(id)) => {
                    assert!(may_be_there, "{id} was told as not written");
                    assert_eq!(id, ids[0]);
                    ledger.told.unknown_found += 1;
                    ledger.found.extend(ids);
                    return Ok(true);
                }
                Err(AppendError::Conflict(_)) => {
                    ledger.told.conflicts += 1;
                    ledger.told.unknown_not_found += usize::from(may_be_there);
                    ledger.not_written.extend(ids);
                    return Ok(false);
                }
                Err(AppendError::Store(error)) => {
                    let advice = ledger.told.note(&error);
                    may_be_there |= advice == Advice::Append;
                    let left =
                        if may_be_there { &mut ledger.unsettled } else { &mut ledger.not_written };
                    if advice == Advice::Open {
                        left.extend(ids);
                        return Err(WentBack);
                    }
                    // Nothing was written: it may be tried again, or not.
                    if !may_be_there && fastrand::bool() {
                        left.extend(ids);
                        return Ok(false);
                    }
                }
                Err(error) => panic!("no error of a failover: {error:?}"),
            }
            pause(fastrand::u64(100..300)).await;
        }
    }
}
