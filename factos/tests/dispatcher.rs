//! Commands that are decided together and from memory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use factos::{
    AppendCondition, AppendError, AttemptOutcome, Bytes, Decider, Dispatched, Dispatcher, Error,
    ErrorKind, EventStore, Events, KeyDifference, Limits, NewEvent, Query, QueryFor, ReadOptions,
    Recorded, Retry, SequencePosition, StoreError, StoreErrorKind, StreamName, Turns, dispatch,
};
use factos_memory::MemoryStore;
use futures_util::{FutureExt, future::join_all};
use support::*;

/// Sells tickets by number: an event says how many were sold before. Its guard is its context.
#[derive(Debug, Clone, Copy)]
struct Numbered {
    seats: i64,
}

impl Decider for Numbered {
    type Command = Buy;
    type Event = Ticketing;
    type State = i64;
    type Error = SoldOut;

    fn initial(&self) -> i64 {
        0
    }

    fn evolve(&self, sold: i64, event: &Ticketing) -> i64 {
        BoxOffice { seats: self.seats }.evolve(sold, event)
    }

    fn decide(&self, taken: &i64, buy: &Buy) -> Result<Vec<Ticketing>, SoldOut> {
        match buy.buyer.as_str() {
            "panic" => panic!("the decider of {} panicked", buy.show),
            "nothing" => Ok(Vec::new()),
            "outside" => Ok(vec![noted("u")]),
            _ if *taken >= self.seats => Err(SoldOut),
            buyer => Ok(vec![sold(&buy.show, &format!("{buyer} {taken}"))]),
        }
    }

    fn context(&self, buy: &Buy) -> QueryFor<Ticketing> {
        about(&["Sold", "Returned"], &buy.show)
    }
}

const OFFICE: Numbered = Numbered { seats: 1_000 };

/// Lets other tasks run before each append, as a store does that writes to a disk.
#[derive(Debug)]
struct Slow {
    store: Scripted,
    is_open: AtomicBool,
    in_flight: AtomicUsize,
}

/// An append that was begun and has not ended.
struct InFlight<'a>(&'a AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Slow {
    fn new(faults: impl IntoIterator<Item = Fault>) -> Arc<Self> {
        let (store, is_open) = (Scripted::new(faults), AtomicBool::new(true));
        Arc::new(Self { store, is_open, in_flight: AtomicUsize::new(0) })
    }

    /// How many events each append was asked for.
    fn batches(&self) -> Vec<usize> {
        self.store.asked.lock().unwrap().iter().map(|(batch, _)| batch.len()).collect()
    }

    /// Waits until appends are let through.
    async fn wait(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let ends = InFlight(&self.in_flight);
        tokio::task::yield_now().await;
        while !self.is_open.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
        ends
    }

    fn reads(&self) -> usize {
        self.store.read_after().len()
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait::async_trait]
impl EventStore for Slow {
    fn log_id(&self) -> &str {
        self.store.log_id()
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        self.store.read(query, options).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        self.store.read_stream(stream, options).await
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        let _ends = self.wait().await;
        Limits::FLOOR.check(&events, &condition)?;
        self.store.append(events, condition).await
    }

    async fn append_unless(
        &self,
        events: Vec<NewEvent>,
        exists: Query,
        guard: Query,
        after: Option<SequencePosition>,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        let _ends = self.wait().await;
        Limits::FLOOR.check(&events, &AppendCondition::fail_if_events_match(guard.clone()))?;
        self.store.append_unless(events, exists, guard, after).await
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        self.store.head().await
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        self.store.wait_past(after).await
    }

