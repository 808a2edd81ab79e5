//! Consumers that start at the end of the log: what is there has no effects, and nothing after that is left out.

use factos_consumer::{
    Consumers, DeliveryId, OnError, Options, Start,
    port::{ConsumerId, Port},
};
use factos_memory::{MemoryConsumers, MemoryStore};

use crate::shop::{LONG, Mailer, Mails, Orders, Run, Seen, Shop, append, at, order, quick, until};

fn at_the_end() -> Options {
    quick(OnError::Stop).start(Start::End)
}

/// Pays for an order, which has one effect.
async fn pay(store: &MemoryStore) -> u64 {
    append(store, &Shop::Paid { order: 1 }).await.get()
}

/// The positions of the events whose effects were carried out.
fn handled(mailer: &Mailer) -> Vec<u64> {
    let ids = mailer.ids().into_iter().map(|id| id.parse::<DeliveryId>().unwrap());
    ids.map(|id| id.position.get()).collect()
}

async fn is_registered(port: &MemoryConsumers) {
    until(async || !port.consumers().await.unwrap().is_empty()).await;
}

#[tokio::test]
async fn what_is_there_has_no_effects_and_what_comes_without_a_run_does() {
    let (store, mailer, port) = (MemoryStore::new(), Mailer::default(), MemoryConsumers::new());
    for _ in 0..5 {
        pay(&store).await;
    }
    let options = at_the_end().partitions(3);
    let consumers =
        Consumers::new(store.clone(), port.clone()).react(Mails::<1>, mailer.clone(), options);
    let run = Run::start(&consumers);
    is_registered(&port).await;
    let first = pay(&store).await;
    consumers.wait_for("mails", at(first), LONG).await.unwrap();
    run.stop().await.unwrap();
    assert_eq!(handled(&mailer), [6]);
    // A later run registers it again, at another end.
    pay(&store).await;
    let run = Run::start(&consumers);
    consumers.wait_for("mails", at(pay(&store).await), LONG).await.unwrap();
    run.stop().await.unwrap();
    assert_eq!(handled(&mailer), [6, 7, 8]);
}

#[tokio::test]
async fn of_an_empty_log_nothing_is_left_out() {
    let (store, mailer, port) = (MemoryStore::new(), Mailer::default(), MemoryConsumers::new());
    let consumers =
        Consumers::new(store.clone(), port.clone()).react(Mails::<1>, mailer.clone(), at_the_end());
    let run = Run::start(&consumers);
    is_registered(&port).await;
    run.stop().await.unwrap();
    pay(&store).await;
    let last = pay(&store).await;
    let run = Run::start(&consumers);
    consumers.wait_for("mails", at(last), LONG).await.unwrap();
    run.stop().await.unwrap();
    assert_eq!(handled(&mailer), [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_processes_that_start_at_once_one_counts() {
    for _ in 0..20 {
        let (store, mailer, port) = (MemoryStore::new(), Mailer::default(), MemoryConsumers::new());
        let consumers = Consumers::new(store.clone(), port.clone()).react(
            Mails::<1>,
            mailer.clone(),
            at_the_end(),
        );
        let mut runs = Vec::new();
        let mut last = 0;
        for _ in 0..4 {
            runs.push(Run::start(&consumers));
            last = pay(&store).await;
        }
        is_registered(&port).await;
        last = last.max(pay(&store).await);
        consumers.wait_for("mails", at(last), LONG).await.unwrap();
        for run in runs {
            run.stop().await.unwrap();
        }
        let handled = handled(&mailer);
        assert_eq!(handled, (handled[0]..=last).collect::<Vec<_>>(), "all after one start");
    }
}

#[tokio::test]
async fn each_version_of_a_projection_starts_at_its_end_and_one_of_a_reaction_goes_on() {
    let (store, mailer, port) = (MemoryStore::new(), Mailer::default(), MemoryConsumers::new());
    let new = || Consumers::new(store.clone(), port.clone());
    order(&store, 1, 1).await;
    let run = Run::start(&new().project(Orders::<1>::default(), at_the_end()).react(
        Mails::<1>,
        mailer.clone(),
        at_the_end(),
    ));
    until(async || port.consumers().await.unwrap().len() == 2).await;
    run.stop().await.unwrap();
    pay(&store).await;
    let consumers = new()
        .project(Orders::<1>::default(), OnError::Stop)
        .project(Orders::<2>::default(), at_the_end())
        .react(Mails::<2>, mailer.clone(), at_the_end());
    let run = Run::start(&consumers);
    until(async || port.consumers().await.unwrap().len() == 4).await;
    let last = at(pay(&store).await);
    consumers.wait_for("orders", last, LONG).await.unwrap();
    consumers.wait_for("mails", last, LONG).await.unwrap();
    let second = ConsumerId::new("orders", 2);
    until(async || {
        let rows = port.consumers().await.unwrap();
        rows.iter().any(|row| row.consumer == second && row.position() == Some(last))
    })
    .await;
    run.stop().await.unwrap();
    port.model::<Seen<1>>().await.assert_exact([2, 3]);
    port.model::<Seen<2>>().await.assert_exact([3]);
    assert_eq!(handled(&mailer), [2, 3]);
}
