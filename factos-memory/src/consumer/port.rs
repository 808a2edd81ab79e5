use std::{any::Any, fmt, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use factos::SequencePosition;
use factos_consumer::port::{
    Advance, Beat, ConsumerId, ConsumerRow, ConsumerState, Decision, Grant, LiveProcess, Parked,
    ParkedCount, ParkedQuery, PartitionId, Port, PortError, ProcessId, Registration, Selection,
    Settled, Snapshot, Step, Token, Until, Work,
};
use futures_util::FutureExt;
use tokio::{sync::Mutex, time::Instant};

use super::{
    data::{Consumer, Data, Lease, ParkedEvent, Partition, Process, after},
    transaction::{MemoryTransaction, Values, model},
};

/// Where consumers keep what they must not forget, in memory: it is gone with its last handle.
///
/// A consumer writes its read model with [`MemoryTransaction`]. One transaction is open at a time, and every other call
/// waits for it. Time is that of tokio, which a test may pause.
#[derive(Clone, Default)]
pub struct MemoryConsumers {
    data: Arc<Mutex<Data>>,
}

impl MemoryConsumers {
    /// Nothing is kept yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The model of this type, as it is committed; the default value before its first change.
    pub async fn model<T: Any + Clone + Default>(&self) -> T {
        model(&self.data.lock().await.values)
    }
}

impl fmt::Debug for MemoryConsumers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryConsumers").finish_non_exhaustive()
    }
}

impl Port for MemoryConsumers {
    type Tx = MemoryTransaction;

    async fn register(&self, registration: &Registration) -> Result<ConsumerState, PortError> {
        self.data.lock().await.register(registration, Instant::now())
    }

    async fn beat(&self, beat: &Beat) -> Result<Snapshot, PortError> {
        Ok(self.data.lock().await.beat(beat, Instant::now()))
    }

    async fn acquire(
        &self,
        process: &ProcessId,
        partition: &PartitionId,
        lease: Duration,
    ) -> Result<Option<Grant>, PortError> {
        let mut data = self.data.lock().await;
        let now = Instant::now();
        Ok(data.acquire(process, partition, now, after(now, lease)))
    }

    async fn release(&self, partition: &PartitionId, token: Token) -> Result<(), PortError> {
        if let Ok(held) = self.data.lock().await.held(partition, token) {
            held.lease = None;
        }
        Ok(())
    }

    async fn leave(&self, process: &ProcessId) -> Result<(), PortError> {
        let mut data = self.data.lock().await;
        data.processes.remove(process);
        for partition in data.consumers.values_mut().flat_map(|consumer| &mut consumer.partitions) {
            partition.lease.take_if(|lease| lease.owner == *process);
        }
        Ok(())
    }

    async fn commit(
        &self,
        step: Step,
        work: Option<Box<dyn Work<MemoryTransaction>>>,
    ) -> Result<(), PortError> {
        let mut data = self.data.lock().await;
        data.check(&step)?;
        let values = run(data.values.clone(), work).await?;
        data.values = values;
        data.keep(step, Instant::now())
    }

    async fn report(
        &self,
        partition: &PartitionId,
        token: Token,
        error: &str,
    ) -> Result<(), PortError> {
        if let Ok(held) = self.data.lock().await.held(partition, token) {
            held.error = Some(error.to_owned());
        }
        Ok(())
    }

    async fn consumers(&self) -> Result<Vec<ConsumerRow>, PortError> {
        let (data, now) = (self.data.lock().await, Instant::now());
        Ok(data.consumers.iter().map(|(id, consumer)| consumer.row(id, now)).collect())
    }

