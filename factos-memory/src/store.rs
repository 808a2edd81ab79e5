use std::{convert::Infallible, sync::Arc};

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, EventId, EventStore, Events, Limits, NewEvent, Page, Query,
    ReadOptions, SequencePosition, StoreError, StreamName,
    backend::{Batch, Head, PagedRead, Selection, refusal},
};
use parking_lot::Mutex;

use crate::log::Log;

/// The most records that are collected while the lock is held.
const PAGE: usize = 256;

/// An event store whose log is in memory. A clone is another handle on the same log.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    id: String,
    log: Mutex<Log>,
    head: Head,
}

impl Default for Shared {
    fn default() -> Self {
        let id = EventId::new().to_string();
        Self { id, log: Mutex::default(), head: Head::default() }
    }
}

impl MemoryStore {
    /// The limits of this store: memory is the only one.
    pub const LIMITS: Limits = Limits {
        payload_bytes: usize::MAX,
        tags_per_event: usize::MAX,
        events_per_batch: usize::MAX,
        batch_bytes: usize::MAX,
        items_per_query: usize::MAX,
    };

    /// A store with an empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn append_batch(&self, batch: Batch) -> Result<Page, AppendError> {
        let mut log = self.shared.log.lock();
        let Ok(refusal) = refusal(&mut *log, &batch);
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        let records = log.append(batch.into_events());
        let head = log.head();
        drop(log);
        self.shared.head.publish(SequencePosition::new(head));
        Ok(records)
    }

    fn select(&self, selection: Selection, options: ReadOptions) -> Events<'_> {
        let log = self.shared.log.lock();
        let head = log.head();
        let mut read = PagedRead::new(selection, options, head);
        let first = next_page(&log, &mut read);
        drop(log);
        read.into_events(SequencePosition::new(head), first, move |mut read| async move {
            let page = next_page(&self.shared.log.lock(), &mut read);
            (Ok(page), read)
        })
    }
}

fn next_page(log: &Log, read: &mut PagedRead) -> Page {
    let select = |selection: &_, cursor: &_, most| Ok(log.page(selection, cursor, most));
    let Ok(page) = read.next_page::<Infallible>(PAGE, select);
    page
}

#[async_trait]
impl EventStore for MemoryStore {
    fn log_id(&self) -> &str {
        &self.shared.id
    }

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
    ) -> Result<Page, AppendError> {
        self.append_batch(Batch::new(events, condition, &Self::LIMITS)?)
    }

    async fn append_unless(
        &self,
        events: Vec<NewEvent>,
        exists: Query,
        guard: Query,
        after: Option<SequencePosition>,
    ) -> Result<Page, AppendError> {
        self.append_batch(Batch::unless(events, exists, guard, after, &Self::LIMITS)?)
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        Ok(SequencePosition::new(self.shared.log.lock().head()))
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        Ok(self.shared.head.wait_past(after).await?)
    }
}
