//! A store whose connection is lost on request, and the case that loses it.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;

use super::{
    follower::Subscriber,
    seen::{Seen, next},
};
use crate::{
    append::{AppendCondition, NewEvent},
    append_error::AppendError,
    conformance::{
        fixture::Fixture,
        sample_values::event,
        store_calls::{append, matching},
    },
    events::Events,
    position::SequencePosition,
    query::Query,
    read_options::ReadOptions,
    recorded::Recorded,
    store::EventStore,
    store_error::{StoreError, StoreErrorKind},
    stream_name::StreamName,
    turns::Turns,
};

/// How many records come before the connection is lost within a read.
const BEFORE: usize = 5;

/// The same store, of which so many of the next reads are cut off, and of the next waits fail.
struct Interrupted<S> {
    store: S,
    reads: AtomicU32,
    waits: AtomicU32,
}

pub(super) async fn is_overcome<F: Fixture, S: Subscriber>(log: F) {
    let (reads, waits) = (AtomicU32::new(0), AtomicU32::new(0));
    let store = Interrupted { store: log.connect().await, reads, waits };
    append(&store, (0..41).map(|_| event("A", &[])).collect()).await;
    let mut seen = Seen::default();
    let mut follower = S::follow(&store, Query::all(), None, 3);
    for round in 0..6 {
        store.reads.store(2, Ordering::SeqCst);
        store.waits.store(1, Ordering::SeqCst);
        let last = append(&store, (0..8).map(|_| event("A", &[])).collect()).await;
        let last = last.last().map(|record| record.position);
        let mut errors = 0;
        while seen.live == 0 || seen.through() < last {
            match next::<F, _>(&mut *follower).await {
                Ok(batch) => seen.take(batch),
                Err(error) => {
                    assert!(error.is_retryable(), "a lost connection is told as {error:?}");
                    errors += 1;
                }
            }
        }
        let lost = 3 - store.left();
        assert_eq!(errors, lost, "errors of lost connections in round {round}");
        assert!(lost > 0, "no connection was lost");
    }
    store.reads.store(0, Ordering::SeqCst);
    seen.assert_is(&matching(&store, &Query::all()).await);
}

impl<S> Interrupted<S> {
    /// How many failures are still to come.
    fn left(&self) -> u32 {
        self.reads.load(Ordering::SeqCst) + self.waits.load(Ordering::SeqCst)
    }
}

/// Whether one of so many failures was left.
fn fails(left: &AtomicU32) -> bool {
    let less = |left: u32| left.checked_sub(1);
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
}

fn lost() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "the connection was lost")
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<S: EventStore> EventStore for Interrupted<S> {
    fn log_id(&self) -> &str {
        self.store.log_id()
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        let events = self.store.read(query, options).await?;
        if !fails(&self.reads) {
            return Ok(events);
        }
        let observed = events.observed();
        let page = events.take(BEFORE).map(|record| record.map(|record| vec![record]));
        let cut = page.chain(futures_util::stream::once(async { Err(lost()) }));
        Ok(Events::of_pages(observed, cut))
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
        self.store.append(events, condition).await
    }

    async fn append_unless(
        &self,
        events: Vec<NewEvent>,
        exists: Query,
        guard: Query,
        after: Option<SequencePosition>,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        self.store.append_unless(events, exists, guard, after).await
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        self.store.head().await
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        if fails(&self.waits) { Err(lost()) } else { self.store.wait_past(after).await }
    }

    fn turns(&self) -> Option<&Turns> {
        self.store.turns()
    }
}
