//! Subscriptions as an application uses them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, Bytes, ErrorKind, Event, EventStore, EventStoreExt, Events,
    NewEvent, Query, QueryFor, QueryItem, ReadOptions, Recorded, SequencePosition, StoreError,
    StreamName, SubscribeError, Subscription, Turns, TypedSubscription, Unknown, encode,
};
use factos_memory::MemoryStore;
use futures_util::{FutureExt, StreamExt};

/// A store whose reads are counted, and of which each page takes a while.
struct Slow {
    store: MemoryStore,
    page_takes: Duration,
    reads: AtomicU64,
}

impl Slow {
    fn new(page_takes: Duration) -> Self {
        Self { store: MemoryStore::new(), page_takes, reads: AtomicU64::new(0) }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl EventStore for Slow {
    fn log_id(&self) -> &str {
        self.store.log_id()
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let events = self.store.read(query, options).await?;
        let observed = events.observed();
        let pages = events.ready_chunks(1000).then(async |page| {
            tokio::time::sleep(self.page_takes).await;
            page.into_iter().collect()
        });
        Ok(Events::of_pages(observed, pages))
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
        self.store.wait_past(after).await
    }

    fn turns(&self) -> Option<&Turns> {
        self.store.turns()
    }
}

#[derive(Debug, Clone, PartialEq, Event)]
enum Ticketing {
    Sold {
        #[tag]
        show: u32,
    },
    Returned {
        #[tag]
        show: u32,
    },
}

#[derive(Debug, Clone, PartialEq, Event)]
struct Sold {
    #[tag]
    show: u32,
}

fn sold(show: u32) -> NewEvent {
    encode(&Ticketing::Sold { show }).unwrap()
}

fn returned(show: u32) -> NewEvent {
    encode(&Ticketing::Returned { show }).unwrap()
}

async fn append(store: &dyn EventStore, events: Vec<NewEvent>) -> Option<SequencePosition> {
    let page = store.append(events, AppendCondition::None).await.unwrap();
    page.last().map(|record| record.position)
}

#[tokio::test]
async fn a_typed_query_is_followed_and_decoded() {
    let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    append(&store, vec![sold(7), sold(8), returned(7)]).await;
    let mut show = store.subscribe(Ticketing::query().show(7), None).events(Unknown::Fail);
    let batch = show.next().await.unwrap();
    let events: Vec<Ticketing> = batch.records.into_iter().map(|record| record.event).collect();
    assert_eq!(events, [Ticketing::Sold { show: 7 }, Ticketing::Returned { show: 7 }]);
    assert_eq!((batch.through, batch.is_live), (SequencePosition::new(3), true));
    assert_eq!((show.through(), show.is_live()), (SequencePosition::new(3), true));
}

#[tokio::test]
async fn unknown_types_are_counted_and_passed() {
    let store = MemoryStore::new();
    append(&store, vec![sold(7), returned(7), returned(7)]).await;
    let mut sales = store.subscribe(Query::all(), None).page(2).events::<Sold>(Unknown::Skip);
    let batch = sales.next().await.unwrap();
    assert_eq!((batch.records.len(), batch.skipped, batch.is_live), (1, 1, false));
    let batch = sales.next().await.unwrap();
    assert_eq!((batch.records.len(), batch.skipped, batch.is_live), (0, 1, true));
    assert_eq!(batch.through, SequencePosition::new(3));
}

#[tokio::test]
async fn a_stream_ends_after_an_error_that_stays() {
    let store = MemoryStore::new();
    append(&store, vec![sold(7), returned(7)]).await;
    let sales = store.subscribe(Query::all(), None).events::<Sold>(Unknown::Fail);
    let outcomes: Vec<_> = sales.collect().await;
    let [Ok(batch), Err(error)] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert_eq!((batch.records.len(), batch.through), (1, Some(SequencePosition::FIRST)));
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Mismatch, false));
    assert!(matches!(error, SubscribeError::Decode(error) if error.position.get() == 2));
}

