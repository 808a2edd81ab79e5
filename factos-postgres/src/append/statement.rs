use std::time::{Duration, SystemTime};

use factos::{
    AppendCondition, AppendError, Conflict, NewEvent, Query, Revision, SequencePosition,
    StreamName,
    backend::{Verdict, record},
};
use sqlx::{PgConnection, Row, postgres::PgRow};

use super::batch::Batch;
use crate::{durability::Durability, error::Error, lock_names::LockNames, sql::Statement, wire};

/// What an append locks, and whether it waits for locks that other transactions hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Locks<'a> {
    /// None for the whole log, whose lock is always waited for.
    pub(super) names: Option<&'a LockNames>,
    pub(super) is_patient: bool,
    pub(super) timeout: Duration,
    /// Of the commit; none where that is the caller's.
    pub(super) durability: Option<Durability>,
    /// The timeout of the further statements of its transaction, where the statement sets that.
    pub(super) later_statements: Option<Duration>,
}

/// Sends the batches as one statement, in a transaction of its own or in the open one.
pub(super) async fn run(
    connection: &mut PgConnection,
    statement: &Statement,
    batches: &[&Batch],
    locks: Locks<'_>,
    run: wire::Time,
) -> Result<Answer, sqlx::Error> {
    let events = Events::of(batches);
    let conditions = Conditions::of(batches);
    let (names, exclusive) = locks.names.map(LockNames::columns).unzip();
    let query = statement
        .query()
        .bind(wire::place(batches.len()))
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
        .bind(locks.is_patient)
        .bind(wire::milliseconds(locks.timeout))
        .bind(run)
        .bind(locks.durability.map(|durability| durability == Durability::Full));
    let query = match locks.later_statements {
        Some(timeout) => query.bind(wire::milliseconds(timeout)),
        None => query,
    };
    let row = query.fetch_one(connection).await?;
    Answer::of(&row, run)
}

/// NULL for an empty column: the server handles it faster than an empty array.
pub(super) fn unless_empty<T>(column: &[T]) -> Option<&[T]> {
    (!column.is_empty()).then_some(column)
}

/// NULL for a column without any value.
fn unless_missing<T>(column: &[Option<T>]) -> Option<&[Option<T>]> {
    column.iter().any(Option::is_some).then_some(column)
}

/// The columns of all events.
#[derive(Default)]
struct Events<'a> {
    batch: Vec<i32>,
    ids: Vec<wire::Id>,
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
                batch.events().iter().zip(batch.tags.iter().zip(&batch.metadata))
            {
                all.batch.push(at);
                all.ids.push(wire::Id(event.id));
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

/// The columns of all conditions, and of each pair of batches where an earlier one, if it is accepted, refuses
/// the later one.
#[derive(Default)]
pub(super) struct Conditions<'a> {
    item_of: Vec<i32>,
    pub(super) items: wire::Items,
    pub(super) item_after: Vec<i64>,
    revision_of: Vec<i32>,
    revision_stream: Vec<&'a str>,
    revision_expected: Vec<i64>,
    dependent: Vec<i32>,
    depends_on: Vec<i32>,
}

