use std::sync::Arc;

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, Bytes, EventStore, Events, Limits, NewEvent, Query, ReadCursor,
    ReadOptions, Recorded, SequencePosition, StoreError, StoreErrorKind, StreamName,
};
use futures_util::stream;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{log::Log, select::Selection};

/// The most records that one lock hold collects.
const PAGE: usize = 256;

/// An event log in memory. A clone is another handle on the same log.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    log: Mutex<Log>,
    head: watch::Sender<u64>,
}

impl MemoryStore {
    /// What one append may hold: memory is the only limit.
    pub const LIMITS: Limits = Limits {
        payload_bytes: usize::MAX,
        tags_per_event: usize::MAX,
        events_per_batch: usize::MAX,
        batch_bytes: usize::MAX,
        items_per_query: usize::MAX,
    };

    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn select(&self, selection: Selection, options: ReadOptions) -> Events<'_> {
        let log = self.shared.log.lock();
        let head = log.head();
        let mut rest = ReadCursor::new(options, head);
        let first = log.page(&selection, &mut rest, PAGE);
        drop(log);
        let observed = SequencePosition::new(head);
        if rest.is_done() {
            return Events::of_page(observed, first);
        }
        let pages = stream::unfold((selection, rest), move |(selection, mut rest)| async move {
            if rest.is_done() {
                return None;
            }
            let page = self.shared.log.lock().page(&selection, &mut rest, PAGE);
            Some((Ok(page), (selection, rest)))
        });
        Events::of_first_page(observed, first, pages)
    }
}

#[async_trait]
impl EventStore for MemoryStore {
    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        Ok(self.select(Selection::Query(query.clone()), options))
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        Ok(self.select(Selection::Stream(stream.clone()), options))
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        Self::LIMITS.check(&events, &condition)?;
        let mut log = self.shared.log.lock();
        log.check(&events, &condition)?;
        let records = log.append(events);
        // Published under the lock: the watched head never steps back.
        self.shared.head.send_replace(log.head());
        Ok(records)
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        Ok(SequencePosition::new(self.shared.log.lock().head()))
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        let after = after.map_or(0, SequencePosition::get);
        let mut head = self.shared.head.subscribe();
        let gone = |error| StoreError::new(StoreErrorKind::Other, error);
        head.wait_for(|head| *head > after).await.map(drop).map_err(gone)
    }
}
