//! Projections: each event once, those of a key in order, whatever fails.

use std::time::Duration;

use factos::ErrorReport;
use factos_consumer::{Consumers, OnError, Options, RunError, port::Selection};
use factos_memory::{MemoryConsumers, MemoryStore};

use crate::shop::{Fault, LONG, Noise, Orders, Run, Seen, append, at, order, quick, until};

fn seen_by(port: &MemoryConsumers) -> impl Future<Output = Seen<1>> {
    port.model::<Seen<1>>()
}

#[tokio::test]
async fn every_event_is_applied_once() {
    let (store, port) = (MemoryStore::new(), MemoryConsumers::new());
    for number in 0..1_000 {
        order(&store, number % 7, number).await;
    }
    let consumers = Consumers::new(store.clone(), port.clone())
        .project(Orders::<1>::default(), OnError::Stop)
        .partitions(3);
    let run = Run::start(&consumers);
    consumers.wait_for("orders", at(1_000), LONG).await.unwrap();
    let last = order(&store, 3, 1_000).await;
    consumers.wait_for("orders", last, LONG).await.unwrap();
    run.stop().await.unwrap();
    seen_by(&port).await.assert_exact(1..=1_001);
}

#[tokio::test]
async fn a_consumer_moves_where_nothing_matches() {
    let (store, port) = (MemoryStore::new(), MemoryConsumers::new());
    let mut orders = Vec::new();
    for number in 0..10_000 {
        if number % 3_000 == 1_500 {
            orders.push(order(&store, number, number).await.get());
        } else {
            append(&store, &Noise::Ticked).await;
        }
    }
    let options = Options::new(OnError::Stop).page(100);
    let consumers = Consumers::new(store, port.clone()).project(Orders::<1>::default(), options);
    for position in (0..10_000).step_by(1_000).chain([9_999]) {
        let run = Run::start(&consumers);
        consumers.wait_for("orders", at(position + 1), LONG).await.unwrap();
        run.stop().await.unwrap();
    }
    seen_by(&port).await.assert_exact(orders);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_counts_once_however_often_its_process_is_killed() {
    let (store, port) = (MemoryStore::new(), MemoryConsumers::new());
    let options = Options::new(OnError::Stop).page(3).partitions(2);
    let consumers = Consumers::new(store.clone(), port.clone())
        .project(Orders::<1>::default(), options)
        .lease(Duration::from_millis(30));
    let writers = (0..16).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..40 {
                order(&store, writer, number).await;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    for round in 0..30 {
        let run = Run::start(&consumers);
        tokio::time::sleep(Duration::from_millis(round % 7 * 10)).await;
        run.kill().await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let run = Run::start(&consumers);
    consumers.wait_for("orders", at(640), LONG).await.unwrap();
    run.stop().await.unwrap();
    seen_by(&port).await.assert_exact(1..=640);
}

/// A log of a thousand events of ten orders, of which one is poisoned.
async fn poisoned(fault: Fault) -> (MemoryStore, MemoryConsumers, Orders<1>) {
    let store = MemoryStore::new();
    for number in 0..1_000 {
        order(&store, number % 10, number).await;
    }
    let orders = Orders::default();
    orders.poison.lock().insert(501, fault);
    (store, MemoryConsumers::new(), orders)
}

#[tokio::test]
async fn one_poisoned_event_stops_the_run_and_is_named() {
    for fault in [Fault::Error(u32::MAX), Fault::Panic(u32::MAX)] {
        let (store, port, orders) = poisoned(fault).await;
        let consumers =
            Consumers::new(store, port.clone()).project(orders, quick(OnError::Stop).page(200));
        let error = Run::start(&consumers).outcome().await.unwrap_err();
        let RunError::Consumer { partition, position, attempts, .. } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(partition.to_string(), "partition 0 of orders v1");
        assert_eq!((*position, *attempts), (Some(at(501)), 3));
        let said = error.report().to_string();
        assert!(said.contains("the event at position 501 was tried 3 times"), "{said}");
        assert!(said.contains("poisoned"), "{said}");
        // All before it is kept, nothing of it and nothing after it, and an administrator sees why.
        seen_by(&port).await.assert_exact(1..=500);
        let status = consumers.status().await.unwrap();
        assert_eq!(status.partitions[0].position, Some(at(500)));
        assert_eq!(status.partitions[0].error.as_deref(), Some(&*said));
        assert!(status.to_string().contains("was tried 3 times"), "{status}");
    }
}

#[tokio::test]
async fn a_fault_that_passes_is_no_gap() {
    for fault in [Fault::Error(2), Fault::Panic(2)] {
        let (store, port, orders) = poisoned(fault).await;
        let consumers =
            Consumers::new(store, port.clone()).project(orders, quick(OnError::Stop).partitions(5));
        let run = Run::start(&consumers);
        consumers.wait_for("orders", at(1_000), LONG).await.unwrap();
        run.stop().await.unwrap();
        seen_by(&port).await.assert_exact(1..=1_000);
        let status = consumers.status().await.unwrap();
        assert!(status.partitions.iter().all(|it| it.error.is_none()), "{status}");
    }
}

#[tokio::test]
async fn one_poisoned_event_is_parked_and_the_others_go_on() {
    let (store, port, orders) = poisoned(Fault::Error(u32::MAX)).await;
    let poison = orders.poison.clone();
    let consumers = Consumers::new(store, port.clone()).project(orders, quick(OnError::ParkEvent));
    let run = Run::start(&consumers);
    consumers.wait_for("orders", at(1_000), LONG).await.unwrap();
    let parked = consumers.parked("orders").await.unwrap();
    until(async || parked.count().await.unwrap().dead == 1).await;
    seen_by(&port).await.assert_exact((1..=1_000).filter(|position| *position != 501));
    let [event] = &parked.list(None, 10).await.unwrap()[..] else { panic!("one is parked") };
    assert_eq!((event.position, event.attempts, &*event.reason), (at(501), 3, "poisoned"));
    // Once it is mended, the event is tried again, and not before.
    poison.lock().clear();
    assert_eq!(parked.retry(&Selection::All).await.unwrap(), 1);
    until(async || parked.list(None, 1).await.unwrap().is_empty()).await;
    run.stop().await.unwrap();
    assert_eq!(seen_by(&port).await.positions(), (1..=1_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn events_of_a_key_wait_behind_a_parked_one_in_order() {
    let (store, port, orders) = poisoned(Fault::Error(u32::MAX)).await;
    let poison = orders.poison.clone();
    let consumers = Consumers::new(store.clone(), port.clone())
        .project(orders, quick(OnError::ParkKey).page(64).partitions(4));
    let run = Run::start(&consumers);
    consumers.wait_for("orders", at(1_000), LONG).await.unwrap();
    let parked = consumers.parked("orders").await.unwrap();
    until(async || parked.count().await.unwrap().dead == 1).await;
    // Position 501 is of order 0, as are 511, 521, ...
    let is_behind = |position: &u64| *position >= 501 && position % 10 == 1;
    seen_by(&port).await.assert_exact((1..=1_000).filter(|position| !is_behind(position)));
    assert_eq!(parked.count().await.unwrap().waiting, 49);
    // What comes meanwhile waits as well, after another process has taken over too.
    run.stop().await.unwrap();
    let run = Run::start(&consumers);
    let last = order(&store, 0, 1_000).await;
    consumers.wait_for("orders", last, LONG).await.unwrap();
    assert_eq!(parked.count().await.unwrap().waiting, 50);
    poison.lock().clear();
    assert_eq!(parked.retry(&Selection::At(at(501))).await.unwrap(), 1);
    until(async || parked.list(None, 1).await.unwrap().is_empty()).await;
    let last = order(&store, 0, 1_001).await;
    consumers.wait_for("orders", last, LONG).await.unwrap();
    run.stop().await.unwrap();
    seen_by(&port).await.assert_exact(1..=1_002);
}
