use factos::{Anchor, Batch, Event, EventStoreExt, Recorded, SequencePosition};
use tokio::time::{Duration, Instant};

use super::{Pending, Step, Worker, item::Item};
use crate::{
    handler::{Handler, Place},
    options::OnError,
    port::{Failure, NewParked, Port, PortError, Until},
};

/// How long a move may stay unkept after another one was kept, if nothing was done with it that could be done again.
const IDLE: Duration = Duration::from_millis(500);
/// The same where effects would be carried out again.
pub(super) const DONE: Duration = Duration::from_millis(100);

impl<P: Port, H: Handler<P::Tx>> Worker<P, H> {
    /// Handles the events of this partition among those of a batch.
    pub(super) async fn batch(&mut self, batch: Batch) -> Step<()> {
        let Some((batch, to)) = self.cut(batch).await? else { return Ok(()) };
        let mut items: Vec<_> = batch.into_iter().filter_map(|record| self.item(record)).collect();
        if items.is_empty() {
            self.pass(to, IDLE);
            return Ok(());
        }
        if H::IS_TRANSACTIONAL && self.together(&mut items, &to).await? {
            return Ok(());
        }
        self.one_by_one(items).await?;
        if Some(to.position()) > self.reached() {
            self.pass(to, if H::IS_TRANSACTIONAL { IDLE } else { DONE });
        }
        Ok(())
    }

    /// The records of the batch up to where the partition stops, and what is kept after them; `None` before the first
    /// event of the log.
    async fn cut(&self, batch: Batch) -> Step<Option<(Vec<Recorded<factos::Bytes>>, Anchor)>> {
        let Some(through) = batch.through else { return Ok(None) };
        let to = match self.until {
            Some(Until(Some(until))) if until < through => self.store.anchor(until).await,
            _ => batch.anchor(&*self.store).await,
        };
        let to = to.map_err(|error| self.port_failed(PortError::Database(error)))?;
        let Some(to) = to else { return Ok(None) };
        let mut records = batch.records;
        records.retain(|record| record.position <= to.position());
        Ok(Some((records, to)))
    }

    fn item(&self, record: Recorded<factos::Bytes>) -> Option<Item<H::Event>> {
        let item = Item::of(&*self.handler, &self.options, record)?;
        let (partitions, number) = (u64::from(self.partitions), u64::from(self.partition.number));
        // No partition passes what it cannot read: another release may find there that it is of this one.
        item.slot().is_none_or(|slot| slot % partitions == number).then_some(item)
    }

    /// Handles the events in one step; false if that failed, and they are to be handled one by one.
    async fn together(&mut self, items: &mut [Item<H::Event>], to: &Anchor) -> Step<bool> {
        if !items.iter().all(Item::is_readable) {
            return Ok(false);
        }
        let mut records = Vec::with_capacity(items.len());
        let mut step = self.step_to(to.clone());
        for item in &mut *items {
            if self.is_blocked(item) {
                step.park.push(behind(item));
            } else if let Ok(record) = item.decoded() {
                records.push(record);
            }
        }
        let mut work = None;
        if !records.is_empty() {
            match self.handler.prepare(records, Place::default(), &self.orders).await {
                Ok(prepared) => work = prepared,
                Err(_) => return Ok(false),
            }
        }
        let has_parked = !step.park.is_empty();
        let is_done = self.commit(step, work, items.len()).await?.is_ok();
        if is_done && has_parked {
            self.due_at = Some(Instant::now());
        }
        Ok(is_done)
    }

    /// Whether the event waits behind a parked one of its key.
    pub(super) fn is_blocked(&self, item: &Item<H::Event>) -> bool {
        let key = item.key.as_ref().filter(|_| self.options.on_error == OnError::ParkKey);
        key.is_some_and(|key| self.blocked.contains(key.as_str()))
    }

    /// A move that is kept so long after the one before, or now if that is past.
    pub(super) fn pass(&mut self, to: Anchor, after: Duration) {
        let now = Instant::now();
        let latest = self.kept_at.map_or(now, |kept_at| now.max(kept_at + after));
        let (at, park) = match self.pending.take() {
            Some(pending) => (pending.at.min(latest), pending.park),
            None => (latest, Vec::new()),
        };
        self.pending = Some(Pending { to, park, at });
    }

    /// A move over an event that is parked with it.
    pub(super) fn pass_parked(&mut self, to: Anchor, parked: NewParked) {
        self.pass(to, DONE);
        if let Some(pending) = &mut self.pending {
            pending.park.push(parked);
        }
    }

    /// Where it has come to, kept or not.
    pub(super) fn reached(&self) -> Option<SequencePosition> {
        self.pending.as_ref().map(|pending| pending.to.position()).max(self.kept)
    }

    /// Keeps the move that is pending.
    pub(super) async fn flush(&mut self) -> Step<()> {
        let Some(to) = self.pending.as_ref().map(|pending| pending.to.clone()) else {
            return Ok(());
        };
        let step = self.step_to(to);
        let has_parked = !step.park.is_empty();
        self.commit(step, None, 0).await?.map_err(|error| self.failed(self.kept, 0, error))?;
        if has_parked {
            self.due_at = Some(Instant::now());
        }
        Ok(())
    }
}

/// An event that waits behind a parked one of its key.
pub(super) fn behind<E: Event>(item: &Item<E>) -> NewParked {
    let reason = "it waits behind an earlier event of its key".to_owned();
    NewParked {
        position: item.record.position,
        index: 0,
        key: item.key.as_ref().map(|key| key.as_str().to_owned()),
        slot: item.slot().unwrap_or_default(),
        failure: Failure { attempts: 0, reason, retry_in: Some(Duration::ZERO) },
    }
}
