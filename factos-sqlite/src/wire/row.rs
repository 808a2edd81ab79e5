//! A row of the log as a record.

use std::{collections::BTreeMap, path::Path, time::Duration};

use factos::{
    Bytes, EventId, EventType, Metadata, Payloads, Recorded, SequencePosition, StreamName, Tags,
    backend::time_of_micros,
};
use rusqlite::{Connection, OptionalExtension, Row, types::ValueRef};

use crate::{
    error::Error,
    wire::{metadata::metadata_of, number::unsigned},
};

/// The columns that [`Rows::record`] reads, of the table alias `e`.
pub(crate) const COLUMNS: &str = "e.position, e.id, e.stream, e.revision, e.type, e.version, \
                                  e.tags, e.metadata, e.recorded_at, e.payload";

const TYPE_NAME: &str = "SELECT name FROM term WHERE id = ?1 AND kind = 2";

/// What the rows of one connection share, so that a row needs no look-up and few allocations.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    types: BTreeMap<i64, EventType>,
    /// The types of this page. Each page has copies of its own: one reference count would be raised by the
    /// thread that reads a page while consumers of earlier pages lower it, which is slow.
    page: Vec<(i64, EventType)>,
    /// The tags of the last row of this page: those of one boundary are often alike.
    tags: Tags,
    /// Its metadata, and the text of these: the events of one request have the same.
    metadata: (String, Metadata),
    payloads: Payloads,
}

impl Rows {
    /// The record of a row of [`COLUMNS`].
    pub(crate) fn record(
        &mut self,
        connection: &Connection,
        row: &Row<'_>,
    ) -> Result<Recorded<Bytes>, RowError> {
        let position = number(row.get_ref(0)?);
        let Some(position) = position.and_then(SequencePosition::new) else {
            return Err(RowError::damaged(SequencePosition::FIRST, "its position"));
        };
        let damaged = |what| move || RowError::damaged(position, what);
        let stream = match row.get_ref(2)? {
            ValueRef::Null => None,
            value => Some(
                text(value)
                    .and_then(|name| StreamName::new(name).ok())
                    .ok_or_else(damaged("its stream"))?,
            ),
        };
        let id = row.get_ref(1)?.as_blob().ok().and_then(|id| id.try_into().ok());
        let tags = text(row.get_ref(6)?).and_then(|tags| self.tags(tags));
        let metadata = text(row.get_ref(7)?).and_then(|json| self.metadata(json));
        let payload = row.get_ref(9)?.as_blob().ok();
        Ok(Recorded {
            id: EventId::from_bytes(id.ok_or_else(damaged("its id"))?),
            position,
            revision: number(row.get_ref(3)?),
            stream,
            event_type: self.event_type(connection, row, position)?,
            version: row.get(5)?,
            tags: tags.ok_or_else(damaged("its tags"))?,
            metadata: metadata.ok_or_else(damaged("its metadata"))?,
            recorded_at: number(row.get_ref(8)?)
                .and_then(time_of_micros)
                .ok_or_else(damaged("its time"))?,
            event: self.payloads.copy(payload.ok_or_else(damaged("its payload"))?),
        })
    }

    fn tags(&mut self, lines: &str) -> Option<Tags> {
        if self.tags.as_lines() != lines {
            self.tags = Tags::from_lines(lines).ok()?;
        }
        Some(self.tags.clone())
    }

    fn metadata(&mut self, json: &str) -> Option<Metadata> {
        let (text, last) = &mut self.metadata;
        if *text != json {
            *last = metadata_of(json)?;
            json.clone_into(text);
        }
        Some(last.clone())
    }

    fn event_type(
        &mut self,
        connection: &Connection,
        row: &Row<'_>,
        position: SequencePosition,
    ) -> Result<EventType, RowError> {
        let id: i64 = row.get(4)?;
        if let Some((_, known)) = self.page.iter().find(|(known, _)| *known == id) {
            return Ok(known.clone());
        }
        let event_type = match self.types.get(&id) {
            Some(known) => EventType::new(known).ok(),
            None => find_type(connection, id)?.inspect(|found| {
                self.types.insert(id, found.clone());
            }),
        };
        let event_type = event_type.ok_or_else(|| RowError::damaged(position, "its type"))?;
        self.page.push((id, event_type.clone()));
        Ok(event_type)
    }

    /// The rows that follow are those of another page.
    pub(crate) fn begin_page(&mut self) {
        self.page.clear();
        self.tags = Tags::new();
        self.metadata = (String::new(), Metadata::new());
    }
}

fn find_type(connection: &Connection, id: i64) -> rusqlite::Result<Option<EventType>> {
    let mut statement = connection.prepare_cached(TYPE_NAME)?;
    let name: Option<String> = statement.query_row([id], |row| row.get(0)).optional()?;
    Ok(name.and_then(|name| EventType::new(name).ok()))
}

fn text(value: ValueRef<'_>) -> Option<&str> {
    value.as_str().ok()
}

fn number(value: ValueRef<'_>) -> Option<u64> {
    value.as_i64().ok().and_then(unsigned)
}

/// Why a row could not be read as a record.
#[derive(Debug)]
pub(crate) enum RowError {
    Sqlite(rusqlite::Error),
    Damaged { position: SequencePosition, what: &'static str },
}

impl RowError {
    const fn damaged(position: SequencePosition, what: &'static str) -> Self {
        Self::Damaged { position, what }
    }

    /// The error of a call on the log at `path`, which waited so long for a lock.
    pub(crate) fn on(self, path: &Path, waited: Duration) -> Error {
        match self {
            Self::Sqlite(error) => Error::of(path, waited, error),
            Self::Damaged { position, what } => Error::CorruptEvent { position, what },
        }
    }
}

impl From<rusqlite::Error> for RowError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}
