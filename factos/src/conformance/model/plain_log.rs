use std::slice::from_ref;

use bytes::Bytes;
use proptest::{
    prop_assert, prop_assert_eq,
    test_runner::{TestCaseError, TestCaseResult},
};

use super::operation::{Bounds, Draft, Expected, Guard, Items, Place, Selection};
use crate::{
    append::{AppendCondition, NewEvent},
    append_error::{AppendError, Conflict},
    conformance::{
        difference::difference,
        pages::expected,
        sample_values::{event, expecting, item, stream, unless},
    },
    event_id::EventId,
    events::Page,
    position::SequencePosition,
    query::Query,
    read_options::ReadOptions,
    recorded::Recorded,
    revision::Revision,
    store::EventStore,
    stream_name::StreamName,
};

/// What the log of the store must hold, as a plain list of records.
#[derive(Default)]
pub(super) struct PlainLog {
    records: Vec<Recorded<Bytes>>,
    /// How many events were drafted. Each has an id of its own, unless it takes the id of another.
    drafts: u64,
    tally: Tally,
}

/// What came of lists of operations.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    lists: u32,
    accepted: u32,
    refused: u32,
    /// Reads that showed an event.
    shown: u32,
}

/// Why an append must be refused.
enum Refusal {
    Empty,
    Duplicate(Vec<EventId>),
    Matches(Vec<SequencePosition>),
    Revision(Revision),
}

impl PlainLog {
    pub(super) async fn append(
        &mut self,
        store: &dyn EventStore,
        batch: &[Draft],
        guard: &Guard,
    ) -> TestCaseResult {
        let events: Vec<_> = batch.iter().map(|draft| self.event(draft)).collect();
        let condition = self.condition(guard);
        let outcome = store.append(events.clone(), condition.clone()).await;
        match (self.refusal(&events, &condition), outcome) {
            (None, Ok(records)) => self.accept(events, records),
            (Some(refusal), Err(error)) if refusal.is(&error, &condition) => {
                self.tally.refused += 1;
                Ok(())
            }
            (None, Err(error)) => Err(failed(error)),
            (Some(refusal), outcome) => {
                let why = refusal.name();
                Err(TestCaseError::fail(format!("must be refused, {why}, and came to {outcome:?}")))
            }
        }
    }

    pub(super) async fn read(
        &mut self,
        store: &dyn EventStore,
        selection: &Selection,
        bounds: &Bounds,
    ) -> TestCaseResult {
        let mut options =
            ReadOptions::all().after(self.at(bounds.after)).before(self.at(bounds.before));
        (options.limit, options.backwards) = (bounds.limit, bounds.backwards);
        let (events, wanted) = match selection {
            Selection::Query(items) => {
                let query = query(items);
                let wanted = expected(&self.records, &query, options);
                (store.read(&query, options).await, wanted)
            }
            Selection::Stream(name) => {
                let name = stream(name);
                let own: Page = self.of_stream(&name).cloned().collect();
                let wanted = expected(&own, &Query::all(), options);
                (store.read_stream(&name, options).await, wanted)
            }
        };
        let events = events.map_err(failed)?;
        let observed = events.observed();
        let rule =
            "a read observes a position that is not above the head, and one if there is a head";
        let (is, last) = (observed, self.last());
        prop_assert!(
            is <= last && is.is_some() == last.is_some(),
            "{}: {:?} of {:?}",
            rule,
            is,
            last
        );
        let page = events.collect().await.map_err(failed)?;
        let past = page.iter().map(|r| r.position).find(|position| Some(*position) > observed);
        prop_assert!(past.is_none(), "a read shows nothing past {:?}, and {:?}", observed, past);
        self.tally.shown += u32::from(!page.is_empty());
        same(&format!("a read shows what matches, within {options:?}"), &page, &wanted)
    }

    /// What came of the operations, as one list.
    pub(super) const fn tally(&self) -> Tally {
        Tally { lists: 1, ..self.tally }
    }

    pub(super) async fn head(&self, store: &dyn EventStore) -> TestCaseResult {
        let rule = "the head is the last position of the log";
        prop_assert_eq!(store.head().await.map_err(failed)?, self.last(), "{}", rule);
        Ok(())
    }

    /// Compares the whole log, and the head.
    pub(super) async fn whole(&self, store: &dyn EventStore) -> TestCaseResult {
        let events = store.read(&Query::all(), ReadOptions::all()).await.map_err(failed)?;
        let found = events.collect().await.map_err(failed)?;
        same("the whole log has what was accepted", &found, &self.records)?;
        self.head(store).await
    }

    /// Checks the records that the store returned of a batch, and adds them.
    fn accept(&mut self, events: Vec<NewEvent>, records: Page) -> TestCaseResult {
        self.tally.accepted += 1;
        let rule = "an append returns a record for each event of its batch";
        prop_assert_eq!(records.len(), events.len(), "{}", rule);
        for (event, record) in events.into_iter().zip(records) {
            let (new, last) = (Some(record.position), self.last());
            prop_assert!(new > last, "positions strictly increase: {:?} after {:?}", new, last);
            let revision = event.stream.as_ref().map(|stream| self.revision(stream).next());
            let wanted = Recorded {
                id: event.id,
                position: record.position,
                stream: event.stream,
                revision,
                event_type: event.event_type,
                version: event.version,
                tags: event.tags,
                metadata: event.metadata,
                recorded_at: record.recorded_at,
                event: event.payload,
            };
            same("a record says what was appended", from_ref(&record), &[wanted])?;
            self.records.push(record);
        }
        Ok(())
    }

