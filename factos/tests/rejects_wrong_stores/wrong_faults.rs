//! Stores that say or leave behind the wrong thing when their engine fails.

use std::{
    collections::HashSet,
    marker::PhantomData,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, Bytes, EventStore, Events, NewEvent, Page, Query, ReadOptions,
    Recorded, SequencePosition, StoreError, StoreErrorKind, StreamName, Turns,
    backend::read_and_append,
    conformance::{FAULTY, Fault},
};
use futures_util::stream;

use crate::{
    log_in_memory::lock,
    right_stores::Right,
    shared_fixture::AnyLog,
    store_by_rules,
    suite_run::{Expected, accepts, rejects, tells},
};

/// What a store makes of a fault; by default, what is right.
trait Reaction: Send + Sync + 'static {
    /// The page that a read ends with after half of its records.
    fn end_of_a_read() -> Option<Result<Page, StoreError>> {
        Some(Err(failed(StoreErrorKind::Other)))
    }

    /// How many events of a batch are written before one that cannot be.
    const LEFT: usize = 0;

    /// Whether a read that has begun ends, as if it were complete, once reads fail.
    const ENDS_BEGUN_READS: bool = false;

    /// What is told of a batch that cannot be written.
    const OF_A_BATCH: StoreErrorKind = StoreErrorKind::Other;

    /// Whether the appends beside a batch that cannot be written fail with it.
    const TAKES_OTHERS: bool = false;

    /// How many events are written of a batch whose answer is lost.
    const WRITTEN_UNKNOWN: usize = usize::MAX;

    /// What is told of an append whose answer is lost.
    fn of_a_lost_answer(records: Page) -> Result<Page, StoreErrorKind> {
        let _ = records;
        Err(StoreErrorKind::OutcomeUnknown)
    }

    /// What is told of an append that meets a lock.
    const OF_A_LOCK: StoreErrorKind = StoreErrorKind::Busy;

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
        let observed = events.observed();
        if !self.meets(Fault::Read) {
            return Ok(if R::ENDS_BEGUN_READS { self.ending(events) } else { events });
        }
        let mut page = events.collect().await?;
        page.truncate(page.len() / 2);
        let pages = [Some(Ok(page)), R::end_of_a_read()].into_iter().flatten();
        Ok(Events::of_pages(observed, stream::iter(pages)))
    }

    /// The read, which ends once reads fail.
    fn ending<'a>(&self, events: Events<'a>) -> Events<'a> {
        let (observed, faults) = (events.observed(), self.faults.clone());
        let pages = stream::unfold((events, faults), |(mut events, faults)| async move {
            if lock(&faults).contains(&Fault::Read) {
                return None;
            }
            let record = events.next().await?;
            Some((record.map(|record| vec![record]), (events, faults)))
        });
        Events::of_pages(observed, pages)
    }
}

#[deny(clippy::missing_trait_methods)]
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
            return Err(failed(R::OF_A_LOCK).into());
        }
        if is_faulty && self.meets(Fault::Batch) {
            events.truncate(R::LEFT);
            if !events.is_empty() {
                self.store.append(events, condition).await?;
            }
            return Err(failed(R::OF_A_BATCH).into());
        }
        if R::TAKES_OTHERS && self.meets(Fault::Batch) {
            return Err(failed(R::OF_A_BATCH).into());
        }
        let is_lost = is_faulty && self.meets(Fault::Answer);
        if is_lost {
            events.truncate(R::WRITTEN_UNKNOWN);
        }
        let records = self.store.append(events, condition).await?;
        if is_lost {
            return R::of_a_lost_answer(records).map_err(|kind| failed(kind).into());
        }
        Ok(records)
    }

    async fn append_unless(
        &self,
        events: Vec<NewEvent>,
        exists: Query,
        guard: Query,
        after: Option<SequencePosition>,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        read_and_append(self, events, exists, guard, after).await
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
    fn of_a_lost_answer(_: Page) -> Result<Page, StoreErrorKind> {
        Err(StoreErrorKind::Other)
    }
}

/// An append whose answer is lost is said to be accepted.
struct SaysAccepted;

