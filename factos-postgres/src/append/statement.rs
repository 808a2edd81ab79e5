//! Many appends in one call of the server, each with its own verdict.

use std::{collections::HashSet, time::Duration};

use factos::{
    AppendCondition, AppendError, Bytes, Conflict, NewEvent, Query, Recorded, Revision,
    SequencePosition, StoreError, StoreErrorKind, StreamName,
};
use sqlx::{PgConnection, Row, postgres::PgRow};

use crate::{
    error::Error,
    lock_names::Names,
    read::reader::{milliseconds, number},
    sql::Statement,
    wire::array::{Id, Items, literal},
    wire::row,
};

/// A batch that is within the limits and whose ids differ, ready to be sent.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) events: Vec<NewEvent>,
    tags: Vec<String>,
    metadata: Vec<Option<String>>,
    pub(crate) condition: AppendCondition,
    /// None for the whole log.
    pub(crate) names: Option<Names>,
    pub(crate) bytes: usize,
}

/// Appended, or refused with nothing written.
pub(crate) type Verdict = Result<Vec<Recorded<Bytes>>, AppendError>;

impl Batch {
    /// What can be done in the caller's task is done here.
    pub(crate) fn new(
        events: Vec<NewEvent>,
        condition: AppendCondition,
        most_names: usize,
    ) -> Result<Self, AppendError> {
        if events.len() > 1 {
            let mut ids = HashSet::with_capacity(events.len());
            if let Some(twice) = events.iter().find(|event| !ids.insert(event.id)) {
                return Err(AppendError::DuplicateEventId(twice.id));
            }
        }
        let metadata = events.iter().map(|event| {
            let json = || serde_json::to_string(&event.metadata);
            (!event.metadata.is_empty()).then(json).transpose()
        });
        let metadata = metadata
            .collect::<Result<_, _>>()
            .map_err(|error| StoreError::new(StoreErrorKind::Other, error))?;
        let names = Names::of_append(&events, &condition).filter(|names| names.len() <= most_names);
        let tags = events.iter().map(|event| literal(event.tags.iter())).collect();
        let bytes = events.iter().map(NewEvent::byte_len).sum();
        Ok(Self { events, tags, metadata, condition, names, bytes })
    }

    fn query(&self) -> Option<(&Query, Option<SequencePosition>)> {
        match &self.condition {
            AppendCondition::FailIfEventsMatch { query, after } => Some((query, *after)),
            _ => None,
        }
    }

    /// The position that the condition looks beyond.
    pub(crate) fn after(&self) -> Option<SequencePosition> {
        self.query().and_then(|(_, after)| after)
    }

    /// The stream whose revision is expected.
    pub(crate) const fn expected_stream(&self) -> Option<&StreamName> {
        match &self.condition {
            AppendCondition::ExpectedRevision { stream, .. } => Some(stream),
            _ => None,
        }
    }

    pub(crate) fn streams(&self) -> impl Iterator<Item = &StreamName> {
        self.events.iter().filter_map(|event| event.stream.as_ref())
    }

    fn matches(&self, query: &Query) -> bool {
        self.events.iter().any(|event| query.matches(&event.event_type, &event.tags))
    }
}

/// What an append locks, and whether it waits for what others hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Locks<'a> {
    /// None for the whole log, which is always waited for.
    pub(crate) names: Option<&'a Names>,
    pub(crate) patient: bool,
    pub(crate) timeout: Duration,
}

/// Sends the batches as one statement, in a transaction of its own or in the one that is open.
pub(crate) async fn run(
    connection: &mut PgConnection,
    statement: &Statement,
    batches: &[&Batch],
    locks: Locks<'_>,
) -> Result<Answer, sqlx::Error> {
    let events = Events::of(batches);
    let conditions = Conditions::of(batches);
    let (names, exclusive) = locks.names.map(Names::columns).unzip();
    let row = sqlx::query(statement.text())
        .bind(place(batches.len()))
        .bind(&events.batch)
        .bind(&events.ids)
        .bind(unless_missing(&events.streams))
        .bind(&events.types)
        .bind(&events.versions)
        .bind(&events.tags)
        .bind(unless_missing(&events.metadata))
        .bind(&events.payloads)
        .bind(unless_empty(&conditions.item_of))
        .bind(unless_empty(&conditions.items.types))
        .bind(unless_empty(&conditions.items.tags))
        .bind(unless_empty(&conditions.item_after))
        .bind(unless_empty(&conditions.revision_of))
        .bind(unless_empty(&conditions.revision_stream))
        .bind(unless_empty(&conditions.revision_expected))
        .bind(unless_empty(&conditions.dependent))
        .bind(unless_empty(&conditions.depends_on))
        .bind(names)
        .bind(exclusive)
        .bind(locks.patient)
        .bind(milliseconds(locks.timeout))
        .fetch_one(connection)
        .await?;
    Answer::of(&row)
}

