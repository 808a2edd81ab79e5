//! A store whose connection is lost on request, and the case that loses it.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;

use super::{follower::Subscriber, seen::Seen};
use crate::{
    append::{AppendCondition, NewEvent},
    append_error::AppendError,
    conformance::{
        fixture::Fixture,
        parallel::soon,
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
};

/// How many records come before the connection is lost within a read.
const BEFORE: usize = 5;

/// The same store; while `failures` is above zero, a read is cut off, or a wait fails, and the number goes down.
struct Interrupted<S> {
    store: S,
    failures: AtomicU32,
}

pub(super) async fn is_overcome<F: Fixture, S: Subscriber>(log: F) {
    let store = Interrupted { store: log.connect().await, failures: AtomicU32::new(0) };
    append(&store, (0..40).map(|_| event("A", &[])).collect()).await;
    let mut seen = Seen::default();
    let mut follower = S::follow(&store, Query::all(), None, 3);
    for round in 0..6 {
        let before = store.failures.fetch_add(2, Ordering::SeqCst) + 2;
        let last = append(&store, (0..8).map(|_| event("A", &[])).collect()).await;
        let last = last.last().map(|record| record.position);
        let mut errors = 0;
        while seen.live == 0 || seen.through() < last {
            match soon::<F, _>("a batch of a subscription", follower.next()).await {
                Ok(batch) => seen.take(batch),
                Err(error) => {
                    assert!(error.is_retryable(), "a lost connection is told as {error:?}");
                    errors += 1;
                }
            }
        }
        let lost = before - store.failures.load(Ordering::SeqCst);
        assert_eq!(errors, lost, "errors of lost connections in round {round}");
        assert!(lost > 0, "no connection was lost");
    }
    store.failures.store(0, Ordering::SeqCst);
    seen.assert_is(&matching(&store, &Query::all()).await);
}

impl<S> Interrupted<S> {
    fn fails(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
    }
}

fn lost() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "the connection was lost")
}

#[async_trait]
impl<S: EventStore> EventStore for Interrupted<S> {
    fn log_id(&self) -> &str {
        self.store.log_id()
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        let events = self.store.read(query, options).await?;
        if !self.fails() {
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

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        self.store.head().await
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        if self.fails() { Err(lost()) } else { self.store.wait_past(after).await }
    }
}
