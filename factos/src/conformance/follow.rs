//! Cases of waiting for the next event.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::Either};
use tokio::task::JoinHandle;

use super::{
    fixture::Fixture,
    parallel::{at_once, handles, rethrown, soon},
    random::Random,
    sample_values::{LARGE, at, event, query},
    store_calls::{append, append_one, begin, head_of, observed, rest, wait_past},
};
use crate::{
    position::SequencePosition, query::Query, read_options::ReadOptions, store::EventStore,
};

/// Long enough for a waiter to have begun to wait.
const SETTLED: Duration = Duration::from_millis(50);

/// How many readers look for each append, over so many times the duration of an append.
const READERS: u32 = 8;
const PAST_THE_APPEND: f64 = 1.4;

/// How many appends are looked for: the most, or after a while fewer, where each of them is slow.
const MOST_ROUNDS: u32 = 600;
const LEAST_ROUNDS: u32 = 100;
const LONG_ENOUGH: Duration = Duration::from_secs(3);

/// A wait ends at once if the log already has an event past the position.
pub async fn what_is_there_is_not_waited_for<F: Fixture>(log: F) {
    let (store, other) = (log.connect().await, log.connect().await);
    let first = append_one(&store, event("A", &[])).await.position;
    append(&other, vec![event("A", &[])]).await;
    for store in [&store, &other] {
        for after in [None, Some(first)] {
            let rule = "a wait ends at once if an event is there";
            soon::<F, _>(rule, wait_past(store, after)).await;
        }
    }
}

/// A waiter wakes for the first event of a log.
pub async fn a_waiter_wakes_for_the_first_event<F: Fixture>(log: F) {
    for writer in 0..2 {
        let log = if writer == 0 { &log } else { &F::fresh().await };
        let handles = handles(log, 2).await;
        let waiter = wait(&handles[0], None);
        tokio::time::sleep(SETTLED).await;
        append(&handles[writer], vec![event("A", &[])]).await;
        woken::<F>("a waiter wakes for the first event", waiter).await;
    }
}

/// A waiter wakes for an append of its own handle.
pub async fn a_waiter_wakes_for_its_own_handle<F: Fixture>(log: F) {
    wakes_for(&log, 0).await;
}

/// A waiter wakes for an append of another handle.
pub async fn a_waiter_wakes_for_another_handle<F: Fixture>(log: F) {
    wakes_for(&log, 1).await;
}

/// Every waiter wakes for an append, however many wait.
pub async fn every_waiter_wakes<F: Fixture>(log: F) {
    let handles = handles(&log, 3).await;
    let after = Some(append_one(&handles[0], event("A", &[])).await.position);
    let waiters: Vec<_> = (0..24).map(|n| wait(&handles[n % 3], after)).collect();
    tokio::time::sleep(SETTLED).await;
    append(&handles[0], vec![event("A", &[])]).await;
    for waiter in waiters {
        woken::<F>("each of 24 waiters wakes for an append", waiter).await;
    }
}

/// A waiter that is dropped does not keep another from waking.
pub async fn a_dropped_waiter_costs_nothing<F: Fixture>(log: F) {
    let store: Arc<dyn EventStore> = Arc::new(log.connect().await);
    for _ in 0..10 {
        let after = head_of(&store).await;
        let waiter = wait(&store, after);
        let dropped: Vec<_> = (0..4).map(|_| wait(&store, after)).collect();
        tokio::time::sleep(SETTLED / 10).await;
        dropped.iter().for_each(JoinHandle::abort);
        append(&store, vec![event("A", &[])]).await;
        woken::<F>("a waiter wakes although others beside it were dropped", waiter).await;
    }
}

/// A wait does not miss an append of the same handle that lands between the read and the wait.
pub async fn an_append_before_the_wait_is_not_missed<F: Fixture>(log: F) {
    let store: Arc<dyn EventStore> = Arc::new(log.connect().await);
    misses_nothing::<F>(&store, &store).await;
}

