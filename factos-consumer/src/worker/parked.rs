use std::collections::BTreeSet;

use factos::{Bytes, EventStore, Query, ReadOptions, Recorded, SequencePosition};
use tokio::time::Instant;

use super::{Halt, Step, Worker, item::Item};
use crate::{
    handler::{Advice, Failed, Handler, Place},
    port::{Failure, Parked, ParkedQuery, Port, PortError, Settled},
    why,
};

/// How many parked events are tried before other events have their turn.
const ROUND: u32 = 64;

impl<P: Port, H: Handler<P::Tx>> Worker<P, H> {
    /// Tries the parked events again that are due.
    pub(super) async fn retry_parked(&mut self) -> Step<()> {
        // What is parked but not kept yet may be due as well.
        self.flush().await?;
        self.due_at = None;
        let (partition, partitions) = (self.partition.clone(), self.partitions);
        let due = self.port.parked(&ParkedQuery::Due { partition, partitions }, ROUND).await;
        let due = due.map_err(|error| self.port_failed(error))?;
        let mut done = BTreeSet::new();
        for parked in &due {
            self.check_orders()?;
            if self.retry(parked).await? {
                // The next one of its key may be due now.
                self.due_at = Some(Instant::now());
                done.extend(parked.key.clone());
            }
        }
        if due.len() == ROUND as usize {
            self.due_at = Some(Instant::now());
        }
        for key in done {
            self.unblock(key).await?;
        }
        Ok(())
    }

    /// Tries a parked event again; whether it is parked no more.
    async fn retry(&mut self, parked: &Parked) -> Step<bool> {
        let place = Place { index: parked.index, attempts: parked.attempts };
        let failed = match self.attempt_parked(parked.position, place).await? {
            Ok(()) => return Ok(true),
            Err(failed) => failed,
        };
        let Place { index, attempts } = place.after(&failed);
        let retry_in = self.pause(attempts, failed.advice);
        let failure = Failure { attempts, reason: why::report(failed.why), retry_in };
        let mut step = self.step();
        step.settle.push(Settled::Failed { position: parked.position, index, failure });
        self.commit(step, None, 0).await?.map_err(|error| self.failed(None, 0, error))?;
        self.is_due_in(retry_in);
        Ok(false)
    }

    async fn attempt_parked(
        &mut self,
        position: SequencePosition,
        place: Place,
    ) -> Step<Result<(), Failed>> {
        let mut step = self.step();
        step.settle.push(Settled::Done(position));
        let Some(record) = self.record(position).await? else {
            let why = format!("the log has no event at position {position}").into();
            return Ok(Err(Failed { index: place.index, why, advice: Advice::Dead }));
        };
        let work = match Item::of(&*self.handler, &self.options, record) {
            None => None,
            Some(mut item) => match self.prepare(item.decoded(), place).await? {
                Ok(work) => work,
                Err(failed) => return Ok(Err(failed)),
            },
        };
        let done = self.commit(step, work, 1).await?;
        Ok(done.map_err(|why| Failed::retryable(0, why)))
    }

    async fn record(&self, position: SequencePosition) -> Step<Option<Recorded<Bytes>>> {
        let before = SequencePosition::new(position.get() - 1);
        let read = ReadOptions::all().after(before).limit(1);
        let failed = |error| self.port_failed(PortError::Database(error));
        let mut events = self.store.read(&Query::all(), read).await.map_err(failed)?;
        let record = events.next().await.transpose().map_err(failed)?;
        Ok(record.filter(|record| record.position == position))
    }

    /// Later events of the key need not wait, if nothing of it is parked any more.
    async fn unblock(&mut self, key: String) -> Step<()> {
        let consumer = self.partition.consumer.clone();
        let query = ParkedQuery::OfKey { consumer, key: key.clone() };
        let parked = self.port.parked(&query, 1).await;
        if parked.map_err(|error| -> Halt { self.port_failed(error) })?.is_empty() {
            self.blocked.remove(&key);
        }
        Ok(())
    }
}
