use std::{collections::HashMap, time::SystemTime};

use factos::{
    Bytes, EventId, EventType, Metadata, Payloads, Recorded, SequencePosition, StreamName, Tags,
};
use sqlx::{Row, ValueRef, postgres::PgRow};

use super::time::Time;
use crate::error::Error;

/// Makes records of rows. The records of one reader share the names of their types and the memory of small
/// payloads.
#[derive(Debug, Default)]
pub(crate) struct RowReader {
    types: HashMap<Box<str>, EventType>,
    /// Reused by each row.
    tag_lines: String,
    payloads: Payloads,
}

impl RowReader {
    /// The record in a row of [`COLUMNS`](crate::sql::COLUMNS).
    pub(crate) fn record(&mut self, row: &PgRow) -> Result<Recorded<Bytes>, Error> {
        let position = position(row)?;
        let damaged = |what| move || Error::CorruptEvent { position, what };
        let stream = column(row, 2).map(|name| {
            text(name).and_then(|n| StreamName::new(n).ok()).ok_or_else(damaged("its stream"))
        });
        let event_type = column(row, 4).and_then(text).and_then(|name| self.event_type(name));
        let version = column(row, 5).and_then(int8).and_then(|version| u32::try_from(version).ok());
        let tags = column(row, 6).and_then(|tags| self.tags(tags));
        let payload = column(row, 9).ok_or_else(damaged("its payload"))?;
        Ok(Recorded {
            id: id_in(row, 1).ok_or_else(damaged("its id"))?,
            position,
            revision: column(row, 3).and_then(int8).and_then(|at| u64::try_from(at).ok()),
            stream: stream.transpose()?,
            event_type: event_type.ok_or_else(damaged("its type"))?,
            version: version.ok_or_else(damaged("its version"))?,
            tags: tags.ok_or_else(damaged("its tags"))?,
            metadata: metadata(column(row, 7)).ok_or_else(damaged("its metadata"))?,
            recorded_at: column(row, 8).and_then(time).ok_or_else(damaged("its time"))?,
            event: self.payloads.copy(payload),
        })
    }

    fn event_type(&mut self, name: &str) -> Option<EventType> {
        if let Some(known) = self.types.get(name) {
            return Some(known.clone());
        }
        let event_type = EventType::new(name).ok()?;
        self.types.insert(name.into(), event_type.clone());
        Some(event_type)
    }

    /// Tags from the binary form of `text[]`: dimensions, flags, type, length, lower bound, elements.
    fn tags(&mut self, array: &[u8]) -> Option<Tags> {
        let (dimensions, rest) = int4(array)?;
        if dimensions == 0 {
            return Some(Tags::new());
        }
        let mut elements = rest.get(16..)?;
        self.tag_lines.clear();
        while !elements.is_empty() {
            let (length, rest) = int4(elements)?;
            let (tag, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            if !self.tag_lines.is_empty() {
                self.tag_lines.push('\n');
            }
            self.tag_lines.push_str(text(tag)?);
            elements = rest;
        }
        Tags::from_lines(&self.tag_lines).ok()
    }
}

/// The position of an event, which errors in its other columns tell.
fn position(row: &PgRow) -> Result<SequencePosition, Error> {
    first_number(row)
        .and_then(SequencePosition::new)
        .ok_or(Error::CorruptEvent { position: SequencePosition::FIRST, what: "its position" })
}

/// The first column: a position, or 0 for an empty log.
pub(crate) fn first_number(row: &PgRow) -> Option<u64> {
    column(row, 0).and_then(int8).and_then(|at| u64::try_from(at).ok())
}

/// The event's id in a column.
pub(crate) fn id_in(row: &PgRow, index: usize) -> Option<EventId> {
    column(row, index).and_then(|id| id.try_into().ok()).map(EventId::from_bytes)
}

/// The column after those of an event, as an index: the server counts from 1.
pub(crate) fn item_index(row: &PgRow) -> Option<usize> {
    let (item, _) = int4(column(row, 10)?)?;
    usize::try_from(item).ok()?.checked_sub(1)
}

/// The time in a column.
pub(crate) fn time_in(row: &PgRow, index: usize) -> Option<SystemTime> {
    column(row, index).and_then(time)
}

fn column(row: &PgRow, index: usize) -> Option<&[u8]> {
    let value = row.try_get_raw(index).ok()?;
    if value.is_null() { None } else { value.as_bytes().ok() }
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn int4(bytes: &[u8]) -> Option<(i32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((i32::from_be_bytes(*number), rest))
}

fn int8(bytes: &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(bytes.try_into().ok()?))
}

fn metadata(json: Option<&[u8]>) -> Option<Metadata> {
    json.map_or_else(|| Some(Metadata::new()), |json| serde_json::from_slice(json).ok())
}

fn time(microseconds: &[u8]) -> Option<SystemTime> {
    int8(microseconds).and_then(|time| Time(time).system_time())
}
