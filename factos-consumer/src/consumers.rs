use std::{error::Error, fmt, future::Future, sync::Arc, time::Duration};

use factos::{EventId, EventStore, ReadOptions, SequencePosition, StoreError};
use futures_util::future::BoxFuture;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::{
    consumer::{Consumer, Handled},
    effect::{EffectHandler, Reaction},
    handler::{Projecting, Reacting},
    options::Options,
    parked_events::ParkedEvents,
    port::{
        ConsumerId, ConsumerRow, ConsumerState, PartitionRow, Port, PortError, ProcessId, Work,
    },
    progress::Progress,
    projection::Projection,
    run_error::RunError,
    runner::{Runner, Settings},
    status::{PartitionStatus, Status},
    worker::Context,
};

/// The consumers that a process can run, and what an administrator sees of all of them.
///
/// A clone is another handle on the same.
#[derive(Clone)]
pub struct Consumers<P> {
    store: Arc<dyn EventStore>,
    port: P,
    consumers: Vec<Arc<dyn Consumer<P>>>,
    settings: Settings,
    promotable_within: u64,
    progress: Progress,
    kick: Arc<Notify>,
}

impl<P: Port> Consumers<P> {
    /// Consumers of a log, which keep what they must not forget in `port`.
    pub fn new(store: impl EventStore + 'static, port: P) -> Self {
        Self {
            store: Arc::new(store),
            port,
            consumers: Vec::new(),
            settings: Settings {
                partitions: 1,
                lease: Duration::from_secs(30),
                shutdown_within: Duration::from_secs(10),
                rebuilds_at_once: 2,
            },
            promotable_within: 1_000,
            progress: Progress::new(),
            kick: Arc::default(),
        }
    }

    /// Runs a projection as well.
    #[must_use]
    pub fn project<J>(mut self, projection: J, options: impl Into<Options>) -> Self
    where
        J: Projection<Tx = P::Tx>,
    {
        let handler = Projecting::new(projection);
        self.consumers.push(Arc::new(Handled::new(handler, options.into())));
        self
    }

    /// Has the effects of a reaction carried out as well.
    #[must_use]
    pub fn react<R, H>(mut self, reaction: R, handler: H, options: impl Into<Options>) -> Self
    where
        R: Reaction,
        H: EffectHandler<Effect = R::Effect>,
    {
        let handler = Reacting::new(reaction, handler);
        self.consumers.push(Arc::new(Handled::new(handler, options.into())));
        self
    }

    /// Into how many partitions each consumer is divided whose [`Options`] say nothing else; 1 by default, and 0 counts as 1.
    ///
    /// It may be changed from one release to the next. The process that was started last decides: all partitions come
    /// to one position, then they are replaced.
    #[must_use]
    pub const fn partitions(mut self, partitions: u32) -> Self {
        self.settings.partitions = if partitions == 0 { 1 } else { partitions };
        self
    }

