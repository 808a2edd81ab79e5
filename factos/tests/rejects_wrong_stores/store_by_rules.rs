//! A small store that follows the rules it is given, right or wrong.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, LazyLock, Mutex, atomic::Ordering},
    time::Duration,
};

use factos::{
    AppendCondition, AppendError, Bytes, EventId, EventStore, Events, NewEvent, Page, Query,
    ReadOptions, Recorded, Revision, SequencePosition, StoreError, StoreErrorKind, StreamName,
    backend::record,
};
use futures_util::stream;
use tokio::{runtime::Handle, sync::watch, task::yield_now, time::timeout};

use crate::{
    log_in_memory::{LogInMemory, head, lock},
    shared_fixture::AnyLog,
    store_rules::{Commit, Flush, Identity, Of, OnDrop, RuleSet, Rules, Show, Wake, duplicate},
};

/// Opens stores on one log.
struct Log(Arc<LogInMemory>, &'static RuleSet);

/// A handle.
struct StoreByRules {
    shared: Arc<LogInMemory>,
    id: String,
    /// How long the log was when this handle was opened.
    since: usize,
    /// How long the log was when this handle last wrote.
    known: Mutex<usize>,
    /// The head after the last append of this handle.
    own: watch::Sender<u64>,
    runtime: Mutex<Option<tokio::runtime::Id>>,
    rules: &'static RuleSet,
}

/// A new log.
pub(crate) fn log<R: Rules>() -> Box<dyn AnyLog> {
    Box::new(Log(Arc::default(), Of::<R>::RULES))
}

/// The same log, each time.
pub(crate) fn one_for_all<R: Rules>() -> Box<dyn AnyLog> {
    static FOR_ALL: LazyLock<Arc<LogInMemory>> = LazyLock::new(Arc::default);
    Box::new(Log(FOR_ALL.clone(), Of::<R>::RULES))
}

impl AnyLog for Log {
    fn flushes(&self) -> u64 {
        self.0.flushes.load(Ordering::SeqCst)
    }

    fn open(&self) -> Box<dyn EventStore> {
        let since = self.0.records().len();
        Box::new(StoreByRules {
            shared: self.0.clone(),
            id: match self.1.identity {
                Identity::Log => self.0.id.clone(),
                Identity::Handle => EventId::new().to_string(),
                Identity::Same => "log".to_owned(),
            },
            since,
            known: Mutex::new(since),
            own: watch::Sender::new(0),
            runtime: Mutex::default(),
            rules: self.1,
        })
    }
}

impl StoreByRules {
    /// Calls a function with the part of the log that this handle sees.
    fn seen<T>(&self, call: impl FnOnce(&[Recorded<Bytes>]) -> T) -> T {
        let log = self.shared.records();
        let known = *lock(&self.known);
        call(if self.rules.sees_others { &log } else { &log[..known] })
    }

    async fn show<'a>(
        &'a self,
        wanted: impl Fn(&Recorded<Bytes>) -> bool + Send + 'a,
        options: ReadOptions,
    ) -> Result<Events<'a>, StoreError> {
        let guard = self.shared.gate.clone().read_owned().await;
        let (page, observed) = self.seen(|log| {
            let page = (self.rules.select)(log, &wanted, options);
            let observed = (self.rules.observed)(log, &page);
            (page, observed)
        });
        match self.rules.show {
            Show::Snapshot => Ok(Events::of_page(observed, page)),
            Show::OneByOne => {
                let pages = page.into_iter().flat_map(|record| [Ok(vec![]), Ok(vec![record])]);
                Ok(Events::of_pages(observed, stream::iter(pages)))
            }
            Show::Slowly => {
                let pages = stream::unfold(page.into_iter(), |mut rest| async move {
                    for _ in 0..5 {
                        yield_now().await;
                    }
                    let page: Page = rest.by_ref().take(50).collect();
                    (!page.is_empty()).then_some((Ok(page), rest))
                });
                Ok(Events::of_pages(observed, pages))
            }
            Show::Live => Ok(Events::of_pages(observed, self.live(wanted, options))),
            Show::ObservedLater => {
                yield_now().await;
                let observed = self.seen(|log| (self.rules.observed)(log, &page));
                Ok(Events::of_page(observed, page))
            }
            Show::Locking => {
                let pages = stream::unfold((page, guard), |(mut page, guard)| async move {
                    let next = (!page.is_empty()).then(|| page.remove(0))?;
                    Some((Ok(vec![next]), (page, guard)))
                });
                Ok(Events::of_pages(observed, pages))
            }
            Show::Signed => match [options.after, options.before].into_iter().flatten().max() {
                Some(position) if position.get() > i64::MAX as u64 => {
                    Err(StoreError::new(StoreErrorKind::Other, "the position does not fit"))
                }
                _ => Ok(Events::of_page(observed, page)),
            },
        }
    }

    fn live<'a>(
        &'a self,
        wanted: impl Fn(&Recorded<Bytes>) -> bool + Send + 'a,
        options: ReadOptions,
    ) -> impl futures_util::Stream<Item = Result<Page, StoreError>> + Send + 'a {
        stream::unfold((0, wanted), move |(shown, wanted)| async move {
            let mut page = self.seen(|log| (self.rules.select)(log, &wanted, options));
            let page: Page = page.drain(shown.min(page.len())..).take(100).collect();
            let shown = shown + page.len();
            (!page.is_empty()).then_some((Ok(page), (shown, wanted)))
        })
    }

    fn check(&self, events: &[NewEvent], condition: &AppendCondition) -> Result<(), AppendError> {
        (self.rules.check)(&self.shared.records(), self.since, events, condition)
    }

    /// Writes a batch into the locked log, from this position on.
    fn write(&self, log: &mut Vec<Recorded<Bytes>>, events: Vec<NewEvent>, position: u64) -> Page {
        let recorded_at = (self.rules.now)();
        let mut revisions: HashMap<StreamName, Revision> = HashMap::new();
        let batch: Page = events
            .into_iter()
            .zip(position..)
            .filter_map(|(event, position)| {
                let revision = event.stream.as_ref().map(|stream| {
                    let last = revisions
                        .entry(stream.clone())
                        .or_insert_with(|| (self.rules.revision)(log, self.since, stream));
                    let next = last.next();
                    *last = Revision::Current(next);
                    next
                });
                let position = SequencePosition::new(position)?;
                Some((self.rules.kept)(record(event, position, revision, recorded_at)))
            })
            .collect();
        (self.rules.place)(log, batch.clone());
        *lock(&self.known) = log.len();
        (self.rules.returned)(batch)
    }

    fn publish(&self, log: &[Recorded<Bytes>]) {
        self.own.send_replace(head(log));
        if self.rules.wake != Wake::NotForTheFirst || head(log) > 1 {
            self.shared.published.send_replace(head(log));
        }
        match self.rules.wake {
            Wake::OneOnly => self.shared.appended.notify_one(),
            _ => self.shared.appended.notify_waiters(),
        }
    }

    fn write_and_publish(&self, events: Vec<NewEvent>) -> Page {
        self.write_next(&mut self.shared.records(), events)
    }

    /// Writes a batch at the end of the locked log, and wakes the waiters.
    fn write_next(&self, log: &mut Vec<Recorded<Bytes>>, events: Vec<NewEvent>) -> Page {
        let position = (self.rules.next_position)(log, self.since);
        let records = self.write(log, events, position);
        self.publish(log);
        records
    }

    fn atomic(
        &self,
        events: Vec<NewEvent>,
        condition: &AppendCondition,
    ) -> Result<Page, AppendError> {
        let mut log = self.shared.records();
        (self.rules.check)(&log, self.since, &events, condition)?;
        Ok(self.write_next(&mut log, events))
    }

    async fn refused_early(
        &self,
        events: Vec<NewEvent>,
        condition: &AppendCondition,
    ) -> Result<Page, AppendError> {
        let records = {
            let mut accepted = lock(&self.shared.accepted);
            (self.rules.check)(&accepted, self.since, &events, condition)?;
            let position = (self.rules.next_position)(&accepted, self.since);
            self.write(&mut accepted, events, position)
        };
        yield_now().await;
        let accepted = lock(&self.shared.accepted).clone();
        let mut log = self.shared.records();
        if head(&log) < head(&accepted) {
            *log = accepted;
            self.publish(&log);
        }
        Ok(records)
    }

    fn torn(
        &self,
        events: Vec<NewEvent>,
        condition: &AppendCondition,
    ) -> Result<Page, AppendError> {
        let mut log = self.shared.records();
        (self.rules.check_condition)(&log, self.since, &events, condition)?;
        let mut taken: HashSet<_> = log.iter().map(|record| record.id).collect();
        let mut records = Vec::new();
        for event in events {
            self.rules.limits.check(std::slice::from_ref(&event), &AppendCondition::None)?;
            if !taken.insert(event.id) {
                return Err(duplicate(event.id));
            }
            records.extend(self.write_next(&mut log, vec![event]));
        }
        Ok(records)
    }

    async fn event_by_event(
        &self,
        events: Vec<NewEvent>,
        condition: &AppendCondition,
    ) -> Result<Page, AppendError> {
        self.check(&events, condition)?;
        let mut records = Vec::new();
        let is_slow = self.rules.commit == Commit::EventByEventSlowly && events.len() < 10;
        for event in events {
            if is_slow {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            records.extend(self.write_and_publish(vec![event]));
            yield_now().await;
        }
        Ok(records)
    }

    async fn late(
        &self,
        events: Vec<NewEvent>,
        condition: &AppendCondition,
    ) -> Result<Page, AppendError> {
        let position = {
            let mut reserved = lock(&self.shared.reserved);
            *reserved += events.len() as u64;
            *reserved + 1 - events.len() as u64
        };
        for _ in 0..position % 4 {
            yield_now().await;
        }
        let mut log = self.shared.records();
        (self.rules.check)(&log, self.since, &events, condition)?;
        let records = self.write(&mut log, events, position);
        log.sort_by_key(|record| record.position);
        self.publish(&log);
        Ok(records)
    }

    async fn flush(&self) {
        let begin = || self.shared.flushes.fetch_add(1, Ordering::SeqCst);
        match self.rules.flush {
            Flush::Always => drop(begin()),
            Flush::Never => {}
            Flush::UnlessUnderWay => {
                if !self.shared.is_flushing.swap(true, Ordering::SeqCst) {
                    begin();
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    self.shared.is_flushing.store(false, Ordering::SeqCst);
                }
            }
        }
    }

    /// Whether this is the runtime that the handle was first used on.
    fn is_at_home(&self) -> bool {
        let here = Handle::current().id();
        *lock(&self.runtime).get_or_insert(here) == here
    }
}

