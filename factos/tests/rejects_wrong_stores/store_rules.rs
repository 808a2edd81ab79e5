//! The rules that a store under test follows at each step. Every default is right; a wrong store has
//! another rule instead of one of them.

use std::{
    collections::{BTreeSet, HashSet},
    marker::PhantomData,
    time::{Duration, SystemTime},
};

use factos::{
    AppendCondition, AppendError, Bytes, Conflict, EventId, Limits, NewEvent, Page, Query,
    ReadOptions, Recorded, Revision, SequencePosition, StreamName,
};

/// How a batch gets into the log.
#[derive(PartialEq)]
pub(crate) enum Commit {
    /// Checked and written under one lock.
    Atomic,
    /// As `Atomic`, after a while, as if a disk had to be waited for.
    Slow,
    /// Checked against batches that are not visible yet, and refused before they are.
    RefusedEarly,
    /// Checked, then written under another lock.
    CheckedBefore,
    /// As `CheckedBefore` if an item of the condition has no tag, else as `Atomic`.
    LockedByTags,
    /// As `CheckedBefore`, but checked again if the batch itself matches the condition.
    CheckedAgainstWrites,
    /// Written event by event, each visible at once.
    EventByEvent,
    /// As `EventByEvent`, and each event of a short batch takes a while.
    EventByEventSlowly,
    /// Checked and written event by event under one lock; events before a refused one stay.
    Torn,
    /// Positions are given out first; the batch becomes visible later.
    Late,
}

/// How a read is shown.
#[derive(PartialEq)]
pub(crate) enum Show {
    /// One snapshot, in one page.
    Snapshot,
    /// One snapshot, in pages of one record, with empty pages between them.
    OneByOne,
    /// One snapshot, in short pages that let others go first.
    Slowly,
    /// The log as it is when each page is asked for.
    Live,
    /// The records of one snapshot, and the observed position of a later one.
    ObservedLater,
    /// One snapshot; appends wait until it is dropped.
    Locking,
    /// As `Snapshot`, refused for positions that a signed number cannot hold.
    Signed,
}

/// When a waiter wakes.
#[derive(PartialEq)]
pub(crate) enum Wake {
    Right,
    /// A waiter subscribes only after it has looked at the head.
    ListensLate,
    /// A waiter waits for the next append, even if the log has an event past the position.
    NextOnly,
    /// Only appends of the handle itself wake a waiter.
    OwnOnly,
    /// Only appends of other handles wake a waiter.
    OthersOnly,
    /// One waiter wakes for each append.
    OneOnly,
    /// The first append of a log wakes no waiter.
    NotForTheFirst,
    /// A wait ends at once, with or without an event.
    AtOnce,
    /// A waiter wakes for every append, and after a while also without one.
    Early,
    /// A wait past a position above the head is an error.
    RefusesAhead,
}

/// When the log is flushed.
#[derive(PartialEq)]
pub(crate) enum Flush {
    /// Before each append returns.
    Always,
    Never,
    /// Before an append returns, unless a flush of another one is under way.
    UnlessUnderWay,
}

/// What happens when a handle is dropped.
#[derive(PartialEq)]
pub(crate) enum OnDrop {
    Nothing,
    /// The last event is lost with the last handle.
    LosesTheLast,
    /// Every event is lost with the last handle.
    LosesAll,
    /// A panic, unless the thread is within a runtime.
    NeedsARuntime,
}

/// What a handle tells as the identity of its log.
#[derive(PartialEq)]
pub(crate) enum Identity {
    /// The one of the log.
    Log,
    /// Each handle has one of its own.
    Handle,
    /// All logs have the same.
    Same,
}