    fn turns(&self) -> Option<&Turns> {
        self.store.turns()
    }
}

/// A store that does of the trait what it has to.
struct OneCondition(Arc<Slow>);

#[async_trait::async_trait]
impl EventStore for OneCondition {
    fn log_id(&self) -> &str {
        self.0.log_id()
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        self.0.read(query, options).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        self.0.read_stream(stream, options).await
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        self.0.append(events, condition).await
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        self.0.head().await
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        self.0.wait_past(after).await
    }
}

type Office = Dispatcher<Arc<Slow>, Numbered>;
type Outcome = Result<Dispatched<Ticketing, ()>, Error<SoldOut>>;

async fn buy_all(office: &Office, buyers: &[&str]) -> Vec<Outcome> {
    join_all(buyers.iter().map(|buyer| office.run(buy("a", buyer)))).await
}

fn event_of(outcome: &Outcome) -> &Ticketing {
    &outcome.as_ref().unwrap().records[0].event
}

fn is_refused(outcome: &Outcome) -> bool {
    matches!(outcome, Err(Error::Domain(SoldOut)))
}

#[tokio::test]
async fn commands_of_one_boundary_share_a_batch_and_a_condition() {
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), OFFICE);
    let done = buy_all(&office, &["x", "y", "z", "w"]).await;
    let expected = ["x 0", "y 1", "z 2", "w 3"].map(|buyer| sold("a", buyer));
    assert_eq!(done.iter().map(event_of).collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
    assert_eq!(log_of(&store.store.log).await, expected);
    assert_eq!(store.batches(), [1, 3]);
    let guard = about(&["Sold", "Returned"], "a").into_query().unwrap();
    let expected = [None, Some(position(1))]
        .map(|after| AppendCondition::fail_if_events_match(guard.clone()).after(after));
    assert_eq!(store.store.conditions(), expected);
    let positions = done.iter().map(|done| done.as_ref().unwrap().position.unwrap().get());
    assert_eq!(positions.collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_warm_boundary_is_not_read_before_an_append() {
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), OFFICE);
    for _ in 0..5 {
        office.run(buy("a", "x")).await.unwrap();
    }
    assert_eq!((store.reads(), store.batches().len()), (1, 5));
}

#[tokio::test]
async fn boundaries_do_not_wait_for_one_another() {
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), OFFICE);
    let done = join_all(["a", "b", "c"].map(|show| office.run(buy(show, "x")))).await;
    assert!(done.iter().all(Result::is_ok));
    assert_eq!(store.batches(), [1, 1, 1]);
}

#[tokio::test]
async fn a_rival_is_noticed_and_everything_is_decided_again_in_order() {
    let rival = || Fault::Rival(sold("a", "rival"));
    let store = Slow::new([Fault::Pass, rival(), rival()]);
    let office = Dispatcher::new(store.clone(), OFFICE);
    let done = buy_all(&office, &["x", "y", "z"]).await;
    let log = log_of(&store.store.log).await;
    let expected = ["x 0", "rival", "rival", "y 3", "z 4"].map(|buyer| sold("a", buyer));
    assert_eq!(log, expected);
    let attempts = done.iter().map(|done| done.as_ref().unwrap().attempts);
    assert_eq!(attempts.collect::<Vec<_>>(), [1, 3, 3]);
    // After a conflict what came since is read, from the last snapshot.
    assert_eq!(store.store.read_after(), [None, None, Some(2)]);
}

#[tokio::test]
async fn a_state_that_cannot_be_cloned_is_folded_again_after_a_conflict() {
    struct Count(i64);
    struct NotCloned;
    impl Decider for NotCloned {
        type Command = Buy;
        type Event = Ticketing;
        type State = Count;
        type Error = SoldOut;
        fn initial(&self) -> Count {
            Count(0)
        }
        fn evolve(&self, Count(sold): Count, _: &Ticketing) -> Count {
            Count(sold + 1)
        }
        fn decide(&self, Count(n): &Count, buy: &Buy) -> Result<Vec<Ticketing>, SoldOut> {
            Ok(vec![sold(&buy.show, &format!("{} {n}", buy.buyer))])
        }
    }
    let store = Slow::new([Fault::Pass, Fault::Rival(sold("a", "rival")), Fault::Pass]);
    let office = Dispatcher::without_snapshots(store.clone(), NotCloned);
    for buyer in ["x", "y", "z"] {
        office.run(buy("a", buyer)).await.unwrap();
    }
    let expected = ["x 0", "rival", "y 2", "z 3"].map(|buyer| sold("a", buyer));
    assert_eq!(log_of(&store.store.log).await, expected);
    assert_eq!(store.store.read_after(), [None, None]);
}

