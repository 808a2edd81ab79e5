//! One append inside the writer's transaction: everything is checked before the first insert.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, SystemTime},
};

use factos::{
    AppendCondition, AppendError, Bytes, Conflict, EventId, NewEvent, Query, Recorded, Revision,
    SequencePosition, StoreError, StoreErrorKind, StreamName,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    log::{
        dictionary::{Kind, Terms},
        query_plan::{self as arms, Arms, Bounds},
    },
    wire::{
        metadata::metadata_text,
        number::{signed, unsigned},
    },
};

const DUPLICATE: &str = "SELECT 1 FROM event WHERE id = ?1";
const REVISION: &str = "SELECT revision FROM event
     WHERE position = (SELECT max(position) FROM posting WHERE term = ?1)";
const INSERT_EVENT: &str = "INSERT INTO event
     (position, id, stream, revision, type, version, tags, metadata, recorded_at, payload)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const INSERT_POSTING: &str = "INSERT INTO posting (term, position, type) VALUES (?1, ?2, ?3)";

/// A batch that is within the limits and whose ids differ, ready to be written.
#[derive(Debug)]
pub(crate) struct Batch {
    events: Vec<NewEvent>,
    metadata: Vec<String>,
    condition: AppendCondition,
    bytes: usize,
}

impl Batch {
    /// What can be done off the writer's thread is done here.
    pub(crate) fn new(
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Self, AppendError> {
        if events.len() > 1 {
            let mut ids = HashSet::with_capacity(events.len());
            if let Some(twice) = events.iter().find(|event| !ids.insert(event.id)) {
                return Err(AppendError::DuplicateEventId(twice.id));
            }
        }
        let metadata = events.iter().map(|event| metadata_text(&event.metadata));
        let metadata = metadata
            .collect::<Result<_, _>>()
            .map_err(|error| StoreError::new(StoreErrorKind::Other, error))?;
        let bytes = events.iter().map(NewEvent::byte_len).sum();
        Ok(Self { events, metadata, condition, bytes })
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Appended, or refused with nothing written.
pub(crate) type Verdict = Result<Vec<Recorded<Bytes>>, AppendError>;

/// The open transaction of the writer.
#[derive(Debug)]
pub(crate) struct Transaction<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) terms: &'a mut Terms,
    /// The last position, those written in this transaction included.
    pub(crate) head: u64,
}

impl Transaction<'_> {
    /// Checks the batch, and writes it if nothing stands against it.
    ///
    /// An error leaves the transaction in an unknown state: it must be rolled back.
    pub(crate) fn append(&mut self, batch: &Batch) -> rusqlite::Result<Verdict> {
        if let Some(id) = self.duplicate(&batch.events)? {
            return Ok(Err(AppendError::DuplicateEventId(id)));
        }
        if let Some(conflict) = self.conflict(&batch.condition)? {
            return Ok(Err(conflict.into()));
        }
        let recorded_at = whole_microseconds(SystemTime::now());
        let mut revisions = HashMap::new();
        let mut records = Vec::with_capacity(batch.events.len());
        for (event, metadata) in batch.events.iter().zip(&batch.metadata) {
            records.push(self.insert(event, metadata, recorded_at, &mut revisions)?);
        }
        Ok(Ok(records))
    }

    fn duplicate(&self, events: &[NewEvent]) -> rusqlite::Result<Option<EventId>> {
        let mut statement = self.connection.prepare_cached(DUPLICATE)?;
        for event in events {
            if statement.exists([event.id.to_bytes()])? {
                return Ok(Some(event.id));
            }
        }
        Ok(None)
    }

    fn conflict(&mut self, condition: &AppendCondition) -> rusqlite::Result<Option<Conflict>> {
        match condition {
            AppendCondition::None => Ok(None),
            AppendCondition::FailIfEventsMatch { query, after } => self.matching(query, *after),
            AppendCondition::ExpectedRevision { stream, revision: expected } => {
                let actual = self.revision(stream)?;
                let (stream, expected) = (stream.clone(), *expected);
                let differs = actual != expected;
                Ok(differs.then_some(Conflict::Revision { stream, expected, actual }))
            }
        }
    }

