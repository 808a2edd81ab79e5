//! Effects: each at least once, with an id that stays, those of a key in order.

use std::{collections::BTreeSet, time::Duration};

use factos::{QueryFor, Reactor, Recorded};
use factos_consumer::{
    Consumers, DeliveryId, OnError, Options, Reaction, RunError, port::Selection,
};
use factos_memory::{MemoryConsumers, MemoryStore};

use crate::shop::{Fault, LONG, Mailer, Mails, Orders, Run, Shop, append, at, order, quick, until};

/// Orders, each of which is paid: two effects and then one.
async fn orders(store: &MemoryStore, count: u64) {
    for number in 0..count {
        order(store, number, number).await;
        append(store, &Shop::Paid { order: number }).await;
    }
}

fn consumers(
    store: &MemoryStore,
    mailer: &Mailer,
    options: impl Into<Options>,
) -> Consumers<MemoryConsumers> {
    Consumers::new(store.clone(), MemoryConsumers::new()).react(Mails::<1>, mailer.clone(), options)
}

#[tokio::test]
async fn each_effect_has_an_id_that_stays() {
    let (store, mailer) = (MemoryStore::new(), Mailer::default());
    orders(&store, 2).await;
    let consumers = consumers(&store, &mailer, OnError::Stop);
    let run = Run::start(&consumers);
    consumers.wait_for("mails", at(4), LONG).await.unwrap();
    run.stop().await.unwrap();
    assert_eq!(
        mailer.ids(),
        ["mails/1/0", "mails/1/1", "mails/2/0", "mails/3/0", "mails/3/1", "mails/4/0"]
    );
    assert_eq!(mailer.sent()[..3], ["thanks 0", "bill 0", "paid 0"]);
    let id: DeliveryId = mailer.ids()[1].parse().unwrap();
    assert_eq!((&*id.consumer, id.position, id.index), ("mails", at(1), 1));
    let odd = DeliveryId { consumer: "a/b".to_owned(), position: at(7), index: 3 };
    assert_eq!(odd.to_string().parse::<DeliveryId>().unwrap(), odd);
    for wrong in ["", "mails", "mails/1", "mails/0/0", "mails/1/x", "mails/-1/0"] {
        let error = wrong.parse::<DeliveryId>().unwrap_err().to_string();
        assert!(error.contains(&format!("{wrong:?}")), "{error}");
    }
}

