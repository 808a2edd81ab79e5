use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::join};

use super::{
    follower::Subscriber,
    seen::{Seen, next},
};
use crate::{
    append::NewEvent,
    conformance::{
        fixture::Fixture,
        parallel::{at_once, handles, soon},
        progress::bound,
        sample_values::{event, query},
        store_calls::{append, matching},
    },
    position::SequencePosition,
    query::Query,
    store::EventStore,
    subscription::SubscribeError,
};

const WRITERS: usize = 4;
const APPENDS: usize = 20;

/// After so many calls in vain the next ones are given twice the time: a busy machine may need more for a batch.
const CALLS_OF_A_LENGTH: u32 = 50;

/// How often they are given twice the time.
const DOUBLINGS: u32 = 6;

/// A batch may take so many calls, and more within [`Fixture::SOON`].
const CALLS_IN_VAIN: u32 = (DOUBLINGS + 1) * CALLS_OF_A_LENGTH;

pub(super) async fn comes_once<F: Fixture, S: Subscriber>(log: F, query: Query) {
    let handles = handles(&log, 2).await;
    append(&handles[0], (0..40).flat_map(batch).collect()).await;
    for page in [1, 3, 1000] {
        let (mut seen, mut early) = (Seen::default(), Seen::default());
        let store = handles[1].clone();
        let mut follower = S::follow(&*store, query.clone(), None, page);
        // One is live before the others begin to write, and one catches up while they do.
        let mut live = S::follow(&*store, query.clone(), None, page);
        early.until::<F>(&mut *live, None).await;
        let are_done = AtomicBool::new(false);
        let following = async {
            while !are_done.load(Ordering::SeqCst) {
                seen.next::<F>(&mut *follower).await;
            }
        };
        let writing = async {
            write(&handles).await;
            are_done.store(true, Ordering::SeqCst);
            // So that the follower does not wait for a batch that never comes.
            append(&handles[0], batch(1)).await.last().map(|record| record.position)
        };
        let (written, ()) = join(writing, following).await;
        seen.until::<F>(&mut *follower, written).await;
        early.until::<F>(&mut *live, written).await;
        let right = matching(&store, &query).await;
        seen.assert_is(&right);
        early.assert_is(&right);
    }
}

pub(super) async fn page_is_the_most<F: Fixture, S: Subscriber>(log: F) {
    let store = log.connect().await;
    let right = append(&store, (0..1200).map(|_| event("A", &[])).collect()).await;
    let last = right.last().map(|record| record.position);
    for (page, batches) in [(1, 1200), (1000, 2)] {
        let (mut seen, mut follower) =
            (Seen::default(), S::follow(&store, Query::all(), None, page));
        seen.until::<F>(&mut *follower, last).await;
        seen.assert_is(&right);
        let mut before = 0;
        for (_, came) in &seen.told {
            assert!(came - before <= page, "{} records in a page of {page}", came - before);
            before = *came;
        }
        let told = seen.told.len();
        assert!(told <= batches + 1, "{told} batches of {page} for {} events", right.len());
    }
}

pub(super) async fn moves_where_nothing_matches<F: Fixture, S: Subscriber>(log: F) {
    const EACH: usize = 100;
    let store: Arc<dyn EventStore> = Arc::new(log.connect().await);
    let nothing = query(&["None"], &[]);
    append(&store, (0..1000).map(|_| event("A", &[])).collect()).await;
    let (mut seen, mut from) = (Seen::default(), None);
    for _ in 0..3 {
        let mut follower = S::follow(&*store, nothing.clone(), from, 10);
        let mut part = Seen::default();
        part.until::<F>(&mut *follower, store.head().await.unwrap()).await;
        let writer = store.clone();
        let writing = tokio::spawn(async move {
            let mut last = None;
            for _ in 0..EACH {
                last = append(&writer, vec![event("A", &[])]).await.last().map(|r| r.position);
            }
            last
        });
        let last = soon::<F, _>("appends beside a subscription", writing).await.unwrap();
        part.until::<F>(&mut *follower, last).await;
        assert!(part.empty <= EACH + 2, "{} batches without an event", part.empty);
        from = part.through();
        seen.told.append(&mut part.told);
    }
    let found = append(&store, vec![event("None", &[])]).await;
    for (through, _) in seen.told.iter().step_by(1 + seen.told.len() / 20) {
        let mut again = Seen::default();
        let mut follower = S::follow(&*store, nothing.clone(), *through, 10);
        again.until::<F>(&mut *follower, Some(found[0].position)).await;
        again.assert_is(&found);
    }
}

pub(super) async fn goes_on_from_every_position<F: Fixture, S: Subscriber>(log: F) {
    let store = log.connect().await;
    append(&store, (0..20).flat_map(batch).collect()).await;
    let query = query(&["A"], &[]);
    let (right, head) = (matching(&store, &query).await, store.head().await.unwrap());
    let mut seen = Seen::default();
    let mut follower = S::follow(&store, query.clone(), None, 3);
    seen.until::<F>(&mut *follower, head).await;
    seen.assert_is(&right);
    for (through, came) in &seen.told {
        let mut rest = Seen::default();
        let mut follower = S::follow(&store, query.clone(), *through, 3);
        rest.until::<F>(&mut *follower, head).await;
        rest.assert_is(&right[*came..]);
    }
}

