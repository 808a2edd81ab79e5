use std::sync::Arc;

use futures_util::future::join;

use super::worker::{Worker, hear, say};
use crate::{
    conformance::{
        concurrency::{
            capacity::{book_all, halls, meetings, verify as verify_bookings},
            together::book_together,
        },
        fixture::ProcessFixture,
        random::Random,
        store_calls::whole_log,
    },
    store::EventStore,
};

pub(super) const TASK: &str = "sell";

const READY: &str = "ready";
const SELLERS: u64 = 3;

/// How many bookings each seller tries in each sale: together they fill the halls.
const BOOKINGS: usize = 15;

/// How many sales there are: at least so many, and more until the sellers have met often enough.
const LEAST_SALES: u64 = 3;
const MOST_SALES: u64 = 40;
const MEETINGS: usize = 5;

/// In a worker: at each call, books random halls of the sale that the call names, some of them through a dispatcher.
pub(super) async fn sell(store: impl EventStore + 'static, argument: &str) {
    let (seller, seed) = argument.split_once(' ').unwrap();
    let (seller, mut random) = (seller.parse().unwrap(), Random::with_seed(seed.parse().unwrap()));
    let store: Arc<dyn EventStore> = Arc::new(store);
    while say(READY) {
        let Some(sale) = hear().await else { return };
        let sale = sale.parse().unwrap();
        let mut bookings: Vec<_> = (0..BOOKINGS).map(|_| halls(sale, &mut random)).collect();
        let others = bookings.split_off(BOOKINGS / 2);
        let (alone, together) = (store.clone(), store.clone());
        join(book_all(alone, seller, bookings), book_together(together, seller, others)).await;
    }
}

/// Lets several processes sell at once, each sale from one start, until they have met.
pub(super) async fn hold<F: ProcessFixture>(log: &F, worker: &str, random: &mut Random) {
    let mut sellers: Vec<_> = (0..SELLERS)
        .map(|n| Worker::start(worker, &log.address(), TASK, &format!("{n} {}", random.u64())))
        .collect();
    let store = log.connect().await;
    for sale in 0.. {
        for seller in &mut sellers {
            assert_eq!(seller.expect_line().await, READY, "a seller is ready for sale {sale}");
        }
        let met = meetings(&whole_log(&store).await);
        if sale >= LEAST_SALES && met >= MEETINGS {
            break;
        }
        assert!(
            sale < MOST_SALES,
            "processes sell at once, and in {sale} sales they met {met} times: one after another"
        );
        sellers.iter_mut().for_each(|seller| seller.tell(&sale.to_string()));
    }
    for seller in sellers {
        seller.finish().await;
    }
    verify_bookings(&whole_log(&store).await);
}