impl Reaction for SaysAccepted {
    fn of_a_lost_answer(records: Page) -> Result<Page, StoreErrorKind> {
        Ok(records)
    }
}

/// An append whose answer is lost is said to have written nothing, and may be tried again.
struct SaysBusy;

impl Reaction for SaysBusy {
    fn of_a_lost_answer(_: Page) -> Result<Page, StoreErrorKind> {
        Err(StoreErrorKind::Busy)
    }
}

/// An append whose answer is lost is written in part.
struct LosesAPart;

impl Reaction for LosesAPart {
    const WRITTEN_UNKNOWN: usize = 2;
}

/// A read that has begun ends as if it were complete, once reads fail.
struct EndsBegunReads;

impl Reaction for EndsBegunReads {
    const ENDS_BEGUN_READS: bool = true;
}

/// Of a batch that cannot be written it is said that it may have been.
struct SaysUnknown;

impl Reaction for SaysUnknown {
    const OF_A_BATCH: StoreErrorKind = StoreErrorKind::OutcomeUnknown;
}

/// The appends beside a batch that cannot be written fail with it.
struct TakesOthers;

impl Reaction for TakesOthers {
    const TAKES_OTHERS: bool = true;
}

/// An append that meets a lock is told as any failure.
struct LocksAreFailures;

impl Reaction for LocksAreFailures {
    const OF_A_LOCK: StoreErrorKind = StoreErrorKind::Other;
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
            rejects(log::<$store>, stringify!($store), &Expected { fails: &[$case], may_fail: &[] });
        })*

        pub(crate) const COVERED: &[&str] = &[$($case),*];
    };
}

macro_rules! told_reactions {
    ($($name:ident: $store:ident, $case:literal says $rule:literal;)*) => {
        $(#[test]
        fn $name() {
            tells(log::<$store>, $case, $rule);
        })*
    };
}

told_reactions! {
    a_short_end_is_told: ShortEnd, "faults::a_read_that_fails_says_so"
        says "a read that fails says so, and this ended with Ok(4500) records";
    a_begun_read_that_ends_is_told: EndsBegunReads, "faults::a_read_that_fails_says_so"
        says "a read that ends cleanly has shown all: 1 records where 9000 are right";
    a_part_is_told: LeavesAPart, "faults::a_failure_within_a_batch_leaves_nothing"
        says "leaves nothing behind, an event of the batch cannot be written: 2 records where 1";
    a_failure_is_known: SaysUnknown, "faults::a_failure_within_a_batch_leaves_nothing"
        says "it is known that nothing was";
    others_are_left_alone: TakesOthers, "faults::a_failure_within_a_batch_leaves_nothing"
        says "the appends beside two that fail are accepted";
    a_lost_answer_is_no_failure: SaysFailed, "faults::a_lost_answer_is_told_as_unknown"
        says "an append whose answer is lost is told as unknown";
    a_lost_answer_is_not_busy: SaysBusy, "faults::a_lost_answer_is_told_as_unknown"
        says "an append whose answer is lost is told as unknown";
    a_lost_answer_is_no_success: SaysAccepted, "faults::a_lost_answer_is_told_as_unknown"
        says "an append that meets a fault is told so, and this was accepted";
    a_lost_answer_leaves_no_part: LosesAPart, "faults::a_lost_answer_is_told_as_unknown"
        says "is in the log once, and whole";
    what_was_busy_is_not_written: WritesWhenBusy, "faults::a_busy_store_leaves_nothing_behind"
        says "leaves nothing behind, appends that were told that the store is busy: 9 records where 1";
    a_lock_is_told: LocksAreFailures, "faults::a_busy_store_leaves_nothing_behind"
        says "appends that meet a lock are told so";
}

wrong_reactions! {
    short_end: ShortEnd fails "faults::a_read_that_fails_says_so";
    leaves_a_part: LeavesAPart fails "faults::a_failure_within_a_batch_leaves_nothing";
    says_failed: SaysFailed fails "faults::a_lost_answer_is_told_as_unknown";
    writes_when_busy: WritesWhenBusy fails "faults::a_busy_store_leaves_nothing_behind";
}
