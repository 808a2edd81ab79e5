//! What one process does to run consumers: its signs of life, its leases, its workers.

mod shares;

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use factos::{Anchor, Query, ReadOptions, StoreError};
use futures_util::FutureExt;
use shares::{Shares, shares};
use tokio::{
    sync::Notify,
    task::{JoinError, JoinSet},
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::{
    consumer::{Consumer, Leased},
    options::Start,
    orders::{OrdersSender, Stop},
    panic::panic_error,
    port::{
        Beat, ConsumerId, ConsumerRow, ConsumerState, PartitionId, PartitionRow, Port, ProcessId,
        Registration, Snapshot, Token,
    },
    run_error::{RunError, is_passing},
    worker::{Context, Ended},
};

/// The longest time between two signs of life.
const BEAT: Duration = Duration::from_secs(4);
/// The shortest, where something is about to change.
const SOON: Duration = Duration::from_secs(1);
/// How long after a failure of the database or the log a partition is leased again.
const BROKEN: Duration = Duration::from_secs(1);

/// How a process runs consumers.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) partitions: u32,
    pub(crate) lease: Duration,
    pub(crate) shutdown_within: Duration,
    pub(crate) rebuilds_at_once: usize,
}

pub(crate) struct Runner<'a, P: Port> {
    context: Context<P>,
    consumers: BTreeMap<ConsumerId, Arc<dyn Consumer<P>>>,
    settings: &'a Settings,
    process: ProcessId,
    workers: BTreeMap<PartitionId, Held>,
    tasks: JoinSet<(PartitionId, Result<Ended, RunError>)>,
    /// Since when a partition that is another process's turn is free.
    free_since: BTreeMap<PartitionId, Instant>,
    /// Until when a partition is not to be leased.
    not_before: BTreeMap<PartitionId, Instant>,
}

/// A lease that this process has.
struct Held {
    token: Token,
    orders: OrdersSender,
}

impl<'a, P: Port> Runner<'a, P> {
    pub(crate) fn new(
        context: Context<P>,
        consumers: &[Arc<dyn Consumer<P>>],
        settings: &'a Settings,
        process: ProcessId,
    ) -> Result<Self, RunError> {
        let mut by_id = BTreeMap::new();
        for consumer in consumers {
            let id = consumer.id();
            consumer.query().map_err(|error| RunError::Query { consumer: id.clone(), error })?;
            if by_id.insert(id.clone(), Arc::clone(consumer)).is_some() {
                return Err(RunError::Twice(id));
            }
        }
        Ok(Self {
            context,
            consumers: by_id,
            settings,
            process,
            workers: BTreeMap::new(),
            tasks: JoinSet::new(),
            free_since: BTreeMap::new(),
            not_before: BTreeMap::new(),
        })
    }

    /// Runs until it is told to stop, or a consumer cannot go on. All leases are given back then.
    pub(crate) async fn run(
        mut self,
        shutdown: impl Future<Output = ()>,
        kick: &Notify,
    ) -> Result<(), RunError> {
        let mut shutdown = pin!(shutdown);
        let outcome = tokio::select! {
            () = &mut shutdown => Ok(()),
            Err(error) = self.go_on(kick) => Err(error),
        };
        let ended = self.end().await;
        outcome.and(ended)
    }

    async fn go_on(&mut self, kick: &Notify) -> Result<std::convert::Infallible, RunError> {
        for consumer in self.consumers.values() {
            self.register(&**consumer).await?;
        }
        loop {
            let mut next = self.beat().await?;
            loop {
                tokio::select! {
                    Some(joined) = self.tasks.join_next() => {
                        if self.ended(joined)? {
                            next = next.min(Instant::now() + Duration::from_millis(50));
                        }
                    }
                    () = sleep_until(next) => break,
                    () = kick.notified() => break,
                }
            }
        }
    }

    async fn register(&self, consumer: &dyn Consumer<P>) -> Result<(), RunError> {
        let mut registration = consumer.registration(self.settings.partitions);
        loop {
            let error = match self.find_start(consumer.start(), &mut registration).await {
                Ok(()) => match self.context.port.register(&registration).await {
                    Ok(_) => return Ok(()),
                    Err(error) => error,
                },
                Err(error) => error.into(),
            };
            if !is_passing(error.kind()) {
                return Err(error.into());
            }
            sleep(SOON).await;
        }
    }