#[tokio::test]
async fn a_refusal_rests_on_what_is_true_now() {
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), Numbered { seats: 2 });
    office.run(buy("a", "x")).await.unwrap();
    office.run(buy("a", "y")).await.unwrap();
    assert!(is_refused(&office.run(buy("a", "z")).await));
    // Somebody else gives a ticket back: what is in memory says sold out.
    seed(&store.store.log, [returned("a")]).await;
    let done = office.run(buy("a", "z")).await;
    assert_eq!(event_of(&done), &sold("a", "z 1"));
    assert_eq!(done.unwrap().attempts, 1);
}

#[tokio::test]
async fn a_command_without_events_rests_on_what_is_true_now() {
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), OFFICE);
    office.run(buy("a", "x")).await.unwrap();
    seed(&store.store.log, [sold("b", "y"), sold("a", "y")]).await;
    let done = office.run(buy("a", "nothing")).await.unwrap();
    assert_eq!((done.records.len(), done.position), (0, Some(position(3))));
}

#[tokio::test]
async fn a_refusal_of_a_speculative_state_waits_for_its_batch() {
    // The rival's ticket goes back, so the second buyer has a seat after all.
    let store = Slow::new([Fault::Pass, Fault::Rival(returned("a"))]);
    let office = Dispatcher::new(store.clone(), Numbered { seats: 2 });
    let done = buy_all(&office, &["x", "y", "z"]).await;
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    let expected = [sold("a", "x 0"), returned("a"), sold("a", "y 0"), sold("a", "z 1")];
    assert_eq!(log_of(&store.store.log).await, expected);
    // Once the batch is in, it is true, and no read is needed.
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), Numbered { seats: 2 });
    let done = buy_all(&office, &["x", "y", "z", "w"]).await;
    assert_eq!(done.iter().map(is_refused).collect::<Vec<_>>(), [false, false, true, true]);
    assert_eq!((store.reads(), store.batches()), (1, vec![1, 1]));
}

#[tokio::test]
async fn one_command_without_a_seat_does_not_hold_up_the_others() {
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), OFFICE);
    let done = buy_all(&office, &["x", "outside", "nothing", "y"]).await;
    assert_eq!(event_of(&done[3]), &sold("a", "y 1"));
    assert!(matches!(done[1], Err(Error::OutsideBoundary(_))), "{:?}", done[1]);
    assert!(done[2].as_ref().unwrap().records.is_empty());
}

#[tokio::test]
async fn a_guard_narrower_than_the_context_loses_no_fact() {
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), BoxOffice { seats: 2 });
    office.run(buy("a", "x")).await.unwrap();
    // Not in the guard: the next sale is not refused for it, and must not hide it either.
    seed(&store.store.log, [returned("a")]).await;
    for buyer in ["y", "z"] {
        office.run(buy("a", buyer)).await.unwrap();
    }
    let refused = office.run(buy("a", "w")).await;
    assert!(matches!(refused, Err(Error::Domain(SoldOut))));
    assert_eq!(log_of(&store.store.log).await.len(), 4);
}

#[tokio::test]
async fn a_batch_is_refused_by_any_guard_of_its_commands() {
    struct Either;
    impl Decider for Either {
        type Command = (&'static str, &'static str);
        type Event = Ticketing;
        type State = i64;
        type Error = SoldOut;
        fn initial(&self) -> i64 {
            0
        }
        fn evolve(&self, n: i64, _: &Ticketing) -> i64 {
            n + 1
        }
        fn decide(
            &self,
            n: &i64,
            (guard, buyer): &Self::Command,
        ) -> Result<Vec<Ticketing>, SoldOut> {
            Ok(vec![match *guard {
                "Sold" => sold("a", &format!("{buyer} {n}")),
                _ => returned("a"),
            }])
        }
        fn context(&self, _: &Self::Command) -> QueryFor<Ticketing> {
            about(&["Sold", "Returned"], "a")
        }
        fn guard(&self, (guard, _): &Self::Command) -> QueryFor<Ticketing> {
            about(&[*guard], "a")
        }
    }
    for rival in [sold("a", "rival"), returned("a")] {
        let store = Slow::new([Fault::Pass, Fault::Rival(rival.clone())]);
        let office = Dispatcher::new(store.clone(), Either);
        let commands = [("Sold", "x"), ("Sold", "y"), ("Returned", "")];
        for done in join_all(commands.map(|command| office.run(command))).await {
            done.unwrap();
        }
        let expected = [sold("a", "x 0"), rival, sold("a", "y 2"), returned("a")];
        assert_eq!(log_of(&store.store.log).await, expected);
        assert_eq!(store.batches(), [1, 2, 2]);
    }
}

