//! Consumers in processes that are killed and stopped, on a log in a SQLite file.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod shop;
mod worker;

use std::time::{Duration, Instant};

use factos_consumer::port::{ConsumerId, ConsumerState, Port};
use futures_util::FutureExt;
use shop::{Shop, consumers};
use worker::Worker;

/// A pause of up to so long.
fn pause(most: u64) {
    std::thread::sleep(Duration::from_millis(fastrand::u64(..=most)));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_is_kept_once_over_two_hundred_kills() {
    const KILLS: usize = 200;
    let shop = Shop::open().await;
    let orders = shop.keep_ordering();
    let (mut before, mut moved) = (0, 0);
    for round in 0..KILLS {
        let worker = Worker::start(&shop, "1", 30);
        // It waits for the lease of the one that was killed before. Some are killed while they do.
        if round % 4 > 0 {
            shop.applied_more_than(1, before).await;
        }
        tokio::task::block_in_place(|| pause(15));
        worker.kill();
        let found = shop.applied(1).await.len();
        moved += usize::from(found > before);
        before = found;
    }
    let last = orders.stop().await;
    let worker = Worker::start(&shop, "1", 30);
    shop.wait_for(1, last).await;
    worker.kill();
    println!("{KILLS} kills, {last} events, {moved} of the processes had applied some");
    assert!(moved > KILLS / 2, "{moved}");
    shop.assert_exact(1, last).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_process_changes_nothing_once_another_one_has_taken_over() {
    let shop = Shop::open().await;
    let orders = shop.keep_ordering();
    for _ in 0..8 {
        let stopped = Worker::start(&shop, "1", 100);
        let begun = shop.applied(1).await.len();
        shop.applied_more_than(1, begun).await;
        // In the middle of a transaction it would have the whole file.
        stopped.signal("STOP");
        while !orders.goes_on().await {
            stopped.signal("CONT");
            tokio::task::block_in_place(|| pause(20));
            stopped.signal("STOP");
        }
        let other = Worker::start(&shop, "1", 100);
        let found = shop.applied(1).await.len();
        shop.applied_more_than(1, found + 100).await;
        stopped.signal("CONT");
        let found = shop.applied(1).await.len();
        shop.applied_more_than(1, found + 100).await;
        stopped.kill();
        other.kill();
    }
    let last = orders.stop().await;
    let worker = Worker::start(&shop, "1", 100);
    shop.wait_for(1, last).await;
    worker.kill();
    shop.assert_exact(1, last).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_and_the_live_version_outlive_the_kill_of_either() {
    let shop = Shop::open().await;
    let orders = shop.keep_ordering();
    let mut live = Worker::start(&shop, "1", 60);
    shop.applied_more_than(1, 10).await;
    let mut rebuild = Worker::start(&shop, "2", 60);
    shop.applied_more_than(2, 10).await;
    for round in 0..20 {
        tokio::task::block_in_place(|| pause(80));
        if round % 2 == 0 {
            live.kill();
            live = Worker::start(&shop, "1", 60);
        } else {
            rebuild.kill();
            rebuild = Worker::start(&shop, "2", 60);
        }
    }
    let last = orders.stop().await;
    shop.wait_for(1, last).await;
    shop.wait_for(2, last).await;
    let store = shop.store();
    let all = consumers(&store, Duration::from_secs(30), "").await;
    let second = ConsumerId::new("orders", 2);
    all.promote(&second, |_| async { Ok(()) }.boxed()).await.unwrap();
    let states: Vec<_> =
        shop.port().consumers().await.unwrap().iter().map(|row| row.state).collect();
    assert_eq!(states, [ConsumerState::Beside, ConsumerState::Live]);
    live.kill();
    rebuild.kill();
    shop.assert_exact(1, last).await;
    shop.assert_exact(2, last).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_goes_on_within_the_lease_of_one_that_was_killed() {
    let shop = Shop::open().await;
    let mut workers = vec![Worker::start(&shop, "1", 1_000), Worker::start(&shop, "1", 1_000)];
    let mut last = shop.order().await;
    shop.wait_for(1, last).await;
    let mut longest = Duration::ZERO;
    for _ in 0..3 {
        let owner = shop.owner(1).await;
        let killed = workers.iter().position(|worker| worker.id() == owner).unwrap();
        workers.swap_remove(killed).kill();
        let began = Instant::now();
        last = shop.order().await;
        shop.wait_for(1, last).await;
        longest = longest.max(began.elapsed());
        workers.push(Worker::start(&shop, "1", 1_000));
    }
    println!("with a lease of 1 s another process went on after {longest:?} at most");
    workers.into_iter().for_each(Worker::kill);
    shop.assert_exact(1, last).await;
}
