//! A log of orders, a read model of them, and mails about them, for the tests of consumers.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use factos::{
    AppendCondition, Event, EventStore, QueryFor, Reactor, Recorded, SequencePosition, encode,
};
use factos_consumer::{
    Attempts, Consumers, Delivery, EffectHandler, Options, Outcome, PartitionKey, Projection,
    Reaction, RunError, port::Port,
};
use factos_memory::{MemoryStore, MemoryTransaction};
use parking_lot::Mutex;
use tokio::{sync::oneshot, task::JoinHandle};

#[derive(Debug, Clone, PartialEq, Event)]
pub(crate) enum Shop {
    Ordered {
        #[tag]
        order: u64,
        number: u64,
    },
    Paid {
        #[tag]
        order: u64,
    },
}

/// What belongs to another part of the application.
#[derive(Debug, Event)]
pub(crate) enum Noise {
    Ticked,
}

pub(crate) async fn order(store: &MemoryStore, order: u64, number: u64) -> SequencePosition {
    append(store, &Shop::Ordered { order, number }).await
}

pub(crate) async fn append<E: Event>(store: &MemoryStore, event: &E) -> SequencePosition {
    let events = vec![encode(event).unwrap()];
    store.append(events, AppendCondition::None).await.unwrap()[0].position
}

/// What a projection has seen: positions, by order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Seen<const VERSION: u32>(pub(crate) BTreeMap<u64, Vec<u64>>);

impl<const VERSION: u32> Seen<VERSION> {
    pub(crate) fn positions(&self) -> Vec<u64> {
        let mut all: Vec<_> = self.0.values().flatten().copied().collect();
        all.sort_unstable();
        all
    }

    /// Every event once, those of an order in the order of the log.
    pub(crate) fn assert_exact(&self, positions: impl IntoIterator<Item = u64>) {
        for (order, seen) in &self.0 {
            assert!(seen.is_sorted(), "events of order {order} came as {seen:?}");
        }
        assert_eq!(self.positions(), positions.into_iter().collect::<Vec<_>>());
    }
}

/// Fails at these positions, as often as it says.
pub(crate) type Poison = Arc<Mutex<BTreeMap<u64, Fault>>>;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    Error(u32),
    Panic(u32),
}

pub(crate) struct Orders<const VERSION: u32 = 1> {
    pub(crate) poison: Poison,
    pub(crate) pause: Duration,
}

impl<const VERSION: u32> Default for Orders<VERSION> {
    fn default() -> Self {
        Self { poison: Poison::default(), pause: Duration::ZERO }
    }
}

impl<const VERSION: u32> Projection for Orders<VERSION> {
    type Event = Shop;
    type Tx = MemoryTransaction;
    type Error = &'static str;

    const NAME: &'static str = "orders";
    const VERSION: u32 = VERSION;

    fn query(&self) -> QueryFor<Shop> {
        QueryFor::all_types()
    }

    fn key(&self, record: &Recorded<Shop>) -> Option<PartitionKey> {
        Some(key(&record.event))
    }

    async fn apply(
        &self,
        tx: &mut MemoryTransaction,
        records: &[Recorded<Shop>],
    ) -> Result<(), &'static str> {
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
        for record in records {
            tx.model::<Seen<VERSION>>()
                .0
                .entry(of(&record.event))
                .or_default()
                .push(record.position.get());
            fail(&self.poison, record.position)?;
        }
        Ok(())
    }
}

fn of(event: &Shop) -> u64 {
    match event {
        Shop::Ordered { order, .. } | Shop::Paid { order } => *order,
    }
}

fn key(event: &Shop) -> PartitionKey {
    PartitionKey::new(of(event))
}

fn fail(poison: &Poison, position: SequencePosition) -> Result<(), &'static str> {
    let mut poison = poison.lock();
    match poison.get_mut(&position.get()) {
        Some(Fault::Error(left)) if *left > 0 => {
            *left -= 1;
            Err("poisoned")
        }
        Some(Fault::Panic(left)) if *left > 0 => {
            *left -= 1;
            drop(poison);
            panic!("poisoned")
        }
        _ => Ok(()),
    }
}