#[tokio::test]
async fn a_panic_of_decide_ends_that_command_alone() {
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), OFFICE);
    let runs = ["x", "y", "panic", "z"]
        .map(|buyer| AssertUnwindSafe(office.run(buy("a", buyer))).catch_unwind());
    let ended = join_all(runs).await;
    let panic = ended[2].as_ref().unwrap_err().downcast_ref::<String>().unwrap();
    assert_eq!(panic, "the decider of a panicked");
    assert_eq!(event_of(ended[3].as_ref().unwrap()), &sold("a", "z 2"));
    assert_eq!(log_of(&store.store.log).await.len(), 3);
    assert_eq!(event_of(&office.run(buy("a", "w")).await), &sold("a", "w 3"));
}

#[tokio::test]
async fn a_dropped_future_holds_up_nobody_and_its_command_is_not_decided_twice() {
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), OFFICE);
    store.is_open.store(false, Ordering::Relaxed);
    let mut first = Box::pin(office.run(buy("a", "first")));
    let mut second = Box::pin(office.run(buy("a", "second")));
    let mut third = Box::pin(office.run(buy("a", "third")));
    for _ in 0..5 {
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        assert!(third.as_mut().now_or_never().is_none());
    }
    // The first one appends, the second one waits and is never begun.
    drop(first);
    drop(second);
    store.is_open.store(true, Ordering::Relaxed);
    assert_eq!(event_of(&third.await), &sold("a", "third 1"));
    let expected = ["first 0", "third 1"].map(|buyer| sold("a", buyer));
    assert_eq!(log_of(&store.store.log).await, expected);
}

#[tokio::test]
async fn when_every_caller_is_gone_the_next_one_begins_anew() {
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), OFFICE);
    office.run(buy("a", "x")).await.unwrap();
    store.is_open.store(false, Ordering::Relaxed);
    {
        let mut gone = Box::pin(office.run(buy("a", "gone")));
        assert!(gone.as_mut().now_or_never().is_none());
        assert!(gone.as_mut().now_or_never().is_none());
        assert_eq!(store.in_flight.load(Ordering::Relaxed), 1);
    }
    assert_eq!(store.in_flight.load(Ordering::Relaxed), 0, "an abandoned append goes on");
    // The store may still get to it: it got the batch, and nobody waits for the outcome.
    seed(&store.store.log, [sold("a", "gone 1")]).await;
    store.is_open.store(true, Ordering::Relaxed);
    assert_eq!(event_of(&office.run(buy("a", "y")).await), &sold("a", "y 2"));
}

#[tokio::test]
async fn an_unknown_outcome_is_found_out_for_all() {
    for fault in [Fault::LostWritten, Fault::LostUnwritten, Fault::SentTwice] {
        let store = Slow::new([Fault::Pass, fault]);
        let office = Dispatcher::new(store.clone(), OFFICE);
        let done = buy_all(&office, &["x", "y", "z"]).await;
        let expected = ["x 0", "y 1", "z 2"].map(|buyer| sold("a", buyer));
        assert_eq!(log_of(&store.store.log).await, expected);
        let told = done.iter().map(|done| done.as_ref().unwrap().position.unwrap().get());
        assert_eq!(told.collect::<Vec<_>>(), [1, 2, 3]);
    }
}

#[tokio::test]
async fn an_outcome_that_stays_unknown_is_told_to_each_with_its_own_ids() {
    let lost = (0..20).map(|_| Fault::LostUnwritten);
    let store = Slow::new([Fault::Pass].into_iter().chain(lost));
    let office = Dispatcher::new(store.clone(), OFFICE);
    let done = buy_all(&office, &["x", "y", "z", "nothing"]).await;
    let asked = store.store.ids();
    for (n, outcome) in done[1..3].iter().enumerate() {
        let Err(Error::OutcomeUnknown(error)) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(error.ids, [asked[1][n]]);
        assert_eq!(error.source.to_string(), "scripted lost reply");
    }
    assert!(done[3].as_ref().unwrap().records.is_empty());
    // What is in memory may be wrong now.
    seed(&store.store.log, [sold("a", "y"), sold("a", "z")]).await;
    store.store.clear();
    assert_eq!(event_of(&office.run(buy("a", "w")).await), &sold("a", "w 3"));
}

