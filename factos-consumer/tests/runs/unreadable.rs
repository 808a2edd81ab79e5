//! Events that a release cannot read: each is handled once all the same, whoever meets it first.

use std::time::Duration;

use factos::{ErrorReport, Event, QueryFor, Recorded};
use factos_consumer::{
    Consumers, OnError, Options, PartitionKey, Projection, RunError,
    port::{Parked, Selection},
};
use factos_memory::{MemoryConsumers, MemoryStore, MemoryTransaction};

use crate::shop::{LONG, Orders, Run, Seen, Shop, append, at, order, quick, until};

/// The events of the shop in an older release, which knows smaller numbers only.
#[derive(Debug, Event)]
enum OldShop {
    Ordered {
        #[tag]
        order: u64,
        number: u8,
    },
    Paid {
        #[tag]
        order: u64,
    },
}

/// The projection `Orders` in that release.
struct OldOrders;

impl Projection for OldOrders {
    type Event = OldShop;
    type Tx = MemoryTransaction;
    type Error = &'static str;

    const NAME: &'static str = "orders";

    fn query(&self) -> QueryFor<OldShop> {
        QueryFor::all_types()
    }

    fn key(&self, record: &Recorded<OldShop>) -> Option<PartitionKey> {
        let (OldShop::Ordered { order, .. } | OldShop::Paid { order }) = &record.event;
        Some(PartitionKey::new(order))
    }

    async fn apply(
        &self,
        tx: &mut MemoryTransaction,
        records: &[Recorded<OldShop>],
    ) -> Result<(), &'static str> {
        for record in records {
            let (OldShop::Ordered { order, .. } | OldShop::Paid { order }) = record.event;
            let seen = &mut tx.model::<Seen<1>>().0;
            seen.entry(order).or_default().push(record.position.get());
        }
        Ok(())
    }
}

const POLICIES: [OnError; 3] = [OnError::Stop, OnError::ParkEvent, OnError::ParkKey];

/// So many events of seven orders, of which the old release can read every other one.
async fn log(events: u64) -> MemoryStore {
    let store = MemoryStore::new();
    for number in 0..events {
        order(&store, number % 7, number % 2 * 1_000).await;
    }
    store
}

/// A process of the old release.
fn old(store: &MemoryStore, port: &MemoryConsumers, options: Options) -> Run {
    Run::start(&consumers(store, port).project(OldOrders, options))
}

fn new(
    store: &MemoryStore,
    port: &MemoryConsumers,
    options: Options,
) -> Consumers<MemoryConsumers> {
    consumers(store, port).project(Orders::<1>::default(), options)
}

fn consumers(store: &MemoryStore, port: &MemoryConsumers) -> Consumers<MemoryConsumers> {
    Consumers::new(store.clone(), port.clone()).lease(Duration::from_millis(300))
}

/// Where a run stopped by itself, and what its error says.
async fn stopped(run: Run) -> (u64, String) {
    let error = run.outcome().await.unwrap_err();
    let RunError::Consumer { position: Some(position), .. } = &error else { panic!("{error:?}") };
    (position.get(), error.report().to_string())
}