#[tokio::test]
async fn a_failed_effect_is_tried_again_and_later_ones_of_its_key_wait() {
    let (store, mailer) = (MemoryStore::new(), Mailer::default());
    orders(&store, 50).await;
    // The first event of order 7 is at 15. Its first attempt fails, and so does its second.
    mailer.poison.lock().insert(15, Fault::Error(2));
    let consumers = consumers(&store, &mailer, quick(OnError::ParkKey).partitions(3));
    let run = Run::start(&consumers);
    consumers.wait_for("mails", at(100), LONG).await.unwrap();
    let parked = consumers.parked("mails").await.unwrap();
    until(async || parked.list(None, 1).await.unwrap().is_empty()).await;
    run.stop().await.unwrap();
    for number in 0..50 {
        let of_order =
            mailer.sent().into_iter().filter(|mail| mail.ends_with(&format!(" {number}")));
        let expected = ["thanks", "bill", "paid"].map(|mail| format!("{mail} {number}"));
        assert_eq!(of_order.collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn what_was_done_of_an_event_is_not_done_again_with_the_rest() {
    let (store, mailer) = (MemoryStore::new(), Mailer::default());
    order(&store, 1, 1).await;
    let consumers = consumers(&store, &mailer, quick(OnError::ParkEvent));
    // The first effect passes, and the second one fails at first.
    let dead = mailer.dead.clone();
    let poison = mailer.poison.clone();
    poison.lock().insert(1, Fault::Error(0));
    let watching = mailer.clone();
    tokio::spawn(async move {
        until(async || !watching.sent.lock().is_empty()).await;
        dead.lock().insert(1);
    });
    let slow = Mailer { pause: Duration::from_millis(20), ..mailer.clone() };
    drop(consumers);
    let consumers = Consumers::new(store.clone(), MemoryConsumers::new()).react(
        Mails::<1>,
        slow,
        quick(OnError::ParkEvent),
    );
    let run = Run::start(&consumers);
    consumers.wait_for("mails", at(1), LONG).await.unwrap();
    let parked = consumers.parked("mails").await.unwrap();
    until(async || parked.count().await.unwrap().dead == 1).await;
    let event = parked.list(None, 1).await.unwrap().remove(0);
    assert_eq!((event.index, event.attempts, &*event.reason), (1, 1, "no such address"));
    mailer.dead.lock().clear();
    parked.retry(&Selection::All).await.unwrap();
    until(async || parked.list(None, 1).await.unwrap().is_empty()).await;
    run.stop().await.unwrap();
    assert_eq!(mailer.ids(), ["mails/1/0", "mails/1/1"]);
}

#[tokio::test]
async fn a_dead_letter_has_a_reason_and_can_be_skipped() {
    let (store, mailer) = (MemoryStore::new(), Mailer::default());
    orders(&store, 3).await;
    mailer.dead.lock().insert(3);
    let consumers = consumers(&store, &mailer, quick(OnError::ParkKey));
    let run = Run::start(&consumers);
    consumers.wait_for("mails", at(6), LONG).await.unwrap();
    let parked = consumers.parked("mails").await.unwrap();
    until(async || parked.count().await.unwrap().waiting == 1).await;
    let count = parked.count().await.unwrap();
    assert_eq!((count.dead, count.waiting, count.skipped), (1, 1, 0));
    let events = parked.list(None, 10).await.unwrap();
    assert_eq!(events[0].reason, "no such address");
    assert_eq!(events[1].reason, "it waits behind an earlier event of its key");
    assert!(!mailer.sent().contains(&"paid 1".to_owned()));
    assert_eq!(parked.skip(&Selection::At(at(3)), "the customer is gone").await.unwrap(), 1);
    until(async || mailer.sent().contains(&"paid 1".to_owned())).await;
    run.stop().await.unwrap();
    let events = parked.list(None, 10).await.unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0].skipped.as_deref(), Some("the customer is gone"));
    assert!(!mailer.sent().contains(&"thanks 1".to_owned()));
}

#[tokio::test]
async fn parked_events_are_tried_again_by_number_by_key_and_after_a_kill() {
    let (store, mailer) = (MemoryStore::new(), Mailer::default());
    for number in 0..2_000 {
        order(&store, number % 100, number).await;
    }
    mailer.dead.lock().extend(1..=2_000);
    let port = MemoryConsumers::new();
    let parking = |on_error| {
        Consumers::new(store.clone(), port.clone())
            .react(Mails::<1>, mailer.clone(), quick(on_error).partitions(2))
            .lease(Duration::from_millis(100))
    };
    let consumers = parking(OnError::ParkKey);
    let run = Run::start(&consumers);
    consumers.wait_for("mails", at(2_000), LONG).await.unwrap();
    let parked = consumers.parked("mails").await.unwrap();
    until(async || parked.count().await.unwrap().dead == 100).await;
    assert_eq!(parked.count().await.unwrap().waiting, 1_900);
    let positions = || async {
        consumers
            .status()
            .await
            .unwrap()
            .partitions
            .into_iter()
            .map(|it| it.position)
            .collect::<Vec<_>>()
    };
    let before = positions().await;
    mailer.dead.lock().clear();

    assert_eq!(parked.retry(&Selection::OfKey("7".to_owned())).await.unwrap(), 20);
    until(async || mailer.sent.lock().len() == 40).await;
    assert!(mailer.sent().iter().all(|mail| mail.ends_with(" 7")));
    assert!(mailer.ids().is_sorted_by_key(|id| id.parse::<DeliveryId>().unwrap()));

    // All that are left, through processes that are killed half-way: none is lost, and none is out of order.
    assert_eq!(parked.retry(&Selection::All).await.unwrap(), 1_980);
    run.kill().await;
    while !parked.list(None, 1).await.unwrap().is_empty() {
        let run = Run::start(&consumers);
        tokio::time::sleep(Duration::from_millis(150)).await;
        run.kill().await;
    }
    assert_eq!(positions().await, before, "a retry moves no partition");
    let ids: BTreeSet<_> = mailer.ids().into_iter().collect();
    assert_eq!(ids.len(), 4_000);
    for key in 0..100_u64 {
        let of_key = mailer.ids().into_iter().map(|id| id.parse::<DeliveryId>().unwrap());
        let of_key: Vec<_> = of_key.filter(|id| (id.position.get() - 1) % 100 == key).collect();
        let mut first = of_key.clone();
        first.dedup();
        let mut seen = BTreeSet::new();
        first.retain(|id| seen.insert(id.clone()));
        assert!(first.is_sorted(), "key {key}: {of_key:?}");
    }
}

#[tokio::test]
async fn retrying_ten_retries_ten() {
    let (store, mailer) = (MemoryStore::new(), Mailer::default());
    orders(&store, 100).await;
    mailer.dead.lock().extend(1..=200);
    let consumers = consumers(&store, &mailer, quick(OnError::ParkEvent));
    let run = Run::start(&consumers);
    consumers.wait_for("mails", at(200), LONG).await.unwrap();
    let parked = consumers.parked("mails").await.unwrap();
    until(async || parked.count().await.unwrap().dead == 200).await;
    mailer.dead.lock().clear();
    assert_eq!(parked.retry(&Selection::First(10)).await.unwrap(), 10);
    until(async || parked.count().await.unwrap().dead == 190).await;
    until(async || parked.count().await.unwrap().waiting == 0).await;
    run.stop().await.unwrap();
    // Of ten events every other one is an order, with two effects.
    assert_eq!(mailer.sent().len(), 15);
}

#[tokio::test]
async fn an_effect_that_takes_ten_leases_is_done_once() {
    let store = MemoryStore::new();
    let mailer = Mailer { pause: Duration::from_millis(600), ..Mailer::default() };
    append(&store, &Shop::Paid { order: 1 }).await;
    let consumers = consumers(&store, &mailer, OnError::Stop).lease(Duration::from_millis(60));
    let runs = [Run::start(&consumers), Run::start(&consumers)];
    consumers.wait_for("mails", at(1), LONG).await.unwrap();
    for run in runs {
        run.stop().await.unwrap();
    }
    assert_eq!(mailer.ids(), ["mails/1/0"]);
}

#[tokio::test]
async fn an_effect_that_fails_for_good_stops_the_run() {
    let (store, mailer) = (MemoryStore::new(), Mailer::default());
    orders(&store, 2).await;
    mailer.poison.lock().insert(3, Fault::Panic(u32::MAX));
    let consumers = consumers(&store, &mailer, quick(OnError::Stop));
    let error = Run::start(&consumers).outcome().await.unwrap_err();
    let RunError::Consumer { position, attempts, error, .. } = error else { panic!("{error:?}") };
    assert_eq!(
        (position, attempts, error.to_string()),
        (Some(at(3)), 3, "it panicked: poisoned".to_owned())
    );
    assert_eq!(mailer.ids(), ["mails/1/0", "mails/1/1", "mails/2/0"]);
    // What was sent before is not sent again by the next run.
    mailer.poison.lock().clear();
    let run = Run::start(&consumers);
    consumers.wait_for("mails", at(4), LONG).await.unwrap();
    run.stop().await.unwrap();
    assert_eq!(mailer.ids().len(), 6);
}

#[tokio::test]
async fn a_higher_version_sends_nothing_again() {
    let (store, mailer, port) = (MemoryStore::new(), Mailer::default(), MemoryConsumers::new());
    orders(&store, 5).await;
    mailer.dead.lock().insert(1);
    let first = Consumers::new(store.clone(), port.clone()).react(
        Mails::<1>,
        mailer.clone(),
        quick(OnError::ParkKey),
    );
    let run = Run::start(&first);
    first.wait_for("mails", at(10), LONG).await.unwrap();
    until(async || first.parked("mails").await.unwrap().count().await.unwrap().waiting == 1).await;
    // The next version takes over while the first one still runs, with what is parked, in other partitions.
    let second = Consumers::new(store.clone(), port.clone()).react(
        Mails::<2>,
        mailer.clone(),
        quick(OnError::ParkKey).partitions(3),
    );
    let next = Run::start(&second);
    until(async || second.parked("mails").await.unwrap().consumer().version == 2).await;
    let last = append(&store, &Shop::Paid { order: 4 }).await;
    second.wait_for("mails", last, LONG).await.unwrap();
    assert_eq!(mailer.ids().len(), 13);
    mailer.dead.lock().clear();
    let parked = second.parked("mails").await.unwrap();
    assert_eq!(parked.retry(&Selection::At(at(1))).await.unwrap(), 1);
    until(async || parked.list(None, 1).await.unwrap().is_empty()).await;
    run.stop().await.unwrap();
    next.stop().await.unwrap();
    let ids: BTreeSet<_> = mailer.ids().into_iter().collect();
    assert_eq!((ids.len(), mailer.ids().len()), (16, 16));
}

#[tokio::test]
async fn a_lower_version_that_comes_late_has_nothing_to_hand_over() {
    let (store, mailer, port) = (MemoryStore::new(), Mailer::default(), MemoryConsumers::new());
    orders(&store, 3).await;
    let new = || Consumers::new(store.clone(), port.clone()).lease(Duration::from_millis(100));
    let runs = [
        Run::start(&new().react(Mails::<2>, mailer.clone(), OnError::Stop)),
        Run::start(&new().react(Mails::<3>, mailer.clone(), OnError::Stop)),
    ];
    let last = new().react(Mails::<4>, mailer.clone(), OnError::Stop);
    until(async || last.parked("mails").await.is_ok_and(|it| it.consumer().version == 3)).await;
    last.wait_for("mails", at(6), LONG).await.unwrap();
    // A process of the oldest release is started by mistake.
    let late = Run::start(&new().react(Mails::<1>, mailer.clone(), OnError::Stop));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let run = Run::start(&last);
    until(async || last.parked("mails").await.unwrap().consumer().version == 4).await;
    let position = append(&store, &Shop::Paid { order: 1 }).await;
    last.wait_for("mails", position, LONG).await.unwrap();
    for run in runs.into_iter().chain([late, run]) {
        run.stop().await.unwrap();
    }
    assert_eq!(mailer.ids().len(), 10, "{:?}", mailer.ids());
}

#[tokio::test]
async fn a_reaction_cannot_take_the_name_of_a_projection() {
    struct Named;

    impl Reactor for Named {
        type Event = Shop;
        type Effect = String;

        fn react(&self, _: &Recorded<Shop>) -> Vec<String> {
            Vec::new()
        }
    }

    impl Reaction for Named {
        const NAME: &'static str = "orders";
        const VERSION: u32 = 2;

        fn query(&self) -> QueryFor<Shop> {
            QueryFor::all_types()
        }
    }

    let (store, port) = (MemoryStore::new(), MemoryConsumers::new());
    let new = || Consumers::new(store.clone(), port.clone());
    let projecting = new().project(Orders::<1>::default(), OnError::Stop);
    let run = Run::start(&projecting);
    let last = order(&store, 1, 1).await;
    projecting.wait_for("orders", last, LONG).await.unwrap();
    run.stop().await.unwrap();
    let reacting = new().react(Named, Mailer::default(), OnError::Stop);
    let error = Run::start(&reacting).outcome().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "orders v2 is a reaction, and orders v1 is not: give it another name"
    );
}
