//! A port that counts what its steps and their events cost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use factos_consumer::port::{
    Beat, ConsumerId, ConsumerRow, ConsumerState, Decision, Grant, Parked, ParkedCount,
    ParkedQuery, PartitionId, Port, PortError, ProcessId, Registration, Selection, Snapshot, Step,
    Token, Work,
};

/// How many calls there were, and of how many parked events they told.
#[derive(Debug, Default)]
struct Counts {
    calls: AtomicUsize,
    events: AtomicUsize,
}

/// The port within, whose steps and looks at parked events are counted.
#[derive(Debug, Clone)]
pub(crate) struct Counting<P> {
    within: P,
    counts: Arc<Counts>,
}

impl<P> Counting<P> {
    pub(crate) fn new(within: P) -> Self {
        Self { within, counts: Arc::default() }
    }

    /// The calls since the last look, and the parked events in them.
    pub(crate) fn take(&self) -> (usize, usize) {
        let Counts { calls, events } = &*self.counts;
        (calls.swap(0, Ordering::Relaxed), events.swap(0, Ordering::Relaxed))
    }

    fn count(&self, events: usize) {
        self.counts.calls.fetch_add(1, Ordering::Relaxed);
        self.counts.events.fetch_add(events, Ordering::Relaxed);
    }
}

impl<P: Port> Port for Counting<P> {
    type Tx = P::Tx;

    async fn register(&self, registration: &Registration) -> Result<ConsumerState, PortError> {
        self.within.register(registration).await
    }

    async fn beat(&self, beat: &Beat) -> Result<Snapshot, PortError> {
        self.within.beat(beat).await
    }

    async fn acquire(
        &self,
        process: &ProcessId,
        partition: &PartitionId,
        lease: Duration,
    ) -> Result<Option<Grant>, PortError> {
        self.within.acquire(process, partition, lease).await
    }

    async fn release(&self, partition: &PartitionId, token: Token) -> Result<(), PortError> {
        self.within.release(partition, token).await
    }

    async fn leave(&self, process: &ProcessId) -> Result<(), PortError> {
        self.within.leave(process).await
    }

    async fn commit(
        &self,
        step: Step,
        work: Option<Box<dyn Work<P::Tx>>>,
    ) -> Result<(), PortError> {
        self.count(step.park.len() + step.settle.len());
        self.within.commit(step, work).await
    }

    async fn report(
        &self,
        partition: &PartitionId,
        token: Token,
        error: &str,
    ) -> Result<(), PortError> {
        self.within.report(partition, token, error).await
    }

    async fn consumers(&self) -> Result<Vec<ConsumerRow>, PortError> {
        self.within.consumers().await
    }

    async fn parked(&self, query: &ParkedQuery, most: u32) -> Result<Vec<Parked>, PortError> {
        let parked = self.within.parked(query, most).await?;
        self.count(parked.len());
        Ok(parked)
    }

    async fn count_parked(&self, consumer: &ConsumerId) -> Result<ParkedCount, PortError> {
        self.within.count_parked(consumer).await
    }

    async fn decide(
        &self,
        consumer: &ConsumerId,
        selection: &Selection,
        decision: &Decision,
    ) -> Result<u64, PortError> {
        self.within.decide(consumer, selection, decision).await
    }

    async fn promote(
        &self,
        consumer: &ConsumerId,
        work: Option<Box<dyn Work<P::Tx>>>,
    ) -> Result<(), PortError> {
        self.within.promote(consumer, work).await
    }

    async fn retire(&self, consumer: &ConsumerId) -> Result<(), PortError> {
        self.within.retire(consumer).await
    }
}