    fn refusal(&self, events: &[NewEvent], condition: &AppendCondition) -> Option<Refusal> {
        if events.is_empty() {
            return Some(Refusal::Empty);
        }
        let taken = |n: usize| {
            let id = events[n].id;
            events[..n].iter().any(|e| e.id == id) || self.records.iter().any(|r| r.id == id)
        };
        let twice: Vec<_> = (0..events.len()).filter(|n| taken(*n)).map(|n| events[n].id).collect();
        if !twice.is_empty() {
            return Some(Refusal::Duplicate(twice));
        }
        match condition {
            AppendCondition::None => None,
            AppendCondition::FailIfEventsMatch { query, after } => {
                let options = ReadOptions::all().after(*after);
                let matches = expected(&self.records, query, options);
                let matches: Vec<_> = matches.iter().map(|record| record.position).collect();
                (!matches.is_empty()).then_some(Refusal::Matches(matches))
            }
            AppendCondition::ExpectedRevision { stream, revision } => {
                let actual = self.revision(stream);
                (actual != *revision).then_some(Refusal::Revision(actual))
            }
        }
    }

    fn event(&mut self, draft: &Draft) -> NewEvent {
        let number = self.drafts.saturating_sub(draft.id_of.unwrap_or(0));
        self.drafts += 1;
        let mut event = event(draft.event_type, &draft.tags);
        event.id = EventId::from_bytes((u128::from(number) + 1).to_be_bytes());
        event.stream = draft.stream.map(stream);
        event.payload = draft.payload.clone().into();
        event
    }

    fn condition(&self, guard: &Guard) -> AppendCondition {
        match guard {
            Guard::None => AppendCondition::None,
            Guard::Unless { items, after } => unless(&query(items)).after(self.at(*after)),
            Guard::Expecting { stream: name, revision } => {
                let revision = match revision {
                    Expected::Actual => self.revision(&stream(name)),
                    Expected::NoEvents => Revision::NoEvents,
                    Expected::Number(number) => Revision::Current(*number),
                };
                expecting(name, revision)
            }
        }
    }

    fn at(&self, place: Place) -> Option<SequencePosition> {
        match place {
            Place::Nowhere => None,
            Place::FromTheEnd(n) => self.records.iter().rev().nth(n).map(|r| r.position),
            Place::PastTheHead(n) => {
                Some(self.last().unwrap_or(SequencePosition::FIRST).saturating_add(n))
            }
        }
    }

    fn last(&self) -> Option<SequencePosition> {
        self.records.last().map(|record| record.position)
    }

    fn revision(&self, stream: &StreamName) -> Revision {
        (self.of_stream(stream).count() as u64).checked_sub(1).into()
    }

    fn of_stream(&self, stream: &StreamName) -> impl Iterator<Item = &Recorded<Bytes>> {
        self.records.iter().filter(move |record| record.stream.as_ref() == Some(stream))
    }
}

impl Tally {
    pub(super) const fn add(&mut self, other: Self) {
        self.lists += other.lists;
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.shown += other.shown;
    }

    /// Asserts that some lists have run and, if they were more than a few, that their operations came to
    /// different ends.
    pub(super) fn assert_varied(self) {
        let is_varied = self.accepted > 0 && self.refused > 0 && self.shown > 0;
        assert!(
            is_varied || (1..10).contains(&self.lists),
            "lists of operations come to different ends, and these to {self:?}"
        );
    }
}

impl Refusal {
    /// Whether the error is the right one for this refusal of this condition.
    fn is(&self, error: &AppendError, condition: &AppendCondition) -> bool {
        match (self, error) {
            (Self::Empty, AppendError::EmptyBatch) => true,
            (Self::Duplicate(ids), AppendError::DuplicateEventId(id)) => ids.contains(id),
            (Self::Matches(all), AppendError::Conflict(conflict)) => match conflict {
                Conflict::EventsMatch { query, after, position } => {
                    all.contains(position) && *condition == unless(query).after(*after)
                }
                Conflict::Revision { .. } => false,
            },
            (Self::Revision(is), AppendError::Conflict(conflict)) => match conflict {
                Conflict::Revision { stream, expected, actual } => {
                    actual == is && *condition == expecting(stream.as_str(), *expected)
                }
                Conflict::EventsMatch { .. } => false,
            },
            _ => false,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Empty => "the batch is empty".into(),
            Self::Duplicate(ids) => format!("the ids {ids:?} are taken"),
            Self::Matches(positions) => format!("the events at {positions:?} match"),
            Self::Revision(actual) => format!("the stream has {actual}"),
        }
    }
}

fn same(rule: &str, found: &[Recorded<Bytes>], right: &[Recorded<Bytes>]) -> TestCaseResult {
    let told = difference(found, right).map(|told| TestCaseError::fail(format!("{rule}: {told}")));
    told.map_or(Ok(()), Err)
}

fn failed(error: impl std::fmt::Debug) -> TestCaseError {
    TestCaseError::fail(format!("an error: {error:?}"))
}

fn query(items: &Items) -> Query {
    let Some(items) = items else { return Query::all() };
    let mut items = items.iter().map(|(types, tags)| item(types, tags));
    let first = items.next().map_or_else(Query::all, Query::item);
    items.fold(first, Query::or)
}