pub(super) async fn is_live_once<F: Fixture, S: Subscriber>(log: F) {
    const PAGE: usize = 4;
    let handles = handles(&log, 2).await;
    let store = &handles[0];
    for added in [0, 1, PAGE - 1, 1] {
        append_some(store, added).await;
        let there = matching(store, &Query::all()).await;
        let mut seen = Seen::default();
        let mut follower = S::follow(&**store, Query::all(), None, PAGE);
        while seen.live == 0 {
            seen.next::<F>(&mut *follower).await;
        }
        assert_eq!(seen.records.len(), there.len(), "events that had come when it was live");
        if added > 0 {
            let more = append(store, (0..3).map(|_| event("A", &[])).collect()).await;
            seen.until::<F>(&mut *follower, more.last().map(|record| record.position)).await;
            seen.assert_is(&matching(store, &Query::all()).await);
        }
    }
    let mut seen = Seen::default();
    let mut follower = S::follow(&**store, Query::all(), None, PAGE);
    let there = matching(store, &Query::all()).await.len();
    let following = async {
        while seen.live == 0 {
            seen.next::<F>(&mut *follower).await;
        }
    };
    let (written, ()) = join(write(&handles), following).await;
    let at_live = seen.records.len();
    assert!(at_live >= there, "{at_live} events had come when it was live, of {there}");
    seen.until::<F>(&mut *follower, Some(written)).await;
    seen.assert_is(&matching(store, &Query::all()).await);
}

pub(super) async fn above_the_head<F: Fixture, S: Subscriber>(log: F) {
    let store = log.connect().await;
    for events in [0, 3] {
        append_some(&store, events).await;
        let head = store.head().await.unwrap();
        let above = head.map_or(SequencePosition::FIRST, |head| head.saturating_add(1));
        let mut follower = S::follow(&store, query(&["A"], &[]), Some(above), 10);
        for _ in 0..2 {
            match next::<F, _>(&mut *follower).await {
                Err(SubscribeError::AboveHead { from, head: told }) => {
                    assert_eq!((from, told), (above, head), "the position, and the head");
                }
                other => {
                    panic!("a start at {above}, where the head is {head:?}, came to {other:?}")
                }
            }
        }
        let (mut seen, mut follower) = (Seen::default(), S::follow(&store, Query::all(), head, 10));
        seen.next::<F>(&mut *follower).await;
        assert_eq!((seen.live, seen.through()), (1, head), "a start at the head");
    }
}

pub(super) async fn dropped_call<F: Fixture, S: Subscriber>(log: F) {
    let handles = handles(&log, 2).await;
    append(&handles[0], (0..600).map(|_| event("A", &[])).collect()).await;
    let store = handles[1].clone();
    let mut seen = Seen::default();
    let mut follower = S::follow(&*store, Query::all(), None, 7);
    let writing = tokio::spawn(write_all(handles));
    let (mut calls, mut in_vain) = (0_u64, InVain::none());
    let mut last = None;
    while last.is_none() || seen.live == 0 || seen.through() < last {
        let wait = Duration::from_micros(calls % 9 * 250) * in_vain.factor();
        calls += 1;
        in_vain.add_one::<F>(&seen);
        // A timer is too coarse to end a call within a short read.
        let batch = if calls.is_multiple_of(3) {
            follower.next().now_or_never()
        } else {
            tokio::time::timeout(wait, follower.next()).await.ok()
        };
        if let Some(batch) = batch {
            seen.take(batch.unwrap());
            in_vain = InVain::none();
        }
        if last.is_none() {
            // While the others write, a batch may take as long as they do.
            in_vain = InVain::none();
            if writing.is_finished() {
                last = store.head().await.unwrap();
            }
        }
    }
    writing.await.unwrap();
    seen.assert_is(&matching(&store, &Query::all()).await);
}

/// Calls without a batch, one after the other.
struct InVain {
    calls: u32,
    since: Instant,
}

impl InVain {
    fn none() -> Self {
        Self { calls: 0, since: Instant::now() }
    }

    /// How many times the usual time the next call is given.
    fn factor(&self) -> u32 {
        2_u32.pow(DOUBLINGS.min(self.calls / CALLS_OF_A_LENGTH))
    }

    fn add_one<F: Fixture>(&mut self, seen: &Seen) {
        self.calls += 1;
        assert!(
            self.calls < CALLS_IN_VAIN || self.since.elapsed() < bound(F::settings().soon),
            "{} calls without a batch, after {} events",
            self.calls,
            seen.records.len()
        );
    }
}

async fn append_some(store: &dyn EventStore, events: usize) {
    if events > 0 {
        append(store, (0..events).map(|_| event("A", &[])).collect()).await;
    }
}

async fn write_all(handles: Vec<Arc<dyn EventStore>>) -> SequencePosition {
    write(&handles).await
}

/// Several writers on several handles at once; the last position that was acknowledged.
async fn write(handles: &[Arc<dyn EventStore>]) -> SequencePosition {
    let writers = (0..WRITERS).map(|writer| {
        let store = handles[writer % handles.len()].clone();
        async move {
            let mut last = None;
            for _ in 0..APPENDS {
                last = append(&store, batch(writer)).await.last().map(|record| record.position);
                tokio::task::yield_now().await;
            }
            last
        }
    });
    at_once(writers).await.into_iter().flatten().max().unwrap()
}

fn batch(writer: usize) -> Vec<NewEvent> {
    let tag = format!("writer:{writer}");
    vec![event("A", &[&tag]), event("B", &[&tag]), event("C", &[])]
}
