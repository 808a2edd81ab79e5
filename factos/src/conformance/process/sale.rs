use std::sync::Arc;

use bytes::Bytes;

use crate::{
    conformance::{
        concurrency::capacity::{book_all, halls, verify as verify_bookings},
        random::Random,
    },
    recorded::Recorded,
    store::EventStore,
};

pub(super) const TASK: &str = "sell";
pub(super) const SELLERS: usize = 3;

/// How many bookings each seller tries.
const BOOKINGS: usize = 40;

/// In a worker: books random halls.
pub(super) async fn sell(store: impl EventStore + 'static, seed: &str) {
    let mut random = Random::with_seed(seed.parse().unwrap());
    let bookings = (0..BOOKINGS).map(|_| halls(&mut random)).collect();
    book_all(Arc::new(store), bookings).await;
}

/// Asserts that the log confirms what every booking was decided from, and that there were enough of
/// them for the sellers to contend.
pub(super) fn verify(log: &[Recorded<Bytes>]) {
    assert!(log.len() >= BOOKINGS / 2, "{} bookings are no sale", log.len());
    verify_bookings(log);
}