pub(crate) trait Rules: Send + Sync + 'static {
    const COMMIT: Commit = Commit::Atomic;
    const SHOW: Show = Show::Snapshot;
    const WAKE: Wake = Wake::Right;
    const ON_DROP: OnDrop = OnDrop::Nothing;
    const FLUSH: Flush = Flush::Always;
    const IDENTITY: Identity = Identity::Log;
    const LIMITS: Limits = Limits::FLOOR;
    /// Whether the first event of a batch beyond a limit is written, though the batch is refused.
    const WRITES_A_PART: bool = false;
    /// Whether an append on another runtime than the first waits for ever.
    const NEEDS_ITS_RUNTIME: bool = false;
    /// Whether a handle shows what others wrote after it was opened, before it writes itself.
    const SEES_OTHERS: bool = true;

    fn admit(events: &[NewEvent], condition: &AppendCondition) -> Result<(), AppendError> {
        Self::LIMITS.check(events, condition)
    }

    /// Checks the ids of the batch, and then its condition. `since` is the length of the log when the
    /// handle was opened.
    fn check(
        log: &[Recorded<Bytes>],
        since: usize,
        events: &[NewEvent],
        condition: &AppendCondition,
    ) -> Result<(), AppendError> {
        Self::check_ids(log, since, events)?;
        Self::check_condition(log, since, events, condition)
    }

    fn check_ids(
        log: &[Recorded<Bytes>],
        _since: usize,
        events: &[NewEvent],
    ) -> Result<(), AppendError> {
        match repeated_id(events).or_else(|| Self::taken_id(log, events)) {
            Some(id) => Err(duplicate(id)),
            None => Ok(()),
        }
    }

    fn taken_id(log: &[Recorded<Bytes>], events: &[NewEvent]) -> Option<EventId> {
        // Of the ids of the batch only, for the log may be long.
        let sent: BTreeSet<_> = events.iter().map(|event| event.id).collect();
        let ids = log.iter().map(|record| record.id);
        let taken: BTreeSet<_> = ids.filter(|id| sent.contains(id)).collect();
        events.iter().map(|event| event.id).find(|id| taken.contains(id))
    }

    fn check_condition(
        log: &[Recorded<Bytes>],
        since: usize,
        _events: &[NewEvent],
        condition: &AppendCondition,
    ) -> Result<(), AppendError> {
        match condition {
            AppendCondition::None => Ok(()),
            AppendCondition::FailIfEventsMatch { query, after } => {
                Self::check_query(log, since, query, *after)
            }
            AppendCondition::ExpectedRevision { stream, revision } => {
                let actual = Self::revision(log, since, stream);
                Self::check_revision(stream, *revision, actual)
            }
        }
    }

    fn check_query(
        log: &[Recorded<Bytes>],
        _since: usize,
        query: &Query,
        after: Option<SequencePosition>,
    ) -> Result<(), AppendError> {
        let refuses = |record: &&Recorded<Bytes>| {
            Self::counts(record.position, after) && Self::guards(query, record)
        };
        match log.iter().find(refuses) {
            Some(record) => Err(Self::refusal(query, after, record.position)),
            None => Ok(()),
        }
    }

    fn refusal(
        query: &Query,
        after: Option<SequencePosition>,
        position: SequencePosition,
    ) -> AppendError {
        refusal(query.clone(), after, position)
    }

    fn check_revision(
        stream: &StreamName,
        expected: Revision,
        actual: Revision,
    ) -> Result<(), AppendError> {
        if expected == actual { Ok(()) } else { Err(wrong_revision(stream, expected, actual)) }
    }

    fn counts(position: SequencePosition, after: Option<SequencePosition>) -> bool {
        Some(position) > after
    }

    fn guards(query: &Query, record: &Recorded<Bytes>) -> bool {
        query.matches(&record.event_type, &record.tags)
    }

    fn revision(log: &[Recorded<Bytes>], _since: usize, stream: &StreamName) -> Revision {
        let last = log.iter().rev().find(|r| r.stream.as_ref() == Some(stream));
        last.and_then(|record| record.revision).into()
    }

    fn next_position(log: &[Recorded<Bytes>], _since: usize) -> u64 {
        log.last().map_or(1, |record| record.position.get() + 1)
    }

    fn now() -> SystemTime {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let micros = u64::try_from(since.as_micros()).unwrap_or_default();
        SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
    }

    /// What the log keeps of a record.
    fn kept(record: Recorded<Bytes>) -> Recorded<Bytes> {
        record
    }

    /// What an append returns for the records that the log keeps.
    fn returned(records: Page) -> Page {
        records
    }

    /// Puts a batch into the log.
    fn place(log: &mut Vec<Recorded<Bytes>>, batch: Page) {
        log.extend(batch);
    }

    fn is_after(position: SequencePosition, after: SequencePosition) -> bool {
        position > after
    }

    fn is_before(position: SequencePosition, before: SequencePosition) -> bool {
        position < before
    }

    fn matches(query: &Query, record: &Recorded<Bytes>) -> bool {
        query.matches(&record.event_type, &record.tags)
    }

    fn is_of(stream: &StreamName, record: &Recorded<Bytes>) -> bool {
        record.stream.as_ref() == Some(stream)
    }

    fn select(
        log: &[Recorded<Bytes>],
        wanted: &dyn Fn(&Recorded<Bytes>) -> bool,
        options: ReadOptions,
    ) -> Page {
        Self::arrange(Self::within(log, options).filter(|r| wanted(r)).cloned().collect(), options)
    }

    fn within(
        log: &[Recorded<Bytes>],
        options: ReadOptions,
    ) -> impl Iterator<Item = &Recorded<Bytes>> {
        log.iter().filter(move |record| {
            options.after.is_none_or(|after| Self::is_after(record.position, after))
                && options.before.is_none_or(|before| Self::is_before(record.position, before))
        })
    }

    /// Applies the order and the limit.
    fn arrange(page: Page, options: ReadOptions) -> Page {
        arrange(page, options)
    }

    fn observed(log: &[Recorded<Bytes>], _page: &Page) -> Option<SequencePosition> {
        log.last().map(|record| record.position)
    }

    fn head(log: &[Recorded<Bytes>]) -> Option<SequencePosition> {
        log.last().map(|record| record.position)
    }
}