#[async_trait::async_trait]
impl EventStore for StoreByRules {
    fn log_id(&self) -> &str {
        &self.id
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        let query = query.clone();
        let matches = self.rules.matches;
        self.show(move |record| matches(&query, record), options).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        let stream = stream.clone();
        let is_of = self.rules.is_of;
        self.show(move |record| is_of(&stream, record), options).await
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        if self.rules.needs_its_runtime && !self.is_at_home() {
            std::future::pending::<()>().await;
        }
        let _gate = match self.rules.show {
            Show::Locking => Some(self.shared.gate.write().await),
            _ => None,
        };
        if self.rules.commit != Commit::Torn
            && let Err(refusal) = (self.rules.admit)(&events, &condition)
        {
            if self.rules.writes_a_part
                && let [first, ..] = &*events
            {
                self.atomic(vec![first.clone()], &AppendCondition::None)?;
            }
            return Err(refusal);
        }
        let outcome = match self.rules.commit {
            Commit::Atomic => self.atomic(events, &condition),
            Commit::Slow => {
                tokio::time::sleep(Duration::from_millis(1)).await;
                self.atomic(events, &condition)
            }
            Commit::RefusedEarly => self.refused_early(events, &condition).await,
            Commit::Torn => self.torn(events, &condition),
            Commit::EventByEvent | Commit::EventByEventSlowly => {
                self.event_by_event(events, &condition).await
            }
            Commit::Late => self.late(events, &condition).await,
            Commit::LockedByTags if is_tagged(&condition) => self.atomic(events, &condition),
            Commit::LockedByTags => {
                self.check(&events, &condition)?;
                tokio::time::sleep(Duration::from_millis(1)).await;
                Ok(self.write_and_publish(events))
            }
            Commit::CheckedBefore => {
                self.check(&events, &condition)?;
                yield_now().await;
                Ok(self.write_and_publish(events))
            }
            Commit::CheckedAgainstWrites => {
                self.check(&events, &condition)?;
                yield_now().await;
                let writes_it = writes_what_it_guards(&events, &condition);
                self.atomic(events, if writes_it { &condition } else { &AppendCondition::None })
            }
        };
        if outcome.is_ok() {
            self.flush().await;
        }
        outcome
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        Ok(self.seen(self.rules.head))
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        let after = after.map_or(0, SequencePosition::get);
        let there = self.shared.head() > after;
        let gone = |_| StoreError::new(StoreErrorKind::Other, "the log is gone");
        match self.rules.wake {
            Wake::AtOnce => Ok(()),
            Wake::RefusesAhead if after > self.shared.head() => {
                Err(StoreError::new(StoreErrorKind::Other, "the position is above the head"))
            }
            Wake::Right | Wake::RefusesAhead | Wake::NotForTheFirst => {
                let mut head = self.shared.published.subscribe();
                head.wait_for(|head| *head > after).await.map(drop).map_err(gone)
            }
            Wake::Early => {
                let mut head = self.shared.published.subscribe();
                let waited = head.wait_for(|head| *head > after);
                // A wait may end early.
                drop(timeout(Duration::from_millis(10), waited).await);
                Ok(())
            }
            Wake::OwnOnly if !there => {
                let mut head = self.own.subscribe();
                head.wait_for(|head| *head > after).await.map(drop).map_err(gone)
            }
            Wake::ListensLate if !there => {
                yield_now().await;
                self.shared.appended.notified().await;
                Ok(())
            }
            Wake::NextOnly => {
                self.shared.appended.notified().await;
                Ok(())
            }
            Wake::OneOnly => {
                while self.shared.head() <= after {
                    self.shared.appended.notified().await;
                }
                Ok(())
            }
            Wake::OthersOnly if !there => {
                let own_last = || *self.own.borrow() == self.shared.head();
                while self.shared.head() <= after || own_last() {
                    self.shared.appended.notified().await;
                }
                Ok(())
            }
            Wake::OwnOnly | Wake::OthersOnly | Wake::ListensLate => Ok(()),
        }
    }
}

fn is_tagged(condition: &AppendCondition) -> bool {
    match condition {
        AppendCondition::FailIfEventsMatch { query, .. } => {
            query.items().is_some_and(|items| items.iter().all(|item| !item.tags().is_empty()))
        }
        _ => true,
    }
}

fn writes_what_it_guards(events: &[NewEvent], condition: &AppendCondition) -> bool {
    match condition {
        AppendCondition::FailIfEventsMatch { query, .. } => {
            events.iter().any(|event| query.matches(&event.event_type, &event.tags))
        }
        _ => true,
    }
}

impl Drop for StoreByRules {
    fn drop(&mut self) {
        match self.rules.on_drop {
            OnDrop::Nothing => {}
            // Besides this handle, only the fixture, which stands for the disk, owns the log.
            OnDrop::LosesTheLast if Arc::strong_count(&self.shared) == 2 => {
                self.shared.records().pop();
            }
            OnDrop::LosesAll if Arc::strong_count(&self.shared) == 2 => {
                self.shared.records().clear();
            }
            OnDrop::LosesTheLast | OnDrop::LosesAll => {}
            OnDrop::NeedsARuntime => drop(Handle::current()),
        }
    }
}