/// NULL for nothing: the server gets through it faster than through an array.
fn unless_empty<T>(column: &[T]) -> Option<&[T]> {
    (!column.is_empty()).then_some(column)
}

/// As [`unless_empty`], of a column whose values may all be missing.
fn unless_missing<T>(column: &[Option<T>]) -> Option<&[Option<T>]> {
    column.iter().any(Option::is_some).then_some(column)
}

/// The columns of all events.
#[derive(Default)]
struct Events<'a> {
    batch: Vec<i32>,
    ids: Vec<Id>,
    streams: Vec<Option<&'a str>>,
    types: Vec<&'a str>,
    versions: Vec<i64>,
    tags: Vec<&'a str>,
    metadata: Vec<Option<&'a str>>,
    payloads: Vec<&'a [u8]>,
}

impl<'a> Events<'a> {
    fn of(batches: &[&'a Batch]) -> Self {
        let mut all = Self::default();
        for (at, batch) in (1..).zip(batches) {
            for (event, (tags, metadata)) in
                batch.events.iter().zip(batch.tags.iter().zip(&batch.metadata))
            {
                all.batch.push(at);
                all.ids.push(Id(event.id));
                all.streams.push(event.stream.as_ref().map(StreamName::as_str));
                all.types.push(event.event_type.as_str());
                all.versions.push(event.version.into());
                all.tags.push(tags);
                all.metadata.push(metadata.as_deref());
                all.payloads.push(&event.payload);
            }
        }
        all
    }
}

/// The columns of all conditions, and which batches refuse which.
#[derive(Default)]
struct Conditions<'a> {
    item_of: Vec<i32>,
    items: Items,
    item_after: Vec<i64>,
    revision_of: Vec<i32>,
    revision_stream: Vec<&'a str>,
    revision_expected: Vec<i64>,
    dependent: Vec<i32>,
    depends_on: Vec<i32>,
}