impl<'a> Conditions<'a> {
    pub(super) fn of(batches: &[&'a Batch]) -> Self {
        let mut all = Self::default();
        for (index, batch) in batches.iter().enumerate() {
            match batch.condition() {
                AppendCondition::None => {}
                AppendCondition::FailIfEventsMatch { query, after } => {
                    all.push_query(wire::place(index + 1), query, *after);
                    if let Some(exists) = batch.exists() {
                        all.push_query(wire::place(index + 1), exists, None);
                    }
                    for (earlier, _) in
                        batches[..index].iter().enumerate().filter(|(_, b)| batch.forbids(b))
                    {
                        all.dependent.push(wire::place(index + 1));
                        all.depends_on.push(wire::place(earlier + 1));
                    }
                }
                AppendCondition::ExpectedRevision { stream, revision } => {
                    all.revision_of.push(wire::place(index + 1));
                    all.revision_stream.push(stream.as_str());
                    all.revision_expected.push(match revision {
                        Revision::NoEvents => -1,
                        Revision::Current(revision) => wire::number(*revision),
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
        let after = wire::number(after.map_or(0, SequencePosition::get));
        self.item_after.resize(self.items.types.len(), after);
    }
}

/// The server's answer to the append of a group.
#[derive(Debug)]
pub(super) struct Answer {
    /// The run of the server that answered.
    pub(super) run: wire::Time,
    /// The names that other transactions hold, by their places from 1: nothing was done.
    pub(super) held: Option<Vec<i32>>,
    /// Why each batch was refused, 0 for an accepted one; none if all were accepted.
    kinds: Option<Vec<i32>>,
    /// What each batch was refused for; its meaning depends on the kind.
    found: Vec<Option<i64>>,
    /// The positions of the accepted events, in order.
    positions: Vec<i64>,
    revisions: Vec<Option<i64>>,
    recorded_at: Option<SystemTime>,
    /// What the session looks like, if that was asked for.
    pub(super) session: Option<String>,
    /// Where it was appended, if that was asked for and something was.
    pub(super) place: Option<Place>,
}

/// Where a hook runs.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// What the session looks like.
    pub(super) session: String,
    /// The process of the server.
    pub(super) process: i32,
    /// The number of the transaction.
    pub(super) transaction: i64,
}

impl Place {
    fn of(row: &PgRow, session: &str) -> Result<Option<Self>, sqlx::Error> {
        let (process, transaction): (_, Option<i64>) = (row.try_get(7)?, row.try_get(8)?);
        Ok(transaction.map(|transaction| Self { session: session.into(), process, transaction }))
    }
}

impl Answer {
    fn of(row: &PgRow, run: wire::Time) -> Result<Self, sqlx::Error> {
        let session: Option<String> = if row.len() > 6 { row.try_get(6)? } else { None };
        let place = session.as_deref().map(|session| Place::of(row, session)).transpose()?;
        Ok(Self {
            run,
            held: row.try_get(0)?,
            kinds: row.try_get(1)?,
            found: row.try_get::<Option<_>, _>(2)?.unwrap_or_default(),
            positions: row.try_get::<Option<_>, _>(3)?.unwrap_or_default(),
            revisions: row.try_get::<Option<_>, _>(4)?.unwrap_or_default(),
            recorded_at: wire::time_in(row, 5),
            session,
            place: place.flatten(),
        })
    }

    /// The answer to the append of one event, as `append_one` tells it.
    pub(super) fn of_one(numbers: &[Option<i64>], run: wire::Time) -> Result<Self, sqlx::Error> {
        let nothing = Self {
            run,
            held: None,
            kinds: None,
            found: Vec::new(),
            positions: Vec::new(),
            revisions: Vec::new(),
            recorded_at: None,
            session: None,
            place: None,
        };
        match *numbers {
            [Some(0), Some(position), revision, Some(microseconds)] => Ok(Self {
                positions: vec![position],
                revisions: vec![revision],
                recorded_at: wire::time_since_1970(microseconds),
                ..nothing
            }),
            [Some(kind @ (1 | 2)), Some(finding)] => {
                Ok(Self { kinds: Some(vec![kind as i32]), found: vec![Some(finding)], ..nothing })
            }
            [Some(-1), ref held @ ..] => {
                let held = held.iter().map(|place| place.and_then(|at| i32::try_from(at).ok()));
                Ok(Self { held: held.collect(), ..nothing })
            }
            _ => Err(sqlx::Error::Decode("an answer of append_one that it does not give".into())),
        }
    }

    /// The last position that was given out.
    pub(super) fn head(&self) -> Option<SequencePosition> {
        self.positions.last().copied().and_then(wire::position)
    }

    /// The verdict on each batch.
    pub(super) fn verdicts(&self, batches: &[&Batch]) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(batches.len());
        let mut next = 0;
        for (index, batch) in batches.iter().enumerate() {
            let verdict = if self.is_accepted(index) {
                let first = next;
                next += batch.events().len();
                self.records(batch, first)
            } else {
                let refusal = self.refusal(batches, index, &verdicts);
                Err(refusal
                    .unwrap_or_else(|| Error::no_verdict("a refusal without a reason").into()))
            };
            verdicts.push(verdict);
        }
        verdicts
    }

    fn is_accepted(&self, index: usize) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.get(index) == Some(&0))
    }

    /// The records of a batch; `first` is the index of its first event among those accepted.
    fn records(&self, batch: &Batch, first: usize) -> Verdict {
        let record = |(event, at): (&NewEvent, usize)| {
            let position = self.positions.get(at).copied().and_then(wire::position)?;
            let revision = self.revisions.get(at).copied().flatten();
            let revision = revision.and_then(|revision| u64::try_from(revision).ok());
            Some(record(event.clone(), position, revision, self.recorded_at?))
        };
        let records: Option<_> = batch.events().iter().zip(first..).map(record).collect();
        records.ok_or_else(|| Error::no_verdict("a record without a place").into())
    }

    /// Why a batch was refused; `earlier` are the verdicts on the batches before it.
    fn refusal(
        &self,
        batches: &[&Batch],
        index: usize,
        earlier: &[Verdict],
    ) -> Option<AppendError> {
        let batch = batches[index];
        let found = self.found.get(index).copied().flatten()?;
        match self.kinds.as_ref()?.get(index)? {
            1 => {
                let at = usize::try_from(found).ok()?.checked_sub(1)?;
                let event = batches.iter().flat_map(|batch| batch.events()).nth(at)?;
                Some(AppendError::DuplicateEventId(event.id))
            }
            2 => batch.conflict_at(wire::position(found)?).map(Into::into),
            3 => {
                let other = earlier.get(usize::try_from(found).ok()?.checked_sub(1)?)?;
                batch.conflict_with(other.as_ref().ok()?).map(Into::into)
            }
            4 => {
                let (stream, expected) = batch.expected_revision()?;
                let actual = u64::try_from(found).ok().into();
                Some(Conflict::Revision { stream: stream.clone(), expected, actual }.into())
            }
            _ => None,
        }
    }
}
