//! Which version of a consumer counts.

use std::mem;

use factos_consumer::port::{ConsumerId, ConsumerState, PortError, Registration, Succession};
use tokio::time::Instant;

use super::data::{Consumer, Data};

impl Data {
    pub(super) fn register(
        &mut self,
        registration: &Registration,
        now: Instant,
    ) -> Result<ConsumerState, PortError> {
        let Registration { consumer: id, partitions, succession, start } = registration;
        let partitions = (*partitions).max(1);
        self.check_kind(id, *succession)?;
        if !self.consumers.contains_key(id) {
            let live = self.live(&id.name);
            let state = match (&live, succession) {
                (None, _) => ConsumerState::Live,
                (Some(_), Succession::Rebuild) => ConsumerState::Beside,
                (Some(live), Succession::TakeOver) if live.version < id.version => {
                    ConsumerState::Live
                }
                (Some(_), Succession::TakeOver) => ConsumerState::Retired,
            };
            let mut consumer = Consumer::new(state, *succession, partitions, start.clone());
            if let Some(live) = live.filter(|_| *succession == Succession::TakeOver) {
                // It is retired, or waits for what the live one has.
                consumer.part_with();
                if state == ConsumerState::Live {
                    self.consumer(&live)?.state = ConsumerState::Retired;
                }
            }
            self.consumers.insert(id.clone(), consumer);
        }
        let consumer = self.consumer(id)?;
        let state = consumer.state;
        if state != ConsumerState::Retired {
            consumer.resize_to(partitions);
        }
        self.finish(&id.name, now);
        Ok(state)
    }

    /// An error if a version of the name is of the other kind.
    fn check_kind(&self, id: &ConsumerId, succession: Succession) -> Result<(), PortError> {
        let mut of_name = self.consumers.iter().filter(|(known, _)| known.name == id.name);
        match of_name.find(|(_, known)| known.succession != succession) {
            None => Ok(()),
            Some((kept, _)) => {
                let (consumer, kept) = (id.clone(), kept.clone());
                Err(PortError::OtherKind { consumer, succession, kept })
            }
        }
    }

    /// Ends what waits for leases to end: the changes of the number of partitions, and taking over.
    pub(super) fn finish(&mut self, name: &str, now: Instant) {
        if let Some(live) = self.live(name) {
            self.take_over(&live, now);
        }
        let of_name = self.consumers.iter_mut().filter(|(id, _)| id.name == name);
        of_name.for_each(|(_, consumer)| consumer.finish_resize(now));
    }

    /// Gives the live version what a retired one has, once none of it is leased.
    fn take_over(&mut self, live: &ConsumerId, now: Instant) {
        let is_waiting = |consumer: &Consumer| consumer.partitions.is_empty();
        let has_some = |(id, consumer): &(&ConsumerId, &mut Consumer)| {
            id.name == live.name
                && consumer.state == ConsumerState::Retired
                && !consumer.partitions.is_empty()
        };
        if !self.consumers.get(live).is_some_and(is_waiting) {
            return;
        }
        let Some((_, from)) = self.consumers.iter_mut().find(has_some) else { return };
        if !from.partitions.iter().all(|partition| partition.is_free(now)) {
            return;
        }
        let resize = from.resize;
        let parked = mem::take(&mut from.parked);
        let partitions = from.part_with();
        let Some(live) = self.consumers.get_mut(live) else { return };
        let wanted = mem::replace(&mut live.resize, resize);
        (live.partitions, live.parked) = (partitions, parked);
        for partition in &mut live.partitions {
            partition.lease = None;
        }
        live.resize_to(wanted.map_or(1, |wanted| wanted.partitions));
    }

    pub(super) fn promote(&mut self, id: &ConsumerId) -> Result<(), PortError> {
        let mut target = self.consumer(id)?.clone();
        let live = self.live(&id.name).filter(|live| live != id);
        match (target.succession, live) {
            (Succession::Rebuild, _) if target.state == ConsumerState::Retired => {
                return Err(PortError::IsRetired(id.clone()));
            }
            (Succession::Rebuild, Some(live)) => {
                self.consumer(&live)?.state = ConsumerState::Beside;
            }
            (Succession::TakeOver, Some(live)) => {
                let live = self.consumer(&live)?;
                live.state = ConsumerState::Retired;
                // One without partitions waits for those that the target still has.
                if !live.partitions.is_empty() {
                    target.part_with();
                }
            }
            (_, None) => {}
        }
        target.state = ConsumerState::Live;
        self.consumers.insert(id.clone(), target);
        Ok(())
    }

    pub(super) fn retire(&mut self, id: &ConsumerId) -> Result<(), PortError> {
        let consumer = self.consumer(id)?;
        match consumer.state {
            ConsumerState::Live => return Err(PortError::IsLive(id.clone())),
            // It may have something to hand over.
            ConsumerState::Retired => return Ok(()),
            _ => {}
        }
        consumer.state = ConsumerState::Retired;
        consumer.partitions.clear();
        consumer.parked.clear();
        consumer.resize = None;
        Ok(())
    }
}