#[tokio::test]
async fn an_invalid_query_is_told_by_the_first_batch() {
    let store = MemoryStore::new();
    let invalid = QueryFor::from(Ticketing::query().show(7)).only([] as [TicketingKind; 0]);
    let mut nothing = store.subscribe(invalid, None);
    let error = nothing.next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Broken, "no value of a caller makes a query without types");
    assert!(nothing.collect::<Vec<_>>().await.len() == 1);
}

#[tokio::test]
async fn a_start_above_the_head_names_both() {
    let store = MemoryStore::new();
    append(&store, vec![sold(7)]).await;
    let error = store.subscribe(Query::all(), SequencePosition::new(9)).next().await.unwrap_err();
    assert_eq!(error.to_string(), "cannot go on from position 9: the log ends at 1");
    assert_eq!(error.kind(), ErrorKind::Broken);
}

/// Each event once and in order, though no call may last longer than 2 ms, and most are over before a read is: events
/// are appended until enough calls were cut short.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_cut_short_lose_and_repeat_nothing() {
    const CUT: u64 = 100;
    let store = Slow::new(Duration::from_millis(3));
    append(&store.store, (0..25_000).map(|_| sold(7)).collect()).await;
    let (writer, is_enough) = (store.store.clone(), Arc::new(AtomicBool::new(false)));
    let is_told = Arc::clone(&is_enough);
    let writing = tokio::spawn(async move {
        while !is_told.load(Ordering::Relaxed) {
            append(&writer, (0..500).map(|_| sold(7)).collect()).await;
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
    });
    let mut sales = store.subscribe(Query::all(), None).page(50).events::<Ticketing>(Unknown::Fail);
    let (mut positions, mut live, mut cut) = (Vec::new(), 0, 0_u64);
    let mut head = None;
    while head.is_none_or(|head| positions.last() != Some(&head)) {
        let wait = Duration::from_micros(cut % 5 * 500);
        match tokio::time::timeout(wait, sales.next()).await {
            Err(_) => cut += 1,
            Ok(batch) => {
                let batch = batch.unwrap();
                live += usize::from(batch.is_live);
                positions.extend(batch.records.iter().map(|record| record.position));
                assert_eq!(batch.through, positions.last().copied());
            }
        }
        is_enough.store(cut >= CUT, Ordering::Relaxed);
        if writing.is_finished() && head.is_none() {
            head = store.store.head().await.unwrap();
        }
    }
    writing.await.unwrap();
    let all = (1..=positions.len() as u64).map(|position| SequencePosition::new(position).unwrap());
    assert!(positions.iter().copied().eq(all), "lost, repeated or out of order");
    assert_eq!(live, 1);
}

#[tokio::test]
async fn a_quiet_query_beside_a_busy_log_costs_few_reads_and_batches() {
    let store = Slow::new(Duration::ZERO);
    let mut nothing =
        store.subscribe(Query::item(QueryItem::with_tag("show:8".parse().unwrap())), None);
    let started = Instant::now();
    let (mut batches, mut told) = (0_u64, None);
    let writer = store.store.clone();
    let writing = async move {
        let mut last = None;
        for _ in 0..500 {
            last = append(&writer, vec![sold(7)]).await;
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        last
    };
    let mut writing = std::pin::pin!(writing.fuse());
    let mut last = None;
    while last.is_none() || told < last {
        tokio::select! {
            written = &mut writing, if last.is_none() => last = written,
            batch = nothing.next() => {
                told = batch.unwrap().through;
                batches += 1;
            }
        }
    }
    let pauses = u64::try_from(started.elapsed().as_millis()).unwrap() / 20;
    let reads = store.reads.load(Ordering::SeqCst);
    assert!(reads <= pauses + 3, "{reads} reads in {pauses} pauses");
    assert!(batches <= reads, "{batches} batches of {reads} reads");
}

#[tokio::test]
async fn a_subscription_moves_between_tasks() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    let store = MemoryStore::new();
    let raw: Subscription<'_, MemoryStore> = assert_send(store.subscribe(Query::all(), None));
    let typed: TypedSubscription<'_, _, Ticketing> = assert_send(raw.events(Unknown::Fail));
    assert!(format!("{typed:?}").contains("page: 500"));
}
