use super::worker::{Worker, hear, say};
use crate::{
    conformance::{
        fixture::ProcessFixture,
        sample_values::{event, query},
        store_calls::{append, matching},
        subscription::Seen,
    },
    position::SequencePosition,
    query::Query,
    store::EventStore,
    store_ext::EventStoreExt,
};

pub(super) const TASK: &str = "append beside a subscription";

const READY: &str = "ready";
const WRITERS: usize = 2;
const ROUNDS: usize = 5;
const BATCHES: usize = 8;

/// In a worker: appends a few batches at each call.
pub(super) async fn append_at_each_call(store: impl EventStore, writer: &str) {
    let tag = format!("writer:{writer}");
    while say(READY) && hear().await.is_some() {
        for _ in 0..BATCHES {
            append(&store, vec![event("A", &[&tag]), event("B", &[])]).await;
        }
    }
}

/// Follows the log in this process while others append to it.
pub(super) async fn sees_others<F: ProcessFixture>(log: &F, worker: &str) {
    let mut writers: Vec<_> =
        (0..WRITERS).map(|n| Worker::start(worker, &log.address(), TASK, &n.to_string())).collect();
    let store = log.connect().await;
    let queries = [Query::all(), query(&["A"], &[]), query(&[], &["writer:1"])];
    let mut followers: Vec<_> = queries
        .iter()
        .map(|query| (Seen::default(), store.subscribe(query, None).page(3)))
        .collect();
    for round in 0..=ROUNDS {
        for writer in &mut writers {
            assert_eq!(writer.expect_line().await, READY);
        }
        let head = store.head().await.unwrap();
        let target = if round < ROUNDS {
            writers.iter_mut().for_each(|writer| writer.tell("append"));
            // What the others append in this round comes without a call of this process.
            Some(head.map_or(SequencePosition::FIRST, |head| head.saturating_add(1)))
        } else {
            head
        };
        for (seen, follower) in &mut followers {
            seen.until::<F>(follower, target).await;
        }
    }
    for writer in writers {
        writer.finish().await;
    }
    for (query, (mut seen, mut follower)) in queries.iter().zip(followers) {
        seen.until::<F>(&mut follower, store.head().await.unwrap()).await;
        seen.assert_is(&matching(&store, query).await);
    }
    assert_eq!(matching(&store, &Query::all()).await.len(), WRITERS * ROUNDS * BATCHES * 2);
}
