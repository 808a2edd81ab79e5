use std::time::Duration;

use factos::{AppendCondition, Query, Revision, SequencePosition, StreamName};
use sqlx::PgConnection;

use super::{answer::Answer, batch::Batch};
use crate::{
    lock_names::LockNames,
    sql::Statement,
    wire::{Id, Items, milliseconds, number, place},
};

/// What an append locks, and whether it waits for locks that other transactions hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Locks<'a> {
    /// None for the whole log, whose lock is always waited for.
    pub(super) names: Option<&'a LockNames>,
    pub(super) is_patient: bool,
    pub(super) timeout: Duration,
}

/// Sends the batches as one statement, in a transaction of its own or in the open one.
pub(super) async fn run(
    connection: &mut PgConnection,
    statement: &Statement,
    batches: &[&Batch],
    locks: Locks<'_>,
) -> Result<Answer, sqlx::Error> {
    let events = Events::of(batches);
    let conditions = Conditions::of(batches);
    let (names, exclusive) = locks.names.map(LockNames::columns).unzip();
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
        .bind(locks.is_patient)
        .bind(milliseconds(locks.timeout))
        .fetch_one(connection)
        .await?;
    Answer::of(&row)
}

/// NULL for an empty column: the server handles it faster than an empty array.
fn unless_empty<T>(column: &[T]) -> Option<&[T]> {
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
                batch.events().iter().zip(batch.tags.iter().zip(&batch.metadata))
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

/// The columns of all conditions, and of each pair of batches where an earlier one, if it is accepted, refuses
/// the later one.
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
            match batch.condition() {
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