    /// Has the version start where it is to, if it is new.
    async fn find_start(
        &self,
        start: Start,
        registration: &mut Registration,
    ) -> Result<(), StoreError> {
        if start == Start::End {
            let store = &self.context.store;
            // The log is complete up to the last event of a read, as it is not up to its head.
            let last = ReadOptions::all().backwards().limit(1);
            let last = store.read(&Query::all(), last).await?.next().await.transpose()?;
            registration.start = last.map(|it| Anchor::new(store.log_id(), it.position, it.id));
        }
        Ok(())
    }

    /// A worker has ended; whether the next sign of life is to come soon.
    fn ended(
        &mut self,
        joined: Result<(PartitionId, Result<Ended, RunError>), JoinError>,
    ) -> Result<bool, RunError> {
        // No task panics, and none is aborted before the end.
        let Ok((partition, ended)) = joined else { return Ok(false) };
        self.workers.remove(&partition);
        let ended = ended?;
        if ended == Ended::Broken {
            self.not_before.insert(partition, Instant::now() + BROKEN);
        }
        Ok(matches!(ended, Ended::Drained | Ended::Lost))
    }

    /// Gives a sign of life, and leases what is this process's share; when the next one is to come.
    async fn beat(&mut self) -> Result<Instant, RunError> {
        let sent = Instant::now();
        let beat = Beat {
            process: self.process.clone(),
            serves: self.consumers.keys().cloned().collect(),
            held: self.workers.iter().map(|(id, held)| (id.clone(), held.token)).collect(),
            lease: self.settings.lease,
        };
        let snapshot = match self.context.port.beat(&beat).await {
            Ok(snapshot) => snapshot,
            Err(error) if is_passing(error.kind()) => return Ok(sent + SOON.min(self.interval())),
            Err(error) => return Err(error.into()),
        };
        self.renewed(&snapshot, sent + self.settings.lease);
        let shares = self.shares(&snapshot);
        for partition in &shares.give {
            if let Some(held) = self.workers.get(partition) {
                held.orders.stop(Stop::GiveBack);
            }
        }
        self.take(&snapshot, shares.take).await?;
        Ok(self.next_beat(&snapshot))
    }

    fn renewed(&self, snapshot: &Snapshot, valid_until: Instant) {
        for (partition, held) in &self.workers {
            if snapshot.lost.contains(partition) {
                held.orders.stop(Stop::Lost);
            } else {
                held.orders.renewed(valid_until);
            }
        }
        for row in &snapshot.consumers {
            if row.retry_in == Some(Duration::ZERO) {
                let of_it = |(id, _): &(&PartitionId, &Held)| id.consumer == row.consumer;
                self.workers.iter().filter(of_it).for_each(|(_, held)| held.orders.due());
            }
        }
        // A version that was retired is in the snapshot no more.
        let is_run = |id: &ConsumerId| snapshot.consumers.iter().any(|row| row.consumer == *id);
        for (_, held) in self.workers.iter().filter(|(id, _)| !is_run(&id.consumer)) {
            held.orders.stop(Stop::GiveBack);
        }
    }

    fn shares(&mut self, snapshot: &Snapshot) -> Shares {
        let now = Instant::now();
        let held: BTreeSet<_> = self
            .workers
            .iter()
            .filter(|(_, held)| !held.orders.is_stopped())
            .map(|(id, _)| id.clone())
            .collect();
        let (patience, free_since) = (self.interval() * 3, &mut self.free_since);
        free_since.retain(|id, _| shares::is_free(snapshot, id));
        shares(&self.process, snapshot, &held, |id| {
            now.duration_since(*free_since.entry(id.clone()).or_insert(now)) > patience
        })
    }