impl<'a> Conditions<'a> {
    fn of(batches: &[&'a Batch]) -> Self {
        let mut all = Self::default();
        for (index, batch) in batches.iter().enumerate() {
            match &batch.condition {
                AppendCondition::None => {}
                AppendCondition::FailIfEventsMatch { query, after } => {
                    all.push_query(place(index + 1), query, *after);
                    for (earlier, _) in
                        batches[..index].iter().enumerate().filter(|(_, b)| b.matches(query))
                    {
                        all.dependent.push(place(index + 1));
                        all.depends_on.push(place(earlier + 1));
                    }
                }
                AppendCondition::ExpectedRevision { stream, revision } => {
                    all.revision_of.push(place(index + 1));
                    all.revision_stream.push(stream.as_str());
                    all.revision_expected.push(match revision {
                        Revision::NoEvents => -1,
                        Revision::Current(revision) => number(*revision),
                    });
                }
            }
        }
        all
    }

    fn push_query(&mut self, batch: i32, query: &Query, after: Option<SequencePosition>) {
        match query.items() {
            None => self.items.push_any(),
            Some(items) => items.iter().for_each(|item| self.items.push(item)),
        }
        self.item_of.resize(self.items.types.len(), batch);
        let after = number(after.map_or(0, SequencePosition::get));
        self.item_after.resize(self.items.types.len(), after);
    }
}

/// A place or a count as the server holds it.
pub(crate) fn place(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The names that others hold, by their places from 1: nothing was done.
    pub(crate) held: Option<Vec<i32>>,
    kinds: Option<Vec<i32>>,
    found: Vec<Option<i64>>,
    positions: Vec<i64>,
    revisions: Vec<Option<i64>>,
    recorded_at: Option<std::time::SystemTime>,
}

impl Answer {
    fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            held: row.try_get(0)?,
            kinds: row.try_get(1)?,
            found: row.try_get::<Option<_>, _>(2)?.unwrap_or_default(),
            positions: row.try_get::<Option<_>, _>(3)?.unwrap_or_default(),
            revisions: row.try_get::<Option<_>, _>(4)?.unwrap_or_default(),
            recorded_at: row::time_at(row, 5),
        })
    }

    /// The last position that was given out.
    pub(crate) fn head(&self) -> u64 {
        self.positions.last().and_then(|&last| u64::try_from(last).ok()).unwrap_or_default()
    }

    /// One verdict for each batch.
    pub(crate) fn verdicts(&self, batches: &[&Batch]) -> Vec<Verdict> {
        let mut records: Vec<Option<Verdict>> = Vec::with_capacity(batches.len());
        let mut next = 0;
        for (index, batch) in batches.iter().enumerate() {
            records.push(self.is_accepted(index).then(|| {
                let from = next;
                next += batch.events.len();
                self.records(batch, from)
            }));
        }
        let mut verdicts = Vec::with_capacity(batches.len());
        for (index, accepted) in records.iter_mut().enumerate() {
            let verdict = accepted.take().unwrap_or_else(|| {
                Err(self.refusal(batches, index, &verdicts).unwrap_or_else(|| {
                    StoreError::from(Error::Answer("a refusal without a reason")).into()
                }))
            });
            verdicts.push(verdict);
        }
        verdicts
    }

    fn is_accepted(&self, index: usize) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.get(index) == Some(&0))
    }

    fn records(&self, batch: &Batch, from: usize) -> Verdict {
        let record = |(event, at): (&NewEvent, usize)| {
            let position =
                self.positions.get(at).and_then(|&position| u64::try_from(position).ok());
            let revision = self.revisions.get(at).copied().flatten();
            Some(Recorded {
                id: event.id,
                position: position.and_then(SequencePosition::new)?,
                stream: event.stream.clone(),
                revision: revision.and_then(|revision| u64::try_from(revision).ok()),
                event_type: event.event_type.clone(),
                version: event.version,
                tags: event.tags.clone(),
                metadata: event.metadata.clone(),
                recorded_at: self.recorded_at?,
                event: event.payload.clone(),
            })
        };
        let records: Option<_> = batch.events.iter().zip(from..).map(record).collect();
        records.ok_or_else(|| StoreError::from(Error::Answer("a record without a place")).into())
    }

    /// Why a batch was refused; `earlier` are the verdicts on those before it.
    fn refusal(
        &self,
        batches: &[&Batch],
        index: usize,
        earlier: &[Verdict],
    ) -> Option<AppendError> {
        let batch = batches[index];
        let found = self.found.get(index).copied().flatten()?;
        let matching = |position| {
            let (query, after) = batch.query()?;
            Some(Conflict::EventsMatch { query: query.clone(), after, position }.into())
        };
        match self.kinds.as_ref()?.get(index)? {
            1 => {
                let at = usize::try_from(found).ok()?.checked_sub(1)?;
                let event = batches.iter().flat_map(|batch| &batch.events).nth(at)?;
                Some(AppendError::DuplicateEventId(event.id))
            }
            2 => matching(SequencePosition::new(u64::try_from(found).ok()?)?),
            3 => {
                let other = earlier.get(usize::try_from(found).ok()?.checked_sub(1)?)?;
                let (query, _) = batch.query()?;
                let record = other.as_ref().ok()?.iter();
                let record = record.clone().find(|r| query.matches(&r.event_type, &r.tags))?;
                matching(record.position)
            }
            4 => match &batch.condition {
                AppendCondition::ExpectedRevision { stream, revision: expected } => {
                    let actual = u64::try_from(found).ok().into();
                    let (stream, expected) = (stream.clone(), *expected);
                    Some(Conflict::Revision { stream, expected, actual }.into())
                }
                _ => None,
            },
            _ => None,
        }
    }
}