#[tokio::test]
async fn errors_of_the_store_are_told_to_all_that_they_ended() {
    let store = Slow::new([Fault::Pass, Fault::Full]);
    let office = Dispatcher::new(store.clone(), OFFICE);
    let done = buy_all(&office, &["x", "y", "z"]).await;
    for outcome in &done[1..] {
        let Err(Error::Store(error)) = outcome else { panic!("{outcome:?}") };
        assert_eq!((error.kind(), error.attempts), (StoreErrorKind::Full, 1));
    }
    let store = Slow::new([]);
    store.store.fail_reads([StoreErrorKind::Corrupt]);
    let office = Dispatcher::new(store.clone(), OFFICE);
    let done = buy_all(&office, &["x"]).await;
    assert!(
        matches!(&done[0], Err(Error::Store(error)) if error.kind() == StoreErrorKind::Corrupt)
    );
    assert_eq!(event_of(&buy_all(&office, &["x"]).await[0]), &sold("a", "x 0"));
}

#[tokio::test]
async fn each_command_has_its_own_number_of_attempts() {
    let rivals = (0..3).map(|_| Fault::Rival(sold("a", "rival")));
    let store = Slow::new([Fault::Pass].into_iter().chain(rivals));
    let office = Dispatcher::new(store.clone(), OFFICE).retry(Retry::attempts(9));
    let (told, tell) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let patient = {
        let told = Arc::clone(&told);
        office.dispatch().observe(move |attempt| told.lock().unwrap().push(*attempt))
    };
    let hasty = {
        let tell = Arc::clone(&tell);
        let hasty = office.dispatch().retry(Retry::attempts(2));
        hasty.observe(move |attempt| tell.lock().unwrap().push(*attempt))
    };
    let first = office.run(buy("a", "x"));
    let (first, patient, hasty) =
        tokio::join!(first, patient.run(buy("a", "p")), hasty.run(buy("a", "h")));
    assert_eq!((first.unwrap().attempts, patient.unwrap().attempts), (1, 4));
    let Err(Error::Conflict(conflict)) = hasty else { panic!("{hasty:?}") };
    assert_eq!(conflict.attempts, 2);
    let outcomes = |attempts: &Mutex<Vec<factos::DispatchAttempt>>| {
        let attempts = attempts.lock().unwrap();
        attempts.iter().map(|a| (a.number, a.outcome.as_str(), a.is_retried)).collect::<Vec<_>>()
    };
    let lost = |number, is_retried| (number, "conflict", is_retried);
    assert_eq!(outcomes(&tell), [lost(1, true), lost(2, false)]);
    let patience = [lost(1, true), lost(2, true), lost(3, true), (4, "appended", false)];
    assert_eq!(outcomes(&told), patience);
    let last = told.lock().unwrap()[3];
    assert!(matches!(last.outcome, AttemptOutcome::Appended { events: 1, .. }));
}

#[tokio::test]
async fn a_key_takes_effect_once() {
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), OFFICE);
    let keyed = |key: &'static str, buyer: &'static str| {
        office.dispatch().idempotency_key(key).fingerprint(buyer).run(buy("a", buyer))
    };
    // Twins in one batch, and in the next one; and one that was told of by a plain dispatch.
    let plain = dispatch(&store, &OFFICE).idempotency_key("plain").run(&buy("a", "p")).await;
    let done = join_all([
        keyed("k", "x").boxed(),
        keyed("l", "y").boxed(),
        keyed("l", "y").boxed(),
        keyed("k", "x").boxed(),
        office.dispatch().idempotency_key("plain").run(buy("a", "p")).boxed(),
        keyed("l", "other").boxed(),
    ])
    .await;
    let replayed = done.iter().map(|done| done.as_ref().is_ok_and(|done| done.replayed));
    assert_eq!(replayed.collect::<Vec<_>>(), [false, false, true, true, true, false]);
    assert_eq!(done[4].as_ref().unwrap().records, plain.unwrap().records);
    assert_eq!(done[2].as_ref().unwrap().records, done[1].as_ref().unwrap().records);
    let Err(Error::KeyReused(reused)) = &done[5] else { panic!("{:?}", done[5]) };
    assert_eq!(reused.difference, KeyDifference::OtherFingerprint);
    let expected = ["p 0", "x 1", "y 2"].map(|buyer| sold("a", buyer));
    assert_eq!(log_of(&store.store.log).await, expected);
    // Long after, and from memory.
    assert!(keyed("k", "x").await.unwrap().replayed);
}