    async fn parked(&self, query: &ParkedQuery, most: u32) -> Result<Vec<Parked>, PortError> {
        let (data, now) = (self.data.lock().await, Instant::now());
        let id = query.consumer();
        let Some(consumer) = data.consumers.get(id) else { return Ok(Vec::new()) };
        let positions: Vec<_> = match query {
            ParkedQuery::Listed { after, .. } => {
                let later = consumer.parked.keys().filter(|at| Some(**at) > *after);
                later.take(most as usize).copied().collect()
            }
            ParkedQuery::Due { partition, partitions } => {
                consumer.due(partition.number, *partitions, most, now)
            }
            ParkedQuery::OfKey { key, .. } => {
                let waiting = consumer.parked.iter().filter(|(_, parked)| parked.skipped.is_none());
                let of_key = waiting.filter(|(_, parked)| parked.key.as_ref() == Some(key));
                of_key.map(|(at, _)| *at).take(most as usize).collect()
            }
        };
        let rows = positions.iter().filter_map(|at| Some((at, consumer.parked.get(at)?)));
        Ok(rows.map(|(at, parked)| parked.row(id, *at, now)).collect())
    }

    async fn count_parked(&self, consumer: &ConsumerId) -> Result<ParkedCount, PortError> {
        let data = self.data.lock().await;
        let mut count = ParkedCount::default();
        let parked = data.consumers.get(consumer).map(|consumer| consumer.parked.values());
        for parked in parked.into_iter().flatten() {
            match (&parked.skipped, parked.retry_at) {
                (Some(_), _) => count.skipped += 1,
                (None, Some(_)) => count.waiting += 1,
                (None, None) => count.dead += 1,
            }
        }
        Ok(count)
    }

    async fn decide(
        &self,
        consumer: &ConsumerId,
        selection: &Selection,
        decision: &Decision,
    ) -> Result<u64, PortError> {
        let mut data = self.data.lock().await;
        Ok(data.consumer(consumer)?.decide(selection, decision, Instant::now()))
    }

    async fn promote(
        &self,
        consumer: &ConsumerId,
        work: Option<Box<dyn Work<MemoryTransaction>>>,
    ) -> Result<(), PortError> {
        let mut data = self.data.lock().await;
        let mut promoted = data.clone();
        promoted.promote(consumer)?;
        promoted.values = run(promoted.values, work).await?;
        *data = promoted;
        Ok(())
    }

    async fn retire(&self, consumer: &ConsumerId) -> Result<(), PortError> {
        self.data.lock().await.retire(consumer)
    }
}

/// The values with what the work has written.
async fn run(
    values: Values,
    work: Option<Box<dyn Work<MemoryTransaction>>>,
) -> Result<Values, PortError> {
    let Some(work) = work else { return Ok(values) };
    let mut transaction = MemoryTransaction::new(values);
    let outcome = AssertUnwindSafe(async { work.run(&mut transaction).await }).catch_unwind().await;
    outcome
        .unwrap_or_else(|panic| Err(factos_consumer::panic_error(&*panic)))
        .map_err(PortError::Work)?;
    Ok(transaction.into_values())
}

impl Data {
    fn beat(&mut self, beat: &Beat, now: Instant) -> Snapshot {
        let until = after(now, beat.lease);
        let mut lost = Vec::new();
        for (partition, token) in &beat.held {
            match self.held(partition, *token) {
                Ok(Partition { lease: Some(lease), .. }) => lease.until = until,
                _ => lost.push(partition.clone()),
            }
        }
        let process = Process { serves: beat.serves.clone(), alive_until: until };
        self.processes.insert(beat.process.clone(), process);
        self.processes.retain(|_, process| process.alive_until > now);
        for id in &beat.serves {
            self.finish(&id.name, now);
        }
        let served = beat.serves.iter().filter_map(|id| Some((id, self.consumers.get(id)?)));
        let served = served.filter(|(_, consumer)| consumer.state != ConsumerState::Retired);
        let mut processes: Vec<_> = self
            .processes
            .iter()
            .map(|(id, process)| LiveProcess {
                process: id.clone(),
                serves: process.serves.clone(),
            })
            .collect();
        processes.sort_by(|one, other| one.process.cmp(&other.process));
        Snapshot {
            processes,
            consumers: served.map(|(id, consumer)| consumer.row(id, now)).collect(),
            lost,
        }
    }

