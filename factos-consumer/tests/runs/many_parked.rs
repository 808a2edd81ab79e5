//! A hundred thousand parked events, on SQLite: what a run asks of the port has nothing to do with how many are parked. What
//! the port then does for one call is counted in `factos-sqlite` and `factos-postgres`.

use std::{collections::BTreeSet, time::Duration};

use factos::{AppendCondition, EventStore, encode};
use factos_consumer::{Consumers, DeliveryId, OnError, port::Selection};
use factos_memory::MemoryStore;
use factos_sqlite::{Config, Durability, SqliteConsumers};

use crate::{
    counting::Counting,
    shop::{LONG, Mailer, Mails, Run, Shop, append, at, quick, until},
};

const EVENTS: u64 = 100_000;
/// Each has as many events.
const KEYS: u64 = 250;
/// Longer than a busy machine stops for: a run that loses its lease looks at the parked keys again.
const LEASE: Duration = Duration::from_secs(5);

/// A mail for each payment, of so many orders in turn.
async fn payments() -> MemoryStore {
    let store = MemoryStore::new();
    for page in 0..EVENTS / 1_000 {
        let numbers = page * 1_000..(page + 1) * 1_000;
        let paid = numbers.map(|number| encode(&Shop::Paid { order: number % KEYS }).unwrap());
        store.append(paid.collect(), AppendCondition::None).await.unwrap();
    }
    store
}

/// The positions of a key's events.
fn of_key(key: u64) -> impl Iterator<Item = u64> {
    (0..EVENTS / KEYS).map(move |round| round * KEYS + key + 1)
}

#[tokio::test]
async fn a_run_asks_no_more_where_a_hundred_thousand_events_are_parked() {
    let folder = tempfile::tempdir().unwrap();
    let file = Config::new(folder.path().join("consumers.db"));
    let file = file.durability(Durability::LoseLatestOnPowerCut).open().await.unwrap();
    let port = SqliteConsumers::new(&file);
    port.migrate().await.unwrap();
    let (store, mailer) = (payments().await, Mailer::default());
    // What the test asks itself is not counted.
    let administrator = Consumers::new(store.clone(), port.clone());
    let port = Counting::new(port);
    mailer.dead.lock().extend(1..=EVENTS);
    let consumers = Consumers::new(store.clone(), port.clone())
        .react(Mails::<1>, mailer.clone(), quick(OnError::ParkKey).page(1_000))
        .lease(LEASE);
    let run = Run::start(&consumers);
    consumers.wait_for("mails", at(EVENTS), LONG).await.unwrap();
    let parked = administrator.parked("mails").await.unwrap();
    let count = parked.count().await.unwrap();
    assert_eq!((count.dead, count.waiting), (KEYS, EVENTS - KEYS));
    let (calls, events) = port.take();
    println!("parking: {calls} calls for {events} events");
    assert!(calls < 1_000, "{calls} calls");

    // One more of a key that waits, and one of a key that does not.
    append(&store, &Shop::Paid { order: 3 }).await;
    let last = append(&store, &Shop::Paid { order: KEYS }).await;
    consumers.wait_for("mails", last, LONG).await.unwrap();
    assert_eq!(mailer.sent(), [format!("paid {KEYS}")]);
    let asked = port.take();
    println!("two more events: {asked:?}");
    assert!(asked.0 <= 6 && asked.1 <= 2, "{asked:?}");

    // Of ten that are retried the next ones of their keys fail, and stay.
    for position in 1..=10 {
        mailer.dead.lock().remove(&position);
    }
    assert_eq!(parked.retry(&Selection::First(10)).await.unwrap(), 10);
    until(async || parked.count().await.unwrap().waiting == EVENTS - KEYS - 10 + 1).await;
    assert_eq!(mailer.sent.lock().len(), 11);
    let asked = port.take();
    println!("ten retried: {asked:?}");
    assert!(asked.0 <= 50 && asked.1 <= 100, "{asked:?}");

    // All of a key, with runs that are killed in the middle.
    mailer.sent.lock().clear();
    for position in of_key(77) {
        mailer.dead.lock().remove(&position);
    }
    let count = usize::try_from(EVENTS / KEYS).unwrap();
    let wanted = parked.retry(&Selection::OfKey("77".to_owned())).await.unwrap();
    assert_eq!(wanted, EVENTS / KEYS);
    until(async || mailer.sent.lock().len() >= count / 3).await;
    run.kill().await;
    let killed = mailer.sent.lock().len();
    assert!(killed < count, "it was killed in the middle");
    let run = Run::start(&consumers);
    // The one of the key that comes last is parked no more.
    let last = of_key(77).last().unwrap();
    until(async || parked.list(Some(at(last - 1)), 1).await.unwrap()[0].position > at(last)).await;
    run.stop().await.unwrap();
    let ids = mailer.ids().into_iter().map(|id| id.parse::<DeliveryId>().unwrap());
    let ids: Vec<_> = ids.map(|id| id.position.get()).collect();
    assert!(ids.is_sorted(), "in the order of the log: {ids:?}");
    assert!(ids.len() <= count + 1, "one may be repeated that was in hand");
    let ids: BTreeSet<_> = ids.into_iter().collect();
    assert!(ids.into_iter().eq(of_key(77)), "each of the key");
    let asked = port.take();
    println!("{count} of a key retried: {asked:?}");
    assert!(asked.0 <= 5 * count && asked.1 <= 5 * count, "{asked:?}");
}