#[tokio::test]
async fn a_key_that_a_rival_uses_meanwhile_is_replayed() {
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), OFFICE);
    office.run(buy("a", "x")).await.unwrap();
    store.is_open.store(false, Ordering::Relaxed);
    let mut run = Box::pin(office.dispatch().idempotency_key("k").run(buy("a", "y")));
    for _ in 0..3 {
        assert!(run.as_mut().now_or_never().is_none());
    }
    // Outside of the boundary: only the key refuses the batch.
    let rival = dispatch(&store.store, &OFFICE).idempotency_key("k").run(&buy("b", "y")).await;
    store.is_open.store(true, Ordering::Relaxed);
    let done = run.await.unwrap();
    assert!(done.replayed);
    assert_eq!(done.records, rival.unwrap().records);
    // It took effect by the rival's attempt: its own was none in vain.
    assert_eq!(done.attempts, 1);
}

#[tokio::test]
async fn a_new_key_costs_no_read() {
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), OFFICE);
    for key in ["a", "b", "c"] {
        office.dispatch().idempotency_key(key).run(buy("a", "x")).await.unwrap();
    }
    let keyed = |key| office.dispatch().idempotency_key(key).run(buy("a", "x"));
    let done = join_all(["d", "e", "f"].map(keyed)).await;
    assert!(done.iter().all(|done| !done.as_ref().unwrap().replayed));
    assert_eq!((store.reads(), store.batches()), (1, vec![1, 1, 1, 1, 2]));
}

#[tokio::test]
async fn a_key_of_an_old_command_is_replayed_in_one_attempt() {
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), OFFICE).retry(Retry::attempts(1));
    // Of another boundary, and older than all that the dispatcher has seen of this one.
    let old = dispatch(&store.store, &OFFICE).idempotency_key("k").run(&buy("b", "y")).await;
    office.run(buy("a", "x")).await.unwrap();
    let done = join_all([
        office.run(buy("a", "y")).boxed(),
        office.dispatch().idempotency_key("k").run(buy("a", "y")).boxed(),
        office.dispatch().idempotency_key("l").run(buy("a", "z")).boxed(),
    ])
    .await;
    let replayed = done.iter().map(|done| done.as_ref().unwrap().replayed);
    assert_eq!(replayed.collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(done[1].as_ref().unwrap().records, old.unwrap().records);
    assert!(done.iter().all(|done| done.as_ref().unwrap().attempts == 1));
    let expected = [sold("b", "y 0"), sold("a", "x 0"), sold("a", "y 1"), sold("a", "z 2")];
    assert_eq!(log_of(&store.store.log).await, expected);
}

#[tokio::test]
async fn a_repeat_that_would_be_refused_now_is_replayed() {
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), Numbered { seats: 1 });
    let keyed = |key: &'static str| office.dispatch().idempotency_key(key).run(buy("a", "x"));
    let first = keyed("k").await.unwrap();
    // Alone, and beside one that is refused, from memory and after a rival.
    assert_eq!(keyed("k").await.unwrap().records, first.records);
    seed(&store.store.log, [sold("b", "y")]).await;
    let done = join_all(["k", "new", "k"].map(keyed)).await;
    assert!(is_refused(&done[1]), "{done:?}");
    for done in [&done[0], &done[2]] {
        assert_eq!(done.as_ref().unwrap().records, first.records);
    }
    // In a batch that is accepted.
    seed(&store.store.log, [returned("a")]).await;
    let done = join_all(["other", "k", "late"].map(keyed)).await;
    assert_eq!(event_of(&done[0]), &sold("a", "x 0"));
    assert_eq!(done[1].as_ref().unwrap().records, first.records);
    assert!(is_refused(&done[2]), "{done:?}");
}