/// A wait does not miss an append of another handle that lands between the read and the wait.
pub async fn an_append_elsewhere_before_the_wait_is_not_missed<F: Fixture>(log: F) {
    let handles = handles(&log, 2).await;
    misses_nothing::<F>(&handles[0], &handles[1]).await;
}

/// A wait past a position above the head is no error, and ends once the log has an event past it.
pub async fn a_position_above_the_head_is_waited_for<F: Fixture>(log: F) {
    let store: Arc<dyn EventStore> = Arc::new(log.connect().await);
    let first = append_one(&store, event("A", &[])).await.position;
    let ahead = first.saturating_add(5);
    let waiter = wait(&store, Some(ahead));
    let far: Vec<_> = LARGE.map(|n| wait(&store, Some(at(n)))).into();
    tokio::time::sleep(SETTLED).await;
    // Each event has a position of its own.
    for _ in 0..6 {
        append(&store, vec![event("A", &[])]).await;
    }
    assert!(
        head_of(&store).await > Some(ahead),
        "each event has a position of its own: six after the first one"
    );
    woken::<F>("a waiter wakes for an event past its position", waiter).await;
    for waiter in far {
        waiter.abort();
        match waiter.await {
            Ok(()) => {}
            Err(stopped) if stopped.is_cancelled() => {}
            Err(failed) => rethrown(failed),
        }
    }
}

/// A wait on a log without appends does not return again and again.
pub async fn a_quiet_log_is_waited_for<F: Fixture>(log: F) {
    let store = log.connect().await;
    append(&store, vec![event("A", &[]), event("B", &[])]).await;
    let until = Instant::now() + Duration::from_millis(400);
    let mut early = 0;
    while Instant::now() < until {
        let seen = observed(&store, &query(&["A"], &[])).await;
        let nap = until.saturating_duration_since(Instant::now());
        early += u32::from(tokio::time::timeout(nap, store.wait_past(seen)).await.is_ok());
        assert!(early < 100, "a wait on a quiet log lasts, and this was woken 100 times");
    }
}

async fn wakes_for<F: Fixture>(log: &F, writer: usize) {
    let handles = handles(log, 2).await;
    let mut after = append_one(&handles[0], event("A", &[])).await.position;
    for _ in 0..5 {
        let waiter = wait(&handles[0], Some(after));
        tokio::time::sleep(SETTLED).await;
        after = append_one(&handles[writer], event("A", &[])).await.position;
        let whose = if writer == 0 { "its own" } else { "another" };
        woken::<F>(&format!("a waiter wakes for an append of {whose} handle"), waiter).await;
    }
}

/// Many readers look for the next event while it is appended, each from another moment on, so that in
/// some round the append is between the look of a wait and its subscription, if there is a moment
/// between the two.
async fn misses_nothing<F: Fixture>(store: &Arc<dyn EventStore>, writer: &Arc<dyn EventStore>) {
    let mut random = Random::new::<F>();
    let (mut cursor, mut took) = (None, Vec::new());
    let (began, mut waited, mut found) = (Instant::now(), 0, 0);
    for round in 0..MOST_ROUNDS {
        if round >= LEAST_ROUNDS && began.elapsed() > LONG_ENOUGH {
            break;
        }
        let span = median_of_last(&took).mul_f64(PAST_THE_APPEND);
        let start = Arc::new(OnceLock::new());
        let readers = (0..READERS).map(|n| Reader {
            store: store.clone(),
            cursor,
            start: start.clone(),
            delay: (n % 4 > 0)
                .then(|| span.mul_f64((f64::from(n) + random.fraction()) / f64::from(READERS))),
            reads_first: n % 2 == 0,
        });
        let (written, time, ends) = beside_an_append::<F>(writer, start.clone(), readers).await;
        assert!(
            ends.iter().all(|(seen, _)| *seen >= Some(written)),
            "what a read shows is not past what it observed: {ends:?}, and {written} was shown"
        );
        let waits = ends.iter().filter(|(_, waits)| *waits > 0).count();
        (waited, found) = (waited + waits, found + ends.len() - waits);
        cursor = ends.into_iter().map(|(seen, _)| seen).max().flatten();
        took.push(time);
    }
    assert!(waited > 0 && found > 0, "{waited} reads were before an append, {found} after it");
}

