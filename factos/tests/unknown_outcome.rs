//! Appends whose answer was lost.

mod support;

use std::{
    error::Error as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use factos::{
    AppendError, Error, OutcomeUnknown, Retry, StoreErrorKind, Turns, decider_fn, dispatch,
    dispatch_stream,
};
use support::*;

const OFFICE: BoxOffice = BoxOffice { seats: 9 };

async fn sell(store: &Scripted) -> Result<factos::Dispatched<Ticketing, i64>, Error<SoldOut>> {
    dispatch(store, &OFFICE).run(&buy("a", "z")).await
}

fn assert_one_batch(store: &Scripted, appends: usize) {
    let ids = store.ids();
    assert_eq!(ids.len(), appends);
    assert!(ids.iter().all(|batch| *batch == ids[0]), "decided anew while an outcome was open");
}

#[tokio::test]
async fn a_batch_that_was_not_written_is_appended_again_with_the_same_ids() {
    let store = Scripted::new([Fault::LostUnwritten, Fault::LostUnwritten]);
    let done = sell(&store).await.unwrap();
    assert_eq!((done.attempts, done.state, done.position), (1, 1, Some(position(1))));
    assert_one_batch(&store, 3);
    assert_eq!(log_of(&store.log).await, [sold("a", "z")]);
}

#[tokio::test]
async fn a_batch_that_was_written_is_read_back() {
    let store = Scripted::new([Fault::LostWritten]);
    seed(&store.log, [sold("a", "x")]).await;
    let done = sell(&store).await.unwrap();
    assert_eq!(
        (done.attempts, done.state, done.position, done.replayed),
        (1, 2, Some(position(2)), false)
    );
    assert_one_batch(&store, 2);
    let stored = factos::read_context(&store.log, &OFFICE, &buy("a", "z")).await.unwrap();
    assert_eq!(done.records, stored.records[1..]);
}

#[tokio::test]
async fn a_batch_of_several_events_is_read_back_in_order_past_later_events() {
    let decider = decider_fn(
        || 0,
        |n, _: &Ticketing| n + 1,
        |_, events: &Vec<Ticketing>| Ok::<_, ()>(events.clone()),
    );
    let events = vec![sold("a", "x"), noted("u"), sold("a", "y")];
    let store = Scripted::new([Fault::LostWritten, Fault::LostToRival(sold("a", "late"))]);
    let done = dispatch(&store, &decider).run(&events).await.unwrap();
    assert_eq!(done.records.iter().map(|r| r.event.clone()).collect::<Vec<_>>(), events);
    assert_eq!(done.records.iter().map(|r| r.position.get()).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(log_of(&store.log).await.len(), 4);
}

#[tokio::test]
async fn a_batch_that_lost_to_a_rival_is_decided_anew() {
    let store = Scripted::new([Fault::LostToRival(sold("a", "rival"))]);
    let done = sell(&store).await.unwrap();
    assert_eq!((done.attempts, done.state), (2, 2));
    let ids = store.ids();
    assert_eq!((ids.len(), ids[0] == ids[1], ids[1] == ids[2]), (3, true, false));
    assert_eq!(log_of(&store.log).await, [sold("a", "rival"), sold("a", "z")]);
}

#[tokio::test]
async fn an_outcome_that_stays_unknown_is_told_with_its_ids() {
    let store = Scripted::new((0..20).map(|_| Fault::LostUnwritten));
    let error = sell(&store).await.unwrap_err();
    assert!(!error.is_retryable() && !error.is_conflict());
    let Error::OutcomeUnknown(error) = error else {
        panic!("nothing was found out: {error:?}");
    };
    assert_one_batch(&store, 6);
    assert_eq!(error.ids, store.ids()[0]);
    assert_eq!(error.to_string(), "the outcome of an append of 1 events is not known");
    assert_eq!(error.source().unwrap().to_string(), "scripted lost reply");
}

#[tokio::test]
async fn a_busy_or_failing_store_does_not_close_an_open_outcome() {
    let store = Scripted::new([Fault::LostWritten, Fault::Busy, Fault::Full]);
    let done = sell(&store).await.unwrap();
    assert_eq!((done.attempts, done.records.len()), (1, 1));
    assert_one_batch(&store, 4);
    let store = Scripted::new([Fault::LostWritten].into_iter().chain((0..9).map(|_| Fault::Busy)));
    let Err(Error::OutcomeUnknown(OutcomeUnknown { source, .. })) = sell(&store).await else {
        panic!("nothing was found out");
    };
    assert_eq!(source.kind(), StoreErrorKind::Busy);
    assert_one_batch(&store, 6);
}

#[tokio::test]
async fn a_written_batch_that_cannot_be_read_back_is_not_decided_anew() {
    let store = Scripted::new([Fault::LostWritten]);
    let reading = FailsToReadBack(&store);
    let result = dispatch(&reading, &OFFICE).run(&buy("a", "z")).await;
    assert!(matches!(result, Err(Error::OutcomeUnknown(error)) if error.ids == store.ids()[0]));
    assert_one_batch(&store, 2);
    assert_eq!(log_of(&store.log).await, [sold("a", "z")]);
}

/// Once the log holds an event, reads are busy.
struct FailsToReadBack<'a>(&'a Scripted);

#[deny(clippy::missing_trait_methods)]
#[async_trait::async_trait]
impl factos::EventStore for FailsToReadBack<'_> {
    fn log_id(&self) -> &str {
        self.0.log_id()
    }

    async fn read(
        &self,
        query: &factos::Query,
        options: factos::ReadOptions,
    ) -> Result<factos::Events<'_>, factos::StoreError> {
        if self.0.log.head().await?.is_some() {
            self.0.fail_reads([StoreErrorKind::Busy]);
        }
        self.0.read(query, options).await
    }

    async fn read_stream(
        &self,
        stream: &factos::StreamName,
        options: factos::ReadOptions,
    ) -> Result<factos::Events<'_>, factos::StoreError> {
        self.0.read_stream(stream, options).await
    }

    async fn append(
        &self,
        events: Vec<factos::NewEvent>,
        condition: factos::AppendCondition,
    ) -> Result<Vec<factos::Recorded<factos::Bytes>>, AppendError> {
        self.0.append(events, condition).await
    }

    async fn append_unless(
        &self,
        events: Vec<factos::NewEvent>,
        exists: factos::Query,
        guard: factos::Query,
        after: Option<factos::SequencePosition>,
    ) -> Result<Vec<factos::Recorded<factos::Bytes>>, AppendError> {
        self.0.append_unless(events, exists, guard, after).await
    }

    async fn head(&self) -> Result<Option<factos::SequencePosition>, factos::StoreError> {
        self.0.head().await
    }

    async fn wait_past(
        &self,
        after: Option<factos::SequencePosition>,
    ) -> Result<(), factos::StoreError> {
        self.0.wait_past(after).await
    }

    fn turns(&self) -> Option<&Turns> {
        self.0.turns()
    }
}