#[tokio::test]
async fn a_rival_on_the_boundary_is_a_conflict_with_a_key_too() {
    let rival = || Fault::Rival(sold("a", "rival"));
    let store = Slow::new([Fault::Pass, rival(), Fault::Pass, rival()]);
    let office = Dispatcher::new(store.clone(), OFFICE);
    office.run(buy("a", "x")).await.unwrap();
    let done = office.dispatch().idempotency_key("k").run(buy("a", "y")).await.unwrap();
    assert_eq!((done.attempts, done.replayed), (2, false));
    // The boundary was read again, from the last snapshot, and nothing for the key.
    assert_eq!(store.store.read_after(), [None, None]);
    let once = office.dispatch().idempotency_key("l").retry(Retry::attempts(1));
    assert!(once.run(buy("a", "z")).await.unwrap_err().is_conflict());
}

#[tokio::test]
async fn keys_are_exact_on_a_store_that_knows_one_condition() {
    let store = Slow::new([]);
    let office = Dispatcher::new(Arc::new(OneCondition(store.clone())), OFFICE);
    let keyed = |key: &'static str| office.dispatch().idempotency_key(key).run(buy("a", "x"));
    let old = dispatch(&store.store, &OFFICE).idempotency_key("old").run(&buy("b", "y")).await;
    let done = join_all(["k", "l", "k", "old"].map(keyed)).await;
    let replayed = done.iter().map(|done| done.as_ref().unwrap().replayed);
    assert_eq!(replayed.collect::<Vec<_>>(), [false, false, true, true]);
    assert_eq!(done[3].as_ref().unwrap().records, old.unwrap().records);
    let expected = [sold("b", "y 0"), sold("a", "x 0"), sold("a", "x 1")];
    assert_eq!(log_of(&store.store.log).await, expected);
}

#[tokio::test]
async fn a_command_without_events_is_remembered_if_it_is_to_be() {
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), OFFICE);
    let nothing = || office.dispatch().idempotency_key("k").remember_no_op();
    let first = nothing().run(buy("a", "nothing")).await.unwrap();
    assert_eq!(
        (first.records.len(), first.replayed, first.position),
        (0, false, Some(position(1)))
    );
    let again = nothing().run(buy("a", "x")).await.unwrap();
    assert_eq!((again.records.len(), again.replayed, again.position), (0, true, Some(position(1))));
}

#[tokio::test]
async fn options_reach_the_events() {
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), OFFICE);
    let metadata = factos::Metadata::new().with_correlation_id("c").unwrap();
    let done = office.dispatch().stream("tickets").metadata(metadata).run(buy("a", "x")).await;
    let record = &done.unwrap().records[0];
    assert_eq!(record.stream.as_ref().unwrap().as_str(), "tickets");
    assert_eq!(record.metadata.correlation_id(), Some("c"));
    let refused = office.dispatch().stream("").run(buy("a", "x")).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Argument);
    let outside = office.dispatch().allow_outside_boundary().run(buy("a", "outside")).await;
    assert_eq!(outside.unwrap().records.len(), 1);
}

#[tokio::test]
async fn an_event_that_does_not_decode_is_told_and_leaves_nothing_in_memory() {
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), OFFICE).retry(Retry::attempts(1));
    office.run(buy("a", "x")).await.unwrap();
    let newer = new_event(&sold("a", "y")).with_version(2);
    store.store.log.append(vec![newer], AppendCondition::None).await.unwrap();
    for outcome in buy_all(&office, &["z", "w"]).await {
        assert!(
            matches!(outcome, Err(Error::Decode(_) | Error::Conflict(_))),
            "decided without what came since: {outcome:?}"
        );
    }
    assert!(matches!(office.run(buy("a", "z")).await, Err(Error::Decode(_))));
}