#[tokio::test]
async fn no_partition_passes_what_it_cannot_read() {
    for policy in POLICIES {
        let (store, port) = (log(60).await, MemoryConsumers::new());
        let options = quick(policy).partitions(4);
        // However often it is started.
        for _ in 0..3 {
            let (position, said) = stopped(old(&store, &port, options.clone())).await;
            assert_eq!(position, 2, "{said}");
            assert!(said.contains("position 2 was tried once") && said.contains("1000"), "{said}");
            assert_eq!(said.contains("cannot be parked"), policy != OnError::Stop, "{said}");
        }
        let consumers = new(&store, &port, options);
        assert!(port.model::<Seen<1>>().await.positions().len() <= 1);
        let run = Run::start(&consumers);
        consumers.wait_for("orders", at(60), LONG).await.unwrap();
        run.stop().await.unwrap();
        port.model::<Seen<1>>().await.assert_exact(1..=60);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_release_beside_a_newer_one_loses_and_doubles_nothing() {
    for policy in POLICIES {
        for _ in 0..4 {
            let (store, port) = (MemoryStore::new(), MemoryConsumers::new());
            let options = quick(policy).partitions(4);
            let (before, consumers) =
                (old(&store, &port, options.clone()), new(&store, &port, options));
            let run = Run::start(&consumers);
            for number in 0..200 {
                order(&store, number % 7, number % 2 * 1_000).await;
            }
            consumers.wait_for("orders", at(200), LONG).await.unwrap();
            // It ended with an error, or the newer one had all partitions.
            drop(before.stop().await);
            run.stop().await.unwrap();
            port.model::<Seen<1>>().await.assert_exact(1..=200);
        }
    }
}

#[tokio::test]
async fn with_one_partition_it_is_parked_unless_the_order_of_keys_counts() {
    let (store, port) = (log(6).await, MemoryConsumers::new());
    let parking = quick(OnError::ParkEvent);
    let run = old(&store, &port, parking.clone());
    let consumers = new(&store, &port, parking);
    consumers.wait_for("orders", at(6), LONG).await.unwrap();
    run.stop().await.unwrap();
    let parked = consumers.parked("orders").await.unwrap();
    let listed = parked.list(None, 10).await.unwrap();
    let of_event = |it: &Parked| (it.position.get(), it.retry_in);
    assert_eq!(listed.iter().map(of_event).collect::<Vec<_>>(), [(2, None), (4, None), (6, None)]);
    port.model::<Seen<1>>().await.assert_exact([1, 3, 5]);
    let run = Run::start(&consumers);
    parked.retry(&Selection::All).await.unwrap();
    until(async || parked.list(None, 1).await.unwrap().is_empty()).await;
    run.stop().await.unwrap();
    assert_eq!(port.model::<Seen<1>>().await.positions(), [1, 2, 3, 4, 5, 6]);

    let port = MemoryConsumers::new();
    let (position, said) = stopped(old(&store, &port, quick(OnError::ParkKey))).await;
    assert!(position == 2 && said.contains("its key is not known"), "{said}");
}

/// Whose key panics for the events of order 3.
struct Panicking(Orders<1>);

impl Projection for Panicking {
    type Event = Shop;
    type Tx = MemoryTransaction;
    type Error = &'static str;

    const NAME: &'static str = "orders";

    fn query(&self) -> QueryFor<Shop> {
        self.0.query()
    }

    fn key(&self, record: &Recorded<Shop>) -> Option<PartitionKey> {
        assert!(!matches!(record.event, Shop::Paid { order: 3 }), "no key");
        self.0.key(record)
    }

    async fn apply(
        &self,
        tx: &mut MemoryTransaction,
        records: &[Recorded<Shop>],
    ) -> Result<(), &'static str> {
        self.0.apply(tx, records).await
    }
}

#[tokio::test]
async fn a_panic_of_the_key_is_the_failure_of_its_event() {
    let store = MemoryStore::new();
    for paid in [1, 2, 3, 4] {
        append(&store, &Shop::Paid { order: paid }).await;
    }
    let consumers = |port: &MemoryConsumers, options| {
        consumers(&store, port).project(Panicking(Orders::default()), options)
    };
    for partitions in [1, 3] {
        let port = MemoryConsumers::new();
        let stopping = consumers(&port, quick(OnError::Stop).partitions(partitions));
        let (position, said) = stopped(Run::start(&stopping)).await;
        assert!(position == 3 && said.contains("it panicked: no key"), "{said}");
        let status = stopping.status().await.unwrap();
        let named = |error: &String| error.contains("the event at position 3");
        assert!(
            status.partitions.iter().any(|it| it.error.as_ref().is_some_and(named)),
            "{status}"
        );
    }
    let port = MemoryConsumers::new();
    let parking = consumers(&port, quick(OnError::ParkEvent));
    let run = Run::start(&parking);
    parking.wait_for("orders", at(4), LONG).await.unwrap();
    run.stop().await.unwrap();
    port.model::<Seen<1>>().await.assert_exact([1, 2, 4]);
    let parked = parking.parked("orders").await.unwrap().list(None, 10).await.unwrap();
    assert_eq!(
        (parked.len(), parked[0].position, &*parked[0].reason),
        (1, at(3), "it panicked: no key")
    );
}