    /// For how long a lease is valid without a sign of life, and so how long it takes until another process goes on after
    /// this one was killed; 30 s by default. One of less than 30 ms counts as that.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease.max(Duration::from_millis(30));
        self
    }

    /// How long a run that ends waits for what is in hand; 10 s by default. What takes longer is dropped, and done again by
    /// whoever goes on.
    #[must_use]
    pub const fn shutdown_within(mut self, bound: Duration) -> Self {
        self.settings.shutdown_within = bound;
        self
    }

    /// How many versions this process rebuilds at once beside the live ones; 2 by default.
    #[must_use]
    pub const fn rebuilds_at_once(mut self, most: usize) -> Self {
        self.settings.rebuilds_at_once = most;
        self
    }

    /// How many positions a version may be behind the log when it is [promoted](Self::promote); 1,000 by default.
    #[must_use]
    pub const fn promotable_within(mut self, positions: u64) -> Self {
        self.promotable_within = positions;
        self
    }

    /// Runs the consumers, together with other processes, until `shutdown` ends or one of the consumers cannot go on. Then
    /// what is in hand is ended, and all leases are given back.
    ///
    /// # Errors
    /// [`RunError`], which names the consumer, the partition and the event. A log or a database that cannot be reached is no such
    /// error: it is tried again until it is back.
    ///
    /// # Cancellation
    /// If it is dropped, what is in hand is dropped as well, and leases run out by themselves: end `shutdown` instead.
    pub async fn run_until(&self, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
        let process = format!("{}-{}", std::process::id(), EventId::new());
        let context = Context {
            store: Arc::clone(&self.store),
            port: self.port.clone(),
            progress: self.progress.clone(),
        };
        let runner = Runner::new(context, &self.consumers, &self.settings, ProcessId(process))?;
        runner.run(shutdown, &self.kick).await
    }

    /// How all consumers stand that are kept, whichever process runs them.
    ///
    /// # Errors
    /// [`PortError`], of the log as well.
    pub async fn status(&self) -> Result<Status, PortError> {
        let rows = self.port.consumers().await?;
        let head = self.store.head().await?;
        let mut partitions = Vec::new();
        for row in rows.iter().filter(|row| row.state != ConsumerState::Retired) {
            let parked = self.port.count_parked(&row.consumer).await?;
            for partition in &row.partitions {
                let PartitionRow { number, owner, position, error, .. } = partition.clone();
                let at =
                    |position: Option<SequencePosition>| position.map_or(0, SequencePosition::get);
                partitions.push(PartitionStatus {
                    consumer: row.consumer.clone(),
                    state: row.state,
                    number,
                    owner,
                    position,
                    behind: at(head).saturating_sub(at(position)),
                    oldest_unhandled: self.oldest(&row.consumer, position).await?,
                    parked,
                    error,
                });
            }
        }
        Ok(Status { head, partitions })
    }

    /// How old the first event of a consumer's query after a position is.
    async fn oldest(
        &self,
        consumer: &ConsumerId,
        after: Option<SequencePosition>,
    ) -> Result<Option<Duration>, StoreError> {
        let Some(consumer) = self.consumers.iter().find(|it| it.id() == *consumer) else {
            return Ok(None);
        };
        let Ok(query) = consumer.query() else { return Ok(None) };
        let mut events = self.store.read(&query, ReadOptions::all().after(after).limit(1)).await?;
        let record = events.next().await.transpose()?;
        // A clock of the server that is ahead of this one's makes an event of the future, which is new.
        Ok(record.map(|record| record.recorded_at.elapsed().unwrap_or_default()))
    }

    /// Waits until the live version of a consumer has handled, or parked, everything up to a position: what a request needs that
    /// reads what it has written.
    ///
    /// # Errors
    /// [`WaitError`].
    pub async fn wait_for(
        &self,
        name: &str,
        position: SequencePosition,
        timeout: Duration,
    ) -> Result<(), WaitError> {
        let deadline = Instant::now() + timeout;
        let mut moved = self.progress.watch();
        let mut pause = Duration::from_millis(5);
        loop {
            let live = self.live(name).await;
            let is_over = Instant::now() >= deadline;
            match live {
                Ok(live) if live.position() >= Some(position) => return Ok(()),
                Ok(live) if is_over => {
                    let (reached, consumer) = (live.position(), live.consumer);
                    return Err(WaitError::Timeout { consumer, position, reached });
                }
                // A process may be about to register it.
                Err(PortError::Unknown(_)) if !is_over => {}
                Err(error) => return Err(error.into()),
                Ok(_) => {}
            }
            tokio::select! {
                _ = moved.changed() => {}
                () = sleep_until(deadline.min(Instant::now() + pause)) => {}
            }
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }

    async fn live(&self, name: &str) -> Result<ConsumerRow, PortError> {
        let rows = self.port.consumers().await?;
        let is_live =
            |row: &ConsumerRow| row.consumer.name == name && row.state == ConsumerState::Live;
        let live = rows.into_iter().find(is_live);
        live.ok_or_else(|| PortError::Unknown(ConsumerId::new(name, 1)))
    }

    /// The parked events of the live version of a consumer.
    ///
    /// # Errors
    /// [`PortError`].
    pub async fn parked(&self, name: &str) -> Result<ParkedEvents<P>, PortError> {
        let consumer = self.live(name).await?.consumer;
        Ok(self.parked_of(consumer))
    }

    /// The parked events of a version.
    #[must_use]
    pub fn parked_of(&self, consumer: ConsumerId) -> ParkedEvents<P> {
        ParkedEvents::new(self.port.clone(), consumer, Arc::clone(&self.kick))
    }

    /// Makes a version of a consumer the live one, with what `switch` writes, in one transaction: readers of the read model and
    /// of the state see both or neither. The one that was live goes on beside it, so that it can be promoted again.
    ///
    /// # Errors
    /// [`PromoteError::Behind`] if it has not come close enough to the end of the log, see
    /// [`promotable_within`](Self::promotable_within), and [`PortError`].
    pub async fn promote<F>(&self, consumer: &ConsumerId, switch: F) -> Result<(), PromoteError>
    where
        F: for<'t> FnOnce(&'t mut P::Tx) -> BoxFuture<'t, Result<(), Box<dyn Error + Send + Sync>>>
            + Send
            + 'static,
    {
        let rows = self.port.consumers().await?;
        let Some(row) = rows.iter().find(|row| row.consumer == *consumer) else {
            return Err(PortError::Unknown(consumer.clone()).into());
        };
        if row.state == ConsumerState::Beside {
            let head = self.store.head().await.map_err(PortError::from)?;
            let at = |position: Option<SequencePosition>| position.map_or(0, SequencePosition::get);
            let behind = at(head).saturating_sub(at(row.position()));
            if behind > self.promotable_within {
                return Err(PromoteError::Behind { consumer: consumer.clone(), behind });
            }
        }
        self.port.promote(consumer, Some(Box::new(Switch(switch)))).await?;
        self.kick.notify_waiters();
        Ok(())
    }

    /// Retires a version that is not live: it is run no more, and what is kept of it is gone. Its read model is the
    /// application's to remove.
    ///
    /// # Errors
    /// [`PortError::IsLive`], [`PortError::Unknown`], and others.
    pub async fn retire(&self, consumer: &ConsumerId) -> Result<(), PortError> {
        self.port.retire(consumer).await?;
        self.kick.notify_waiters();
        Ok(())
    }
}