/// Two mails for each order, one for each payment.
pub(crate) struct Mails<const VERSION: u32 = 1>;

impl<const VERSION: u32> Reactor for Mails<VERSION> {
    type Event = Shop;
    type Effect = String;

    fn react(&self, record: &Recorded<Shop>) -> Vec<String> {
        match record.event {
            Shop::Ordered { order, .. } => vec![format!("thanks {order}"), format!("bill {order}")],
            Shop::Paid { order } => vec![format!("paid {order}")],
        }
    }
}

impl<const VERSION: u32> Reaction for Mails<VERSION> {
    const NAME: &'static str = "mails";
    const VERSION: u32 = VERSION;

    fn query(&self) -> QueryFor<Shop> {
        QueryFor::all_types()
    }

    fn key(&self, record: &Recorded<Shop>) -> Option<PartitionKey> {
        Some(key(&record.event))
    }
}

/// Keeps what was sent, with its id.
#[derive(Clone, Default)]
pub(crate) struct Mailer {
    pub(crate) sent: Arc<Mutex<Vec<(String, String)>>>,
    pub(crate) poison: Poison,
    /// Addresses that are never reached.
    pub(crate) dead: Arc<Mutex<HashSet<u64>>>,
    pub(crate) pause: Duration,
}

impl Mailer {
    pub(crate) fn ids(&self) -> Vec<String> {
        self.sent.lock().iter().map(|(id, _)| id.clone()).collect()
    }

    pub(crate) fn sent(&self) -> Vec<String> {
        self.sent.lock().iter().map(|(_, mail)| mail.clone()).collect()
    }
}

impl EffectHandler for Mailer {
    type Effect = String;

    async fn run(&self, delivery: Delivery<'_, String>) -> Outcome {
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
        if self.dead.lock().contains(&delivery.id.position.get()) {
            return Outcome::dead("no such address");
        }
        if let Err(error) = fail(&self.poison, delivery.id.position) {
            return Outcome::retry(error);
        }
        self.sent.lock().push((delivery.id.to_string(), delivery.effect.clone()));
        Outcome::Done
    }
}

/// Attempts with pauses that no test waits for.
pub(crate) const QUICK: Attempts = Attempts {
    most: 3,
    first_pause: Duration::from_millis(1),
    longest_pause: Duration::from_millis(4),
};

pub(crate) fn quick(on_error: factos_consumer::OnError) -> Options {
    Options::new(on_error).attempts(QUICK)
}

/// A run in a task of its own.
pub(crate) struct Run {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), RunError>>,
}

impl Run {
    pub(crate) fn start<P: Port>(consumers: &Consumers<P>) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let consumers = consumers.clone();
        let task =
            tokio::spawn(async move { consumers.run_until(async { drop(stopped.await) }).await });
        Self { stop: Some(stop), task }
    }

    /// Ends it as a process ends that is told to.
    pub(crate) async fn stop(mut self) -> Result<(), RunError> {
        self.stop.take();
        self.task.await.unwrap()
    }

    /// What it ends with by itself.
    pub(crate) async fn outcome(mut self) -> Result<(), RunError> {
        let outcome = (&mut self.task).await.unwrap();
        self.stop.take();
        outcome
    }

    /// Ends it as a process that is killed: nothing is given back.
    pub(crate) async fn kill(self) {
        self.task.abort();
        drop(self.task.await);
    }
}

/// Waits until it is so; for ever if it never is.
pub(crate) async fn until<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) {
    while !holds().await {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub(crate) fn at(position: u64) -> SequencePosition {
    SequencePosition::new(position).unwrap()
}

/// How long a test waits for what comes by itself. It bounds nothing that is measured.
pub(crate) const LONG: Duration = Duration::from_secs(600);
