use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join;

use crate::{
    append::NewEvent,
    conformance::{
        fixture::Fixture,
        pages::numbers,
        parallel::{REFUSED_TOO_OFTEN, at_once, handles},
        sample_values::{event, unless},
        store_calls::{accepted, append, append_if, begin, rest, whole_log},
    },
    position::SequencePosition,
    query::Query,
    read_options::ReadOptions,
    recorded::Recorded,
    store::EventStore,
};

const DECIDERS: usize = 4;
const DECISIONS: usize = 20;
const WRITERS: usize = 4;
const WRITTEN: usize = 40;

/// Some tasks decide on every event of the query, while others append such events without a condition.
pub(super) async fn while_others_write<F: Fixture>(log: F, query: Query) {
    let handles = handles(&log, 4).await;
    let deciders = at_once((0..DECIDERS).map(|n| decide(handles[n].clone(), query.clone())));
    let writers = at_once((0..WRITERS).map(|n| write(handles[n].clone(), n)));
    let (refusals, _) = join(deciders, writers).await;
    let log = whole_log(&handles[0]).await;
    let rule = "the log has every acknowledged event, and no other";
    assert_eq!(log.len(), DECIDERS * DECISIONS + WRITERS * WRITTEN, "{rule}: how many");
    verify(&log);
    assert!(
        refusals.into_iter().sum::<usize>() > 0,
        "decisions are made beside appends, and none met one"
    );
}

/// Decides until enough decisions are accepted, and returns how many were refused.
async fn decide(store: Arc<dyn EventStore>, query: Query) -> usize {
    let (mut decisions, mut tries) = (0, 0);
    while decisions < DECISIONS {
        let events = begin(&store, &query, ReadOptions::all()).await;
        let observed = events.observed();
        let seen = rest(events).await.len();
        let mut decided = event("Decided", &[]);
        decided.payload = format!("{} {seen}", observed.map_or(0, SequencePosition::get)).into();
        // Lets other tasks append, as they may while a decision is made.
        tokio::task::yield_now().await;
        let condition = unless(&query).after(observed);
        decisions += usize::from(accepted(append_if(&store, decided, condition).await));
        tries += 1;
        assert!(tries <= 300, "{REFUSED_TOO_OFTEN}, of at most 300: {tries} tries");
    }
    tries - decisions
}

async fn write(store: Arc<dyn EventStore>, writer: usize) {
    for n in 0..WRITTEN {
        append(&store, vec![written(writer, n)]).await;
        tokio::task::yield_now().await;
    }
}

fn written(writer: usize, n: usize) -> NewEvent {
    let (writer, number) = (format!("writer:{writer}"), format!("number:{n}"));
    event("Written", &[&writer, &number])
}

/// Asserts that each decision was made from every event before its own.
fn verify(log: &[Recorded<Bytes>]) {
    for (before, record) in log.iter().enumerate() {
        if record.event_type.as_str() != "Decided" {
            continue;
        }
        let told = numbers(record, 2);
        let (observed, seen) = (told[0], told[1]);
        let late: Vec<_> = log[..before].iter().filter(|r| r.position.get() > observed).collect();
        let told = || format!("at {}, decided from {observed} with {seen} events", record.position);
        let lost: Vec<_> = late.iter().map(|r| (r.position, r.event_type.as_str())).collect();
        let rule = "a decision is made from every event before its own";
        assert!(lost.is_empty(), "{rule}: {}, lost a conflict with {lost:?}", told());
        assert_eq!(seen, before as u64, "{rule}: {}", told());
    }
}