#[tokio::test]
async fn a_batch_that_reached_the_log_twice_is_written_once() {
    let store = Scripted::new([Fault::SentTwice]);
    let done = sell(&store).await.unwrap();
    assert_eq!((done.attempts, done.records.len()), (1, 1));
    assert_one_batch(&store, 1);
    assert_eq!(log_of(&store.log).await, [sold("a", "z")]);
}

#[tokio::test]
async fn a_stream_settles_its_lost_answers_too() {
    for fault in [Fault::LostUnwritten, Fault::LostWritten] {
        let store = Scripted::new([fault]);
        let done = dispatch_stream(&store, &OFFICE, "cart").run(&buy("a", "z")).await.unwrap();
        assert_eq!((done.records[0].revision, done.state), (Some(0), 1));
        assert_one_batch(&store, 2);
        assert_eq!(log_of(&store.log).await.len(), 1);
    }
}

#[tokio::test]
async fn a_key_settles_a_lost_answer_as_its_own_and_not_as_a_replay() {
    let store = Scripted::new([Fault::LostWritten]);
    let done = dispatch(&store, &OFFICE).idempotency_key("k").run(&buy("a", "z")).await.unwrap();
    assert!(!done.replayed);
    assert_one_batch(&store, 2);
}

#[tokio::test]
async fn inquiries_wait_as_the_retry_says() {
    let slept = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&slept);
    let retry =
        Retry::attempts(1).backoff(Duration::from_millis(1), Duration::from_secs(1), move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            std::future::ready(())
        });
    let store = Scripted::new([Fault::LostUnwritten, Fault::LostUnwritten]);
    dispatch(&store, &OFFICE).retry(retry).run(&buy("a", "z")).await.unwrap();
    assert_eq!(slept.load(Ordering::Relaxed), 2);
}
