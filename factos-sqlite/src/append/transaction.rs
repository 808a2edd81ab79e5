//! One append inside the writer's transaction: everything is checked before the first insert.

use std::{collections::HashMap, time::SystemTime};

use factos::{
    AppendError, Bytes, EventId, NewEvent, Query, Recorded, Revision, SequencePosition, StreamName,
    backend::{LogState, Verdict, micros_of, now, record, refusal},
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    append::{batch::Batch, hook::Hook, triggers::Triggers},
    connection::guard::Guard,
    log::{
        dictionary::{Dictionary, Kind},
        known_log::Anchor,
        position_select::{Bounds, any_position},
        query_plan::QueryPlan,
    },
    wire::number::{signed, unsigned},
};

const TAKEN_ID: &str = "SELECT 1 FROM event WHERE id = ?1";
const REVISION: &str = "SELECT revision FROM event
     WHERE position = (SELECT max(position) FROM posting WHERE term = ?1)";
const INSERT_EVENT: &str = "INSERT INTO event
     (position, id, stream, revision, type, version, tags, metadata, recorded_at, payload)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) /* of the log */";
const INSERT_POSTING: &str =
    "INSERT INTO posting (term, position, type) VALUES (?1, ?2, ?3) /* of the log */";

const SAVEPOINT: &str = "SAVEPOINT factos_append /* of the log */";
const ROLL_BACK: &str = "ROLLBACK TO factos_append /* of the log */";
const RELEASE: &str = "RELEASE factos_append /* of the log */";

/// Why a transaction can only be rolled back.
#[derive(Debug)]
pub(crate) enum Failed {
    /// A statement of the log failed.
    Statement(rusqlite::Error),
    /// A hook ended the transaction; this is its error.
    Hook(Box<dyn std::error::Error + Send + Sync>),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Statement(error)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the hook rolled back the transaction that it ran in")]
struct HookEndedTransaction;

/// The open transaction of the writer.
#[derive(Debug)]
pub(crate) struct Transaction<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) dictionary: &'a mut Dictionary,
    pub(crate) triggers: &'a mut Triggers,
    pub(crate) guard: &'a Guard,
    /// Whether something was inserted.
    pub(crate) is_written: bool,
    /// Whether the triggers were chosen. Not twice in a transaction, which may change the schema.
    pub(crate) are_triggers_chosen: bool,
    /// The last event of the log, events of this transaction included.
    pub(crate) last: Option<Anchor>,
}

impl Transaction<'_> {
    fn head(&self) -> u64 {
        self.last.map_or(0, |last| last.position.get())
    }

    /// Checks the batch, and inserts its events unless it is refused. The batch's hook, if it has one, runs then,
    /// and its error undoes the batch alone.
    ///
    /// An error leaves the transaction in an unknown state: it must be rolled back.
    pub(crate) fn append(&mut self, batch: &Batch) -> Result<Verdict, Failed> {
        match batch.hook() {
            None => Ok(self.write(batch)?),
            Some(hook) => self.write_and_run(batch, hook),
        }
    }

    fn write_and_run(&mut self, batch: &Batch, hook: &Hook) -> Result<Verdict, Failed> {
        let before = (self.last, self.is_written);
        self.execute(SAVEPOINT)?;
        self.dictionary.open_savepoint();
        let mut verdict = self.write(batch)?;
        if let Ok(records) = &verdict {
            let run = self.guard.raised(|| hook.run(self.connection, records));
            // SQLite ends a transaction by itself on a full disk, for instance, or at INSERT OR ROLLBACK.
            if self.connection.is_autocommit() {
                return Err(Failed::Hook(run.err().unwrap_or_else(|| HookEndedTransaction.into())));
            }
            if let Err(error) = run {
                self.execute(ROLL_BACK)?;
                self.dictionary.roll_back_to_savepoint();
                (self.last, self.is_written) = before;
                verdict = Err(AppendError::Hook(error));
            }
        }
        self.execute(RELEASE)?;
        self.dictionary.release_savepoint();
        Ok(verdict)
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    fn write(&mut self, batch: &Batch) -> rusqlite::Result<Verdict> {
        if let Some(refusal) = refusal(self, batch.checked())? {
            return Ok(Err(refusal));
        }
        if !self.are_triggers_chosen {
            self.triggers.choose(self.connection)?;
            self.are_triggers_chosen = true;
        }
        self.is_written = true;
        let recorded_at = now();
        let mut revisions = HashMap::new();
        let events = batch.events();
        let mut records = Vec::with_capacity(events.len());
        for (event, metadata) in events {
            records.push(self.insert(event, metadata, recorded_at, &mut revisions)?);
        }
        Ok(Ok(records))
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
        let position = SequencePosition::FIRST.saturating_add(self.head());
        let event_type = self.dictionary.find_or_insert(
            self.connection,
            Kind::Type,
            event.event_type.as_str(),
        )?;
        self.connection.prepare_cached(INSERT_EVENT)?.execute(params![
            signed(position.get()),
            event.id.to_bytes(),
            event.stream.as_ref().map(StreamName::as_str),
            revision.map(signed),
            event_type,
            event.version,
            event.tags.as_lines(),
            metadata,
            signed(micros_of(recorded_at)),
            &event.payload[..],
        ])?;
        self.insert_postings(event, position, event_type)?;
        self.last = Some(Anchor { position, id: event.id });
        Ok(record(event.clone(), position, revision, recorded_at))
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
            let term = self.dictionary.find_or_insert(self.connection, kind, name)?;
            statement.execute([term, signed(position.get()), event_type])?;
        }
        Ok(())
    }
}

impl LogState for Transaction<'_> {
    type Error = rusqlite::Error;

    fn taken_id(&mut self, events: &[NewEvent]) -> rusqlite::Result<Option<EventId>> {
        let mut statement = self.connection.prepare_cached(TAKEN_ID)?;
        for event in events {
            if statement.exists([event.id.to_bytes()])? {
                return Ok(Some(event.id));
            }
        }
        Ok(None)
    }

    fn first_match(
        &mut self,
        query: &Query,
        after: Option<SequencePosition>,
    ) -> rusqlite::Result<Option<SequencePosition>> {
        let low = after.map_or(0, SequencePosition::get);
        if low >= self.head() {
            return Ok(None);
        }
        let bounds = Bounds::new(low, self.head());
        let found = match QueryPlan::of_query(self.connection, self.dictionary, query, bounds)? {
            QueryPlan::Everything => Some(bounds.high),
            QueryPlan::AnyOf(selects) => any_position(self.connection, &selects)?,
        };
        Ok(found.and_then(unsigned).and_then(SequencePosition::new))
    }

    fn revision(&mut self, stream: &StreamName) -> rusqlite::Result<Revision> {
        let Some(term) = self.dictionary.find(self.connection, Kind::Stream, stream.as_str())?
        else {
            return Ok(Revision::NoEvents);
        };
        let mut statement = self.connection.prepare_cached(REVISION)?;
        let last: Option<i64> = statement.query_row([term], |row| row.get(0)).optional()?;
        Ok(last.and_then(unsigned).into())
    }
}