    async fn take(
        &mut self,
        snapshot: &Snapshot,
        partitions: Vec<PartitionId>,
    ) -> Result<(), RunError> {
        let rebuilds = self.rebuilds(&snapshot.consumers);
        for partition in partitions {
            let row = snapshot.consumers.iter().find(|row| row.consumer == partition.consumer);
            let (Some(row), Some(consumer)) = (row, self.consumers.get(&partition.consumer)) else {
                continue;
            };
            let waits = self.not_before.get(&partition).is_some_and(|then| Instant::now() < *then);
            let is_over = is_rebuild(row, &snapshot.consumers) && !rebuilds.contains(&row.consumer);
            if waits || is_over || self.workers.contains_key(&partition) {
                continue;
            }
            let (consumer, state) = (Arc::clone(consumer), row.state);
            let asked = Instant::now();
            let port = &self.context.port;
            let grant = match port.acquire(&self.process, &partition, self.settings.lease).await {
                Ok(Some(grant)) => grant,
                Ok(None) => continue,
                Err(error) if is_passing(error.kind()) => continue,
                Err(error) => return Err(error.into()),
            };
            self.not_before.remove(&partition);
            let (sender, orders) = OrdersSender::new(asked + self.settings.lease);
            self.workers.insert(partition.clone(), Held { token: grant.token, orders: sender });
            let leased = Leased { partition: partition.clone(), grant, state };
            let work = consumer.work(self.context.clone(), leased, orders);
            self.tasks.spawn(async move {
                let ended = AssertUnwindSafe(work).catch_unwind().await;
                let ended = ended.unwrap_or_else(|panic| Err(panicked(&partition, &*panic)));
                (partition, ended)
            });
        }
        Ok(())
    }

    /// The versions that may be rebuilt now: those that this process rebuilds, and others up to the bound.
    fn rebuilds(&self, rows: &[ConsumerRow]) -> BTreeSet<ConsumerId> {
        let rebuilt = || rows.iter().filter(|row| is_rebuild(row, rows)).map(|row| &row.consumer);
        let is_held = |id: &&ConsumerId| self.workers.keys().any(|held| held.consumer == **id);
        let held = rebuilt().filter(is_held);
        let others = rebuilt().filter(|id| !is_held(id));
        held.chain(others).take(self.settings.rebuilds_at_once).cloned().collect()
    }

    fn next_beat(&self, snapshot: &Snapshot) -> Instant {
        let partitions = || {
            snapshot.consumers.iter().flat_map(|row| {
                let id = |number| PartitionId { consumer: row.consumer.clone(), number };
                row.partitions.iter().map(move |partition| (id(partition.number), partition))
            })
        };
        let mut pause = self.interval();
        let is_free = |(id, partition): &(PartitionId, &PartitionRow)| {
            partition.owner.is_none() && !self.workers.contains_key(id)
        };
        for (id, _) in partitions().filter(is_free) {
            pause = pause.min(self.until_a_free_one_is_looked_at(&id));
        }
        let foreign = partitions().filter(|(id, _)| !self.workers.contains_key(id));
        let expiries = foreign.map(|(_, partition)| partition.free_in);
        let retries = snapshot.consumers.iter().filter_map(|row| row.retry_in);
        for then in expiries.chain(retries).filter(|then| !then.is_zero()) {
            pause = pause.min(then + Duration::from_millis(20));
        }
        Instant::now() + pause
    }

    /// Who had it may be taken for alive for a moment after its lease has run out.
    fn until_a_free_one_is_looked_at(&self, id: &PartitionId) -> Duration {
        let free_for = self.free_since.get(id).map(Instant::elapsed);
        if free_for.is_some_and(|free_for| free_for < 2 * SOON) { SOON / 5 } else { SOON }
    }

    fn interval(&self) -> Duration {
        BEAT.min(self.settings.lease / 3)
    }

    /// Has all workers end, those that take too long at once, and gives everything back.
    async fn end(&mut self) -> Result<(), RunError> {
        for held in self.workers.values() {
            held.orders.stop(Stop::GiveBack);
        }
        let mut outcome = Ok(());
        let all = async {
            while let Some(joined) = self.tasks.join_next().await {
                if let Ok((_, Err(error))) = joined {
                    outcome = Err(error);
                }
            }
        };
        drop(timeout(self.settings.shutdown_within, all).await);
        self.tasks.shutdown().await;
        // What cannot be given back runs out by itself.
        let leave = self.context.port.leave(&self.process);
        drop(timeout(self.settings.shutdown_within, leave).await);
        outcome
    }
}

/// Whether the version is being built beside a live one, as far as this process knows.
fn is_rebuild(row: &ConsumerRow, rows: &[ConsumerRow]) -> bool {
    let live = rows.iter().find(|other| {
        other.consumer.name == row.consumer.name && other.state == ConsumerState::Live
    });
    row.state == ConsumerState::Beside
        && live.is_none_or(|live| live.consumer.version < row.consumer.version)
}

/// The end of a run by a panic that belongs to no event, as that of a key.
fn panicked(partition: &PartitionId, panic: &(dyn std::any::Any + Send)) -> RunError {
    let (partition, error) = (partition.clone(), panic_error(panic));
    RunError::Consumer { partition, position: None, attempts: 0, error }
}
