//! Stores that say or leave behind the wrong thing when their engine fails.

use std::{
    collections::HashSet,
    marker::PhantomData,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, Bytes, EventStore, Events, NewEvent, Page, Query, ReadOptions,
    Recorded, SequencePosition, StoreError, StoreErrorKind, StreamName,
    conformance::{FAULTY, Fault},
};
use futures_util::stream;

use crate::{
    log_in_memory::lock,
    right_stores::Right,
    shared_fixture::AnyLog,
    store_by_rules,
    suite_run::{Expected, accepts, rejects},
};

/// What a store makes of a fault; by default, what is right.
trait Reaction: Send + Sync + 'static {
    /// The page that a read ends with after half of its records.
    fn end_of_a_read() -> Option<Result<Page, StoreError>> {
        Some(Err(failed(StoreErrorKind::Other)))
    }

    /// How many events of a batch are written before one that cannot be.
    const LEFT: usize = 0;

    /// What is told of an append whose answer is lost.
    const OF_A_LOST_ANSWER: StoreErrorKind = StoreErrorKind::OutcomeUnknown;

    /// Whether an append that meets a lock is written, though it is told that the store is busy.
    const WRITES_WHEN_BUSY: bool = false;
}

fn failed(kind: StoreErrorKind) -> StoreError {
    StoreError::new(kind, "the engine failed")
}

struct Log<R> {
    log: Box<dyn AnyLog>,
    faults: Arc<Mutex<HashSet<Fault>>>,
    reaction: PhantomData<R>,
}

struct Faulty<R> {
    store: Box<dyn EventStore>,
    faults: Arc<Mutex<HashSet<Fault>>>,
    reaction: PhantomData<R>,
}

fn log<R: Reaction>() -> Box<dyn AnyLog> {
    let log = store_by_rules::log::<Right>();
    Box::new(Log::<R> { log, faults: Arc::default(), reaction: PhantomData })
}

impl<R: Reaction> AnyLog for Log<R> {
    fn open(&self) -> Box<dyn EventStore> {
        let (store, faults) = (self.log.open(), self.faults.clone());
        Box::new(Faulty::<R> { store, faults, reaction: PhantomData })
    }

    fn set_fault(&self, fault: Fault, is_there: bool) -> bool {
        let mut faults = lock(&self.faults);
        if is_there { faults.insert(fault) } else { faults.remove(&fault) }
    }

    fn flushes(&self) -> u64 {
        self.log.flushes()
    }
}

impl<R: Reaction> Faulty<R> {
    fn meets(&self, fault: Fault) -> bool {
        lock(&self.faults).contains(&fault)
    }

    /// The read, which fails half done.
    async fn broken<'a>(&self, events: Events<'a>) -> Result<Events<'a>, StoreError> {
        if !self.meets(Fault::Read) {
            return Ok(events);
        }
        let observed = events.observed();
        let mut page = events.collect().await?;
        page.truncate(page.len() / 2);
        let pages = [Some(Ok(page)), R::end_of_a_read()].into_iter().flatten();
        Ok(Events::of_pages(observed, stream::iter(pages)))
    }
}

#[async_trait]
impl<R: Reaction> EventStore for Faulty<R> {
    fn log_id(&self) -> &str {
        self.store.log_id()
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        self.broken(self.store.read(query, options).await?).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        self.broken(self.store.read_stream(stream, options).await?).await
    }

    async fn append(
        &self,
        mut events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        let is_faulty = events.iter().any(|event| event.version == FAULTY);
        if self.meets(Fault::Lock) {
            if R::WRITES_WHEN_BUSY {
                self.store.append(events, condition).await?;
            }
            return Err(failed(StoreErrorKind::Busy).into());
        }
        if is_faulty && self.meets(Fault::Batch) {
            events.truncate(R::LEFT);
            if !events.is_empty() {
                self.store.append(events, condition).await?;
            }
            return Err(failed(StoreErrorKind::Other).into());
        }
        let records = self.store.append(events, condition).await?;
        if is_faulty && self.meets(Fault::Answer) {
            return Err(failed(R::OF_A_LOST_ANSWER).into());
        }
        Ok(records)
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        self.store.head().await
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        self.store.wait_past(after).await
    }
}

struct AsIsRight;

impl Reaction for AsIsRight {}

/// A read that fails ends as if it were complete.
struct ShortEnd;

impl Reaction for ShortEnd {
    fn end_of_a_read() -> Option<Result<Page, StoreError>> {
        None
    }
}

/// A batch that cannot be written as a whole is written in part.
struct LeavesAPart;

impl Reaction for LeavesAPart {
    const LEFT: usize = 1;
}

/// An append whose answer is lost is said to have failed.
struct SaysFailed;

impl Reaction for SaysFailed {
    const OF_A_LOST_ANSWER: StoreErrorKind = StoreErrorKind::Other;
}

/// An append that meets a lock is written all the same.
struct WritesWhenBusy;

impl Reaction for WritesWhenBusy {
    const WRITES_WHEN_BUSY: bool = true;
}

#[test]
fn right_reactions_pass() {
    accepts(log::<AsIsRight>);
}

macro_rules! wrong_reactions {
    ($($name:ident: $store:ident fails $case:literal;)*) => {
        $(#[test]
        fn $name() {
            rejects(log::<$store>, &Expected { fails: &[$case], may_fail: &[] });
        })*

        pub(crate) const COVERED: &[&str] = &[$($case),*];
    };
}

wrong_reactions! {
    short_end: ShortEnd fails "faults::a_read_that_fails_says_so";
    leaves_a_part: LeavesAPart fails "faults::a_failure_within_a_batch_leaves_nothing";
    says_failed: SaysFailed fails "faults::a_lost_answer_is_told_as_unknown";
    writes_when_busy: WritesWhenBusy fails "faults::a_busy_store_leaves_nothing_behind";
}
