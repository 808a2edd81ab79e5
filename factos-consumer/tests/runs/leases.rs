//! Leases: who works on what, and what becomes of it when a process ends.

use std::{collections::BTreeMap, time::Duration};

use factos_consumer::{Consumers, OnError, Options};
use factos_memory::{MemoryConsumers, MemoryStore};

use crate::shop::{LONG, Mailer, Mails, Orders, Run, Seen, Shop, append, at, order, until};

const LEASE: Duration = Duration::from_millis(150);

#[tokio::test]
async fn another_process_goes_on_after_one_that_was_killed() {
    let (store, port) = (MemoryStore::new(), MemoryConsumers::new());
    let consumers = Consumers::new(store.clone(), port.clone())
        .project(Orders::<1>::default(), OnError::Stop)
        .lease(LEASE);
    let killed = Run::start(&consumers);
    let last = order(&store, 1, 1).await;
    consumers.wait_for("orders", last, LONG).await.unwrap();
    killed.kill().await;
    let last = order(&store, 1, 2).await;
    let run = Run::start(&consumers);
    consumers.wait_for("orders", last, LONG).await.unwrap();
    run.stop().await.unwrap();
    port.model::<Seen<1>>().await.assert_exact(1..=2);
}

/// How many partitions each process has.
async fn loads(consumers: &Consumers<MemoryConsumers>) -> Vec<usize> {
    let mut loads = BTreeMap::<_, usize>::new();
    for partition in consumers.status().await.unwrap().partitions {
        *loads.entry(partition.owner).or_default() += 1;
    }
    if loads.contains_key(&None) {
        return Vec::new();
    }
    let mut loads: Vec<_> = loads.into_values().collect();
    loads.sort_unstable();
    loads
}

#[tokio::test]
async fn the_load_spreads_over_processes_that_come_and_go() {
    let (store, port) = (MemoryStore::new(), MemoryConsumers::new());
    let consumers = Consumers::new(store.clone(), port.clone())
        .project(Orders::<1>::default(), OnError::Stop)
        .partitions(50)
        .lease(Duration::from_secs(2));
    let first = Run::start(&consumers);
    until(async || loads(&consumers).await == [50]).await;
    let second = Run::start(&consumers);
    let third = Run::start(&consumers);
    until(async || loads(&consumers).await == [16, 17, 17]).await;
    first.stop().await.unwrap();
    until(async || loads(&consumers).await == [25, 25]).await;
    second.kill().await;
    until(async || loads(&consumers).await == [50]).await;
    for number in 0..500 {
        order(&store, number, number).await;
    }
    consumers.wait_for("orders", at(500), LONG).await.unwrap();
    third.stop().await.unwrap();
    port.model::<Seen<1>>().await.assert_exact(1..=500);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_partitions_changes_while_events_come() {
    let (store, port) = (MemoryStore::new(), MemoryConsumers::new());
    let divided = |partitions| {
        Consumers::new(store.clone(), port.clone())
            .project(Orders::<1>::default(), Options::new(OnError::Stop).page(5))
            .partitions(partitions)
            .lease(LEASE)
    };
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for number in 0..600 {
                order(&store, number % 20, number).await;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    });
    let mut runs = Vec::new();
    for partitions in [4_u32, 6, 3] {
        let consumers = divided(partitions);
        runs.push(Run::start(&consumers));
        until(async || {
            let status = consumers.status().await.unwrap();
            status.partitions.len() == partitions as usize
        })
        .await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    writer.await.unwrap();
    divided(3).wait_for("orders", at(600), LONG).await.unwrap();
    for run in runs {
        run.stop().await.unwrap();
    }
    port.model::<Seen<1>>().await.assert_exact(1..=600);
}

#[tokio::test]
async fn a_shutdown_ends_what_is_in_hand_and_gives_leases_back() {
    let store = MemoryStore::new();
    for number in 0..10_000 {
        append(&store, &Shop::Paid { order: number }).await;
    }
    let mailer = Mailer { pause: Duration::from_millis(1), ..Mailer::default() };
    // The lease is far longer than the test: the next process need not wait for it.
    let consumers = Consumers::new(store, MemoryConsumers::new())
        .react(Mails::<1>, mailer.clone(), OnError::Stop)
        .lease(LONG);
    let run = Run::start(&consumers);
    until(async || mailer.sent.lock().len() > 20).await;
    run.stop().await.unwrap();
    let sent = mailer.sent().len();
    assert!(sent < 10_000);
    let run = Run::start(&consumers);
    until(async || mailer.sent.lock().len() > sent + 20).await;
    run.stop().await.unwrap();
    let ids: Vec<_> =
        (1..=mailer.ids().len()).map(|position| format!("mails/{position}/0")).collect();
    assert_eq!(mailer.ids(), ids, "nothing is sent twice, and nothing is passed over");
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_what_hangs() {
    let store = MemoryStore::new();
    append(&store, &Shop::Paid { order: 1 }).await;
    let port = MemoryConsumers::new();
    let hanging = Mailer { pause: LONG, ..Mailer::default() };
    let consumers = |mailer| {
        Consumers::new(store.clone(), port.clone())
            .react(Mails::<1>, mailer, OnError::Stop)
            .lease(LONG)
            .shutdown_within(Duration::from_millis(20))
    };
    let run = Run::start(&consumers(hanging));
    let status = consumers(Mailer::default());
    until(async || status.status().await.unwrap().partitions.iter().any(|it| it.owner.is_some()))
        .await;
    run.stop().await.unwrap();
    let mailer = Mailer::default();
    let run = Run::start(&consumers(mailer.clone()));
    until(async || !mailer.sent.lock().is_empty()).await;
    run.stop().await.unwrap();
    assert_eq!(mailer.ids(), ["mails/1/0"]);
}