/// One that looks for the next event from a moment on.
struct Reader {
    store: Arc<dyn EventStore>,
    cursor: Option<SequencePosition>,
    start: Arc<OnceLock<Instant>>,
    /// How long after the start of the append; if none, it does not wait for the start.
    delay: Option<Duration>,
    /// Whether it reads once before the moment, and waits from then on.
    reads_first: bool,
}

impl Reader {
    /// The position up to which it has read when it finds an event, and how often it has waited.
    async fn find<F: Fixture>(self) -> (Option<SequencePosition>, u32) {
        for waits in 0..1000 {
            if waits == 0 && !self.reads_first {
                self.moment().await;
            }
            let options = ReadOptions::all().after(self.cursor);
            let events = begin(&self.store, &Query::all(), options).await;
            let seen = events.observed();
            if !rest(events).await.is_empty() {
                return (seen, waits);
            }
            if waits == 0 && self.reads_first {
                self.moment().await;
            }
            soon::<F, _>(
                "a wait does not miss an append between the read and the wait",
                wait_past(&self.store, seen),
            )
            .await;
        }
        panic!("a wait lasts until there is an event, and this was woken 1000 times for none");
    }

    /// Spins, for a timer is too coarse for an append that takes less than a millisecond.
    async fn moment(&self) {
        let Some(delay) = self.delay else { return };
        while self.start.get().is_none_or(|start| start.elapsed() < delay) {
            std::thread::yield_now();
            tokio::task::yield_now().await;
        }
    }
}

/// Appends an event while these readers look for it; returns its position, how long it took, and what
/// each reader found.
async fn beside_an_append<F: Fixture>(
    writer: &Arc<dyn EventStore>,
    start: Arc<OnceLock<Instant>>,
    readers: impl Iterator<Item = Reader>,
) -> (SequencePosition, Duration, Vec<(Option<SequencePosition>, u32)>) {
    let writer = writer.clone();
    let writing = async move {
        start.set(Instant::now()).unwrap();
        timed_append(&writer).await
    };
    let reading = readers.map(|reader| reader.find::<F>().map(Either::Right).boxed());
    let tasks = reading.chain([writing.map(Either::Left).boxed()]);
    let (mut appended, mut found) = (Vec::new(), Vec::new());
    for end in at_once(tasks).await {
        match end {
            Either::Left(end) => appended.push(end),
            Either::Right(end) => found.push(end),
        }
    }
    (appended[0].0, appended[0].1, found)
}

async fn timed_append(store: &dyn EventStore) -> (SequencePosition, Duration) {
    let start = Instant::now();
    let written = append_one(store, event("A", &[])).await.position;
    (written, start.elapsed())
}

/// The median of the last few; zero if there are none.
fn median_of_last(durations: &[Duration]) -> Duration {
    let mut last = durations[durations.len().saturating_sub(9)..].to_vec();
    last.sort_unstable();
    last.get(last.len() / 2).copied().unwrap_or_default()
}

fn wait(store: &Arc<dyn EventStore>, after: Option<SequencePosition>) -> JoinHandle<()> {
    let store = store.clone();
    tokio::spawn(async move { wait_past(&store, after).await })
}

/// Waits for a waiter, which must wake by this rule.
async fn woken<F: Fixture>(rule: &str, waiter: JoinHandle<()>) {
    soon::<F, _>(rule, waiter).await.unwrap_or_else(rethrown);
}
