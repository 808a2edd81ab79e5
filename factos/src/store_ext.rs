use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    checkpoint::{self, Anchor, CheckpointError},
    dispatch::{Infrastructure, InvalidArgument},
    event::Event,
    event_page::{EventPage, WantedPage},
    into_query::IntoQuery,
    page_cursor::PageCursor,
    position::SequencePosition,
    query::Query,
    read_options::ReadOptions,
    recorded::Recorded,
    store::EventStore,
    store_error::StoreError,
    stream_name::StreamName,
    subscription::Subscription,
    typed_events::TypedEvents,
};

/// Methods on every store for callers: typed reads, pages, subscriptions, and reads into memory.
#[async_trait]
pub trait EventStoreExt: EventStore {
    /// All events that match `query`, in memory.
    ///
    /// # Errors
    /// As [`EventStore::read`].
    async fn read_all(&self, query: &Query) -> Result<Vec<Recorded<Bytes>>, StoreError> {
        self.read(query, ReadOptions::all()).await?.collect().await
    }

    /// The events that match `query`, as a stream of events of the type `E`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use factos::{Event, EventStoreExt, ReadOptions, Unknown};
    ///
    /// #[derive(Debug, Event)]
    /// enum Ticketing {
    ///     Sold { #[tag] show: u32 },
    /// }
    ///
    /// let store = factos_memory::MemoryStore::new();
    /// let last_ten = ReadOptions::all().backwards().limit(10);
    /// let sales = store.events::<Ticketing>(Ticketing::query().show(7), last_ten).await?;
    /// let mut sales = sales.unknown(Unknown::Skip);
    /// while let Some(sale) = sales.next().await {
    ///     println!("{:?}", sale?.event);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Infrastructure`]: the query is not valid, or the store fails.
    ///
    /// # Cancellation
    /// Safe.
    async fn events<E: Event>(
        &self,
        query: impl IntoQuery + Send,
        options: ReadOptions,
    ) -> Result<TypedEvents<'_, E>, Infrastructure> {
        let query = query.into_query()?;
        Ok(TypedEvents::new(self.read(&query, options).await?))
    }

    /// One page of the history of what `query` selects, of at most `size` records, with the cursors of the pages
    /// beside it. A size of 0 counts as 1.
    ///
    /// Each page is a read of its own, of what is in the log by then. No event is on two pages and none is left out,
    /// as long as one cursor is followed in one direction.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use factos::{AppendCondition, EventStore, EventType, NewEvent, Query};
    /// # let store = factos_memory::MemoryStore::new();
    /// # let events = (0..5).map(|_| NewEvent::new(EventType::from_static("Sold"), "{}")).collect();
    /// # store.append(events, AppendCondition::None).await?;
    /// use factos::{EventStoreExt, PageCursor};
    ///
    /// let page = store.page(Query::all(), PageCursor::newest_first(), 2).await?;
    /// assert_eq!(page.records[0].position.get(), 5);
    /// let link = page.next.ok_or("there are more")?.to_string();
    /// let page = store.page(Query::all(), link.parse()?, 2).await?;
    /// assert_eq!(page.records[0].position.get(), 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Infrastructure`]: the query is not valid, the cursor is of another log, or the store fails.
    ///
    /// # Cancellation
    /// Safe.
    async fn page(
        &self,
        query: impl IntoQuery + Send,
        cursor: PageCursor,
        size: usize,
    ) -> Result<EventPage, Infrastructure> {
        let query = query.into_query()?;
        if !cursor.is_of(self.log_id()) {
            return Err(InvalidArgument::CursorOfAnotherLog.into());
        }
        let wanted = WantedPage::new(cursor, size);
        let records = self.read(&query, wanted.options()).await?.collect().await?;
        Ok(wanted.page(records, self.log_id()))
    }

    /// Follows what `query` selects, from after `from` on: first the events that are in the log, and then each new
    /// one, in [batches](crate::Batch) that say how far they are complete.
    ///
    /// `from` is a [`through`](crate::Batch::through) of a subscription with the same query, as a checkpoint keeps it;
    /// `None` is the start of the log. A query that is not valid is told by the first batch.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use factos::{AppendCondition, Event, EventStore, EventStoreExt, Unknown, encode};
    ///
    /// #[derive(Debug, PartialEq, Event)]
    /// enum Ticketing {
    ///     Sold { #[tag] show: u32 },
    /// }
    ///
    /// let store = factos_memory::MemoryStore::new();
    /// store.append(vec![encode(&Ticketing::Sold { show: 7 })?], AppendCondition::None).await?;
    ///
    /// let (mut sold, mut checkpoint) = (0, None);
    /// let mut sales = store
    ///     .subscribe(Ticketing::query().show(7), checkpoint)
    ///     .events::<Ticketing>(Unknown::Fail);
    /// let batch = sales.next().await?;
    /// sold += batch.records.len();
    /// checkpoint = batch.through;
    /// assert!(batch.is_live, "everything that was there has been given out");
    ///
    /// // A sale of another show matches nothing, and yet the subscription has looked past it.
    /// store.append(vec![encode(&Ticketing::Sold { show: 8 })?], AppendCondition::None).await?;
    /// let batch = sales.next().await?;
    /// assert!(batch.records.is_empty() && batch.through > checkpoint);
    /// # assert_eq!(sold, 1);
    /// # Ok(())
    /// # }
    /// ```
    fn subscribe(
        &self,
        query: impl IntoQuery,
        from: Option<SequencePosition>,
    ) -> Subscription<'_, Self> {
        Subscription::new(self, query, from)
    }

    /// What a checkpoint keeps to go on after this position; `None` if there is no event at or below it.
    ///
    /// `at` is a [`through`](crate::Batch::through) of a subscription, which has [`anchor`](crate::Batch::anchor) for
    /// it, at less cost.
    ///
    /// # Errors
    /// As [`EventStore::read`].
    async fn anchor(&self, at: SequencePosition) -> Result<Option<Anchor>, StoreError> {
        checkpoint::anchor(self, at).await
    }

    /// The position to go on from, of what a checkpoint has kept: `None`, the start of the log, if it has kept nothing.
    /// It reads one event, the last one up to there. So it does not notice that an event before that one is gone, as one
    /// may be after a restore or a failover with loss, where the store commits in another order than that of positions.
    ///
    /// # Errors
    /// [`CheckpointError::OtherLog`], [`CheckpointError::AboveHead`] or [`CheckpointError::Rewritten`] if the log is
    /// not the one that the checkpoint is of: to go on would miss events. What the consumer has made is then to be
    /// compared with the log, or made anew from the start under another name or version.
    async fn resume(
        &self,
        kept: Option<Anchor>,
    ) -> Result<Option<SequencePosition>, CheckpointError> {
        match kept {
            Some(kept) => checkpoint::resume(self, &kept).await.map(Some),
            None => Ok(None),
        }
    }

    /// All events of one stream, in memory.
    ///
    /// # Errors
    /// As [`EventStore::read_stream`].
    async fn read_stream_all(
        &self,
        stream: &StreamName,
    ) -> Result<Vec<Recorded<Bytes>>, StoreError> {
        self.read_stream(stream, ReadOptions::all()).await?.collect().await
    }

    /// The last event that matches `query`, or none.
    ///
    /// # Errors
    /// As [`EventStore::read`].
    async fn read_last(&self, query: &Query) -> Result<Option<Recorded<Bytes>>, StoreError> {
        let options = ReadOptions::all().backwards().limit(1);
        self.read(query, options).await?.next().await.transpose()
    }
}

impl<S: EventStore + ?Sized> EventStoreExt for S {}