    fn matching(
        &mut self,
        query: &Query,
        after: Option<SequencePosition>,
    ) -> rusqlite::Result<Option<Conflict>> {
        let low = after.map_or(0, SequencePosition::get);
        if low >= self.head {
            return Ok(None);
        }
        let bounds = Bounds { low: signed(low), high: signed(self.head) };
        let found = match arms::of_query(self.connection, self.terms, query, bounds)? {
            Arms::All => Some(bounds.high),
            Arms::Any(arms) => arms::any_position(self.connection, &arms)?,
        };
        let position = found.and_then(unsigned).and_then(SequencePosition::new);
        Ok(position.map(|position| Conflict::EventsMatch { query: query.clone(), after, position }))
    }

    fn revision(&mut self, stream: &StreamName) -> rusqlite::Result<Revision> {
        let Some(term) = self.terms.find(self.connection, Kind::Stream, stream.as_str())? else {
            return Ok(Revision::NoEvents);
        };
        let mut statement = self.connection.prepare_cached(REVISION)?;
        let last: Option<i64> = statement.query_row([term], |row| row.get(0)).optional()?;
        Ok(last.and_then(unsigned).into())
    }

    fn insert<'e>(
        &mut self,
        event: &'e NewEvent,
        metadata: &str,
        recorded_at: SystemTime,
        revisions: &mut HashMap<&'e StreamName, u64>,
    ) -> rusqlite::Result<Recorded<Bytes>> {
        let revision = match &event.stream {
            None => None,
            Some(stream) => Some(self.next_revision(stream, revisions)?),
        };
        let position = SequencePosition::FIRST.saturating_add(self.head);
        let event_type =
            self.terms.find_or_insert(self.connection, Kind::Type, event.event_type.as_str())?;
        self.connection.prepare_cached(INSERT_EVENT)?.execute(params![
            signed(position.get()),
            event.id.to_bytes(),
            event.stream.as_ref().map(StreamName::as_str),
            revision.map(signed),
            event_type,
            event.version,
            event.tags.as_lines(),
            metadata,
            microseconds(recorded_at),
            &event.payload[..],
        ])?;
        self.insert_postings(event, position, event_type)?;
        self.head = position.get();
        Ok(recorded(event, position, revision, recorded_at))
    }

    fn next_revision<'e>(
        &mut self,
        stream: &'e StreamName,
        revisions: &mut HashMap<&'e StreamName, u64>,
    ) -> rusqlite::Result<u64> {
        let next = match revisions.get(stream) {
            Some(last) => last + 1,
            None => self.revision(stream)?.next(),
        };
        revisions.insert(stream, next);
        Ok(next)
    }

    fn insert_postings(
        &mut self,
        event: &NewEvent,
        position: SequencePosition,
        event_type: i64,
    ) -> rusqlite::Result<()> {
        let tags = event.tags.iter().map(|tag| (Kind::Tag, tag));
        let stream = event.stream.iter().map(|stream| (Kind::Stream, stream.as_str()));
        let mut statement = self.connection.prepare_cached(INSERT_POSTING)?;
        for (kind, name) in tags.chain(stream) {
            let term = self.terms.find_or_insert(self.connection, kind, name)?;
            statement.execute([term, signed(position.get()), event_type])?;
        }
        Ok(())
    }
}

fn recorded(
    event: &NewEvent,
    position: SequencePosition,
    revision: Option<u64>,
    recorded_at: SystemTime,
) -> Recorded<Bytes> {
    Recorded {
        id: event.id,
        position,
        stream: event.stream.clone(),
        revision,
        event_type: event.event_type.clone(),
        version: event.version,
        tags: event.tags.clone(),
        metadata: event.metadata.clone(),
        recorded_at,
        event: event.payload.clone(),
    }
}

fn microseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

fn whole_microseconds(time: SystemTime) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(microseconds(time).unsigned_abs())
}