/// The rules of a type as values, so that the store is compiled once and not for each type.
pub(crate) struct RuleSet {
    pub(crate) commit: Commit,
    pub(crate) show: Show,
    pub(crate) wake: Wake,
    pub(crate) on_drop: OnDrop,
    pub(crate) flush: Flush,
    pub(crate) identity: Identity,
    pub(crate) limits: Limits,
    pub(crate) writes_a_part: bool,
    pub(crate) needs_its_runtime: bool,
    pub(crate) sees_others: bool,
    pub(crate) admit: fn(&[NewEvent], &AppendCondition) -> Result<(), AppendError>,
    pub(crate) check: Check,
    pub(crate) check_condition: Check,
    pub(crate) revision: fn(&[Recorded<Bytes>], usize, &StreamName) -> Revision,
    pub(crate) next_position: fn(&[Recorded<Bytes>], usize) -> u64,
    pub(crate) now: fn() -> SystemTime,
    pub(crate) kept: fn(Recorded<Bytes>) -> Recorded<Bytes>,
    pub(crate) returned: fn(Page) -> Page,
    pub(crate) place: fn(&mut Vec<Recorded<Bytes>>, Page),
    pub(crate) matches: fn(&Query, &Recorded<Bytes>) -> bool,
    pub(crate) is_of: fn(&StreamName, &Recorded<Bytes>) -> bool,
    pub(crate) select: Select,
    pub(crate) observed: fn(&[Recorded<Bytes>], &Page) -> Option<SequencePosition>,
    pub(crate) head: fn(&[Recorded<Bytes>]) -> Option<SequencePosition>,
}

type Check =
    fn(&[Recorded<Bytes>], usize, &[NewEvent], &AppendCondition) -> Result<(), AppendError>;
type Select = fn(&[Recorded<Bytes>], &dyn Fn(&Recorded<Bytes>) -> bool, ReadOptions) -> Page;

/// Has the rules of this type.
pub(crate) struct Of<R>(PhantomData<R>);

impl<R: Rules> Of<R> {
    pub(crate) const RULES: &'static RuleSet = &RuleSet {
        commit: R::COMMIT,
        show: R::SHOW,
        wake: R::WAKE,
        on_drop: R::ON_DROP,
        flush: R::FLUSH,
        identity: R::IDENTITY,
        limits: R::LIMITS,
        writes_a_part: R::WRITES_A_PART,
        needs_its_runtime: R::NEEDS_ITS_RUNTIME,
        sees_others: R::SEES_OTHERS,
        admit: R::admit,
        check: R::check,
        check_condition: R::check_condition,
        revision: R::revision,
        next_position: R::next_position,
        now: R::now,
        kept: R::kept,
        returned: R::returned,
        place: R::place,
        matches: R::matches,
        is_of: R::is_of,
        select: R::select,
        observed: R::observed,
        head: R::head,
    };
}

pub(crate) fn arrange(mut page: Page, options: ReadOptions) -> Page {
    if options.backwards {
        page.reverse();
    }
    page.truncate(limit(options));
    page
}

pub(crate) fn limit(options: ReadOptions) -> usize {
    usize::try_from(options.limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX)
}

fn repeated_id(events: &[NewEvent]) -> Option<EventId> {
    let mut seen = HashSet::new();
    events.iter().map(|event| event.id).find(|id| !seen.insert(*id))
}

pub(crate) fn duplicate(id: EventId) -> AppendError {
    AppendError::DuplicateEventId(id)
}

pub(crate) fn refusal(
    query: Query,
    after: Option<SequencePosition>,
    position: SequencePosition,
) -> AppendError {
    Conflict::EventsMatch { query, after, position }.into()
}

pub(crate) fn wrong_revision(
    stream: &StreamName,
    expected: Revision,
    actual: Revision,
) -> AppendError {
    let stream = stream.clone();
    Conflict::Revision { stream, expected, actual }.into()
}