impl<P> fmt::Debug for Consumers<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { consumers, settings, .. } = self;
        f.debug_struct("Consumers")
            .field("consumers", &consumers.len())
            .field("settings", settings)
            .finish_non_exhaustive()
    }
}

/// What an application writes when it switches versions.
struct Switch<F>(F);

impl<T, F> Work<T> for Switch<F>
where
    F: for<'t> FnOnce(&'t mut T) -> BoxFuture<'t, Result<(), Box<dyn Error + Send + Sync>>>
        + Send
        + 'static,
{
    fn run<'t>(
        self: Box<Self>,
        tx: &'t mut T,
    ) -> BoxFuture<'t, Result<(), Box<dyn Error + Send + Sync>>> {
        (self.0)(tx)
    }
}

/// Why a consumer was not waited for to the end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// It did not come to the position in time.
    #[error("{consumer} has not come to position {position} in time")]
    Timeout {
        /// Which version.
        consumer: ConsumerId,
        /// The position that was waited for.
        position: SequencePosition,
        /// Where it was last.
        reached: Option<SequencePosition>,
    },
    /// The state of the consumer cannot be read.
    #[error("the state of the consumer cannot be read")]
    Port(#[from] PortError),
}

/// Why a version was not promoted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PromoteError {
    /// It is too far behind the end of the log.
    #[error("{consumer} is {behind} positions behind the log")]
    Behind {
        /// Which version.
        consumer: ConsumerId,
        /// How many positions.
        behind: u64,
    },
    /// It cannot be promoted, or what was to be written for it failed.
    #[error("the version cannot be promoted")]
    Port(#[from] PortError),
}