#[tokio::test]
async fn a_batch_stays_within_the_limits_of_every_store() {
    let many = factos::decider_fn(
        || 0,
        |n, _: &Ticketing| n + 1,
        |_, count: &usize| Ok::<_, ()>(vec![sold("a", "x"); *count]),
    );
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), many);
    let counts = [1, 600, 600, 3_000, 2, 5];
    for (done, count) in join_all(counts.map(|n| office.run(n))).await.into_iter().zip(counts) {
        assert_eq!(done.unwrap().records.len(), count);
    }
    assert_eq!(store.batches(), [1, 600, 600, 3_000, 7]);
    assert!(store.batches().iter().all(|events| *events <= Limits::FLOOR.events_per_batch));
}

#[tokio::test]
async fn a_command_that_the_store_refuses_is_found_in_its_batch() {
    let large = "x".repeat(Limits::FLOOR.payload_bytes + 1);
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), OFFICE);
    let done = buy_all(&office, &["x", "y", &large, "z"]).await;
    assert!(matches!(&done[2], Err(Error::Append(AppendError::Invalid(_)))), "{:?}", done[2]);
    let expected = ["x 0", "y 1", "z 2"].map(|buyer| sold("a", buyer));
    assert_eq!(log_of(&store.store.log).await, expected);
}

#[tokio::test]
async fn the_boundary_that_was_used_the_longest_ago_is_forgotten_first() {
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), OFFICE).max_boundaries(2);
    for show in ["a", "b", "a", "c", "a"] {
        office.run(buy(show, "x")).await.unwrap();
    }
    assert_eq!(store.reads(), 3);
    office.run(buy("b", "x")).await.unwrap();
    assert_eq!(store.reads(), 4);
    let weighed = Arc::new(AtomicUsize::new(0));
    let store = Slow::new([]);
    let office = Dispatcher::new(store.clone(), OFFICE).max_bytes(100, {
        let weighed = Arc::clone(&weighed);
        move |_| {
            weighed.fetch_add(1, Ordering::Relaxed);
            20
        }
    });
    for show in ["a", "b", "a", "b", "c", "b", "a"] {
        office.run(buy(show, "x")).await.unwrap();
    }
    // Two states of two boundaries have 80 bytes, those of three have 120.
    assert_eq!((store.reads(), weighed.load(Ordering::Relaxed)), (4, 7));
    assert_eq!(log_of(&store.store.log).await.len(), 7);
}

/// Many tasks, two dispatchers and plain dispatches: every event says what was true before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_decision_is_lost_or_made_twice_beside_others() {
    let store = Arc::new(MemoryStore::new());
    let seats = 600;
    let office = Numbered { seats };
    let dispatchers = [(); 2].map(|()| Dispatcher::new(store.clone(), office));
    let retry = || Retry::attempts(u32::MAX);
    let mut buyers = Vec::new();
    for n in 0..900_usize {
        let (store, dispatcher) = (store.clone(), dispatchers[n % 2].clone());
        let name = format!("b{n}");
        buyers.push(tokio::spawn(async move {
            let run = async {
                match n % 5 {
                    0 => {
                        let plain = dispatch(&store, &office).retry(retry());
                        plain.run(&buy("a", &name)).await.map(|done| done.records)
                    }
                    _ => {
                        let shared = dispatcher.dispatch().retry(retry());
                        shared.run(buy("a", &name)).await.map(|done| done.records)
                    }
                }
            };
            if n % 7 == 0 {
                // Gives up at some time: its ticket is in the log, or it is not.
                let impatient = tokio::time::timeout(Duration::from_micros(n as u64), run);
                return impatient.await.ok();
            }
            Some(run.await)
        }));
    }
    let (mut told, mut refused) = (Vec::new(), 0);
    for outcome in join_all(buyers).await {
        match outcome.unwrap() {
            Some(Ok(records)) => told.extend(records),
            Some(Err(Error::Domain(SoldOut))) => refused += 1,
            Some(Err(error)) => panic!("{error:?}"),
            None => {}
        }
    }
    let log = log_of(&*store).await;
    assert_eq!(log.len(), usize::try_from(seats).unwrap());
    for (n, event) in log.iter().enumerate() {
        let Ticketing::Sold { buyer, .. } = event else { panic!("{event:?}") };
        assert_eq!(buyer.split_once(' ').unwrap().1, n.to_string(), "{buyer} at {n}");
    }
    assert!(refused > 100);
    for record in told {
        assert_eq!(log[usize::try_from(record.position.get()).unwrap() - 1], record.event);
    }
}