    fn acquire(
        &mut self,
        process: &ProcessId,
        id: &PartitionId,
        now: Instant,
        until: Instant,
    ) -> Option<Grant> {
        let token = self.next_token();
        self.finish(&id.consumer.name, now);
        let consumer = self.consumers.get_mut(&id.consumer)?;
        let (blocked, resize) = (consumer.blocked(id.number), consumer.resize);
        let partitions = u32::try_from(consumer.partitions.len()).ok()?;
        let is_leased = consumer.state != ConsumerState::Retired;
        let partition = consumer.partitions.get_mut(id.number as usize)?;
        if !is_leased || !partition.is_free(now) {
            return None;
        }
        partition.lease = Some(Lease { owner: process.clone(), token, until });
        let resize = resize.map(|resize| Until(resize.until));
        Some(Grant { token, partitions, anchor: partition.anchor.clone(), resize, blocked })
    }

    /// The partition, if its lease has this token.
    fn held(&mut self, id: &PartitionId, token: Token) -> Result<&mut Partition, PortError> {
        let consumer = self.consumers.get_mut(&id.consumer);
        let partition =
            consumer.and_then(|consumer| consumer.partitions.get_mut(id.number as usize));
        partition
            .filter(|partition| partition.is_held_by(token))
            .ok_or_else(|| PortError::LeaseLost(id.clone()))
    }

    /// Whether the step may be made.
    fn check(&mut self, step: &Step) -> Result<(), PortError> {
        let partition = self.held(&step.partition, step.token)?;
        let Some(Advance { from, to }) = &step.advance else { return Ok(()) };
        match &partition.anchor {
            Some(kept) if kept.log_id() != to.log_id() => Err(PortError::OtherLog {
                partition: step.partition.clone(),
                kept: kept.log_id().to_owned(),
                found: to.log_id().to_owned(),
            }),
            _ if partition.position() != *from => Err(PortError::Moved {
                partition: step.partition.clone(),
                expected: *from,
                found: partition.position(),
            }),
            _ => Ok(()),
        }
    }

    /// Keeps what a step says that was checked.
    fn keep(&mut self, step: Step, now: Instant) -> Result<(), PortError> {
        let partition = self.held(&step.partition, step.token)?;
        partition.error = None;
        if let Some(advance) = step.advance {
            partition.anchor = Some(advance.to);
        }
        let consumer = self.consumer(&step.partition.consumer)?;
        for parked in step.park {
            let event = ParkedEvent::new(parked.clone(), now);
            consumer.parked.entry(parked.position).or_insert(event);
        }
        for settled in step.settle {
            consumer.settle(settled, now);
        }
        Ok(())
    }
}

impl Consumer {
    fn settle(&mut self, settled: Settled, now: Instant) {
        match settled {
            Settled::Done(position) => {
                self.parked.remove(&position);
            }
            Settled::Failed { position, index, failure } => {
                if let Some(parked) = self.parked.get_mut(&position) {
                    parked.fail(index, failure, now);
                }
            }
        }
    }

    /// Where the events are that are to be tried now.
    fn due(
        &self,
        partition: u32,
        partitions: u32,
        most: u32,
        now: Instant,
    ) -> Vec<SequencePosition> {
        let due = self.first().filter(|(_, parked)| {
            parked.is_of(partition, partitions as usize)
                && parked.retry_at.is_some_and(|at| at <= now)
        });
        due.map(|(at, _)| *at).take(most as usize).collect()
    }

    fn decide(&mut self, selection: &Selection, decision: &Decision, now: Instant) -> u64 {
        let most = match selection {
            Selection::First(most) => *most as usize,
            _ => usize::MAX,
        };
        let is_meant = |at: &SequencePosition, parked: &ParkedEvent| match selection {
            Selection::At(position) => at == position,
            Selection::OfKey(key) => parked.key.as_ref() == Some(key),
            _ => true,
        };
        let parked = self.parked.iter_mut().filter(|(_, parked)| parked.skipped.is_none());
        let meant = parked.filter(|(at, parked)| is_meant(at, parked)).take(most);
        let mut count = 0;
        for (_, parked) in meant {
            count += 1;
            match decision {
                Decision::Retry => parked.retry_at = Some(now),
                Decision::Skip(reason) => parked.skipped = Some(reason.clone()),
            }
        }
        count
    }
}
