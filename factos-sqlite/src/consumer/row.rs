//! Rows as they are stored, and what they say.

use factos::{Anchor, EventId, SequencePosition};
use factos_consumer::port::{
    ConsumerId, ConsumerRow, ConsumerState, Parked, PartitionRow, PortError, ProcessId, Resize,
    Succession,
};
use rusqlite::{Error, Result, Row, types::Type};

use super::{
    clock::{duration, is_leased, now},
    error::damaged,
    tables::Tables,
};

const CONSUMER: &str = "SELECT state, succession, resize_to, resize_until \
     FROM factos_consumer WHERE name = ?1 AND version = ?2";
const PARTITIONS: &str = concat!(
    "SELECT number, owner, CASE WHEN ",
    is_leased!(),
    " THEN leased_at + leased_for - ",
    now!(),
    " END, log_id, position, event_id, error, token \
     FROM factos_consumer_partition WHERE name = ?1 AND version = ?2 ORDER BY number"
);
const ALL: &str = "SELECT name, version FROM factos_consumer ORDER BY name, version";

/// A consumer as it is stored.
pub(super) struct Stored {
    pub(super) state: ConsumerState,
    pub(super) succession: Succession,
    pub(super) resize: Option<Resize>,
}

impl Tables<'_> {
    /// The version, if it is known.
    pub(super) fn consumer(&self, id: &ConsumerId) -> Result<Option<Stored>, PortError> {
        let what = format!("factos_consumer, {id}");
        self.one(&what, CONSUMER, (&id.name, id.version), |row| {
            let resize = match (row.get(2)?, position(row, 3)?) {
                (Some(partitions), until) => Some(Resize { partitions, until }),
                (None, None) => None,
                (None, Some(_)) => return Err(nonsense(3)),
            };
            Ok(Stored { state: state(row, 0)?, succession: succession(row, 1)?, resize })
        })
    }

    /// The version, which must be known.
    pub(super) fn known(&self, id: &ConsumerId) -> Result<Stored, PortError> {
        self.consumer(id)?.ok_or_else(|| PortError::Unknown(id.clone()))
    }

    /// How the version stands, if it is known.
    pub(super) fn consumer_row(&self, id: &ConsumerId) -> Result<Option<ConsumerRow>, PortError> {
        let Some(Stored { state, succession, resize }) = self.consumer(id)? else {
            return Ok(None);
        };
        let partitions = self.partitions(id)?;
        let retry_in = self.next_retry(id)?;
        let consumer = id.clone();
        Ok(Some(ConsumerRow { consumer, state, succession, resize, partitions, retry_in }))
    }

    /// How all versions stand.
    pub(super) fn consumer_rows(&self) -> Result<Vec<ConsumerRow>, PortError> {
        let all = self.all(&"factos_consumer", ALL, (), |row| consumer_id(row, 0))?;
        all.iter().filter_map(|id| self.consumer_row(id).transpose()).collect()
    }

    fn partitions(&self, id: &ConsumerId) -> Result<Vec<PartitionRow>, PortError> {
        let what = format!("factos_consumer_partition, {id}");
        let rows = self.all(&what, PARTITIONS, (&id.name, id.version), |row| {
            let free_in: Option<i64> = row.get(2)?;
            let owner: Option<String> = row.get(1)?;
            if row.get::<_, Option<i64>>(7)?.is_some() != owner.is_some() {
                return Err(nonsense(7));
            }
            Ok(PartitionRow {
                number: row.get(0)?,
                owner: owner.filter(|_| free_in.is_some()).map(ProcessId),
                free_in: duration(free_in.unwrap_or(0)),
                position: anchor(row, 3)?.map(|anchor| anchor.position()),
                error: row.get(6)?,
            })
        })?;
        let numbers = rows.iter().map(|row| row.number);
        if !numbers.eq(0..u32::try_from(rows.len()).unwrap_or(0)) {
            return Err(damaged(&what));
        }
        Ok(rows)
    }
}

/// The error of a column that holds what was never written.
pub(super) fn nonsense(column: usize) -> Error {
    Error::FromSqlConversionFailure(column, Type::Null, "never written".into())
}

pub(super) fn consumer_id(row: &Row<'_>, column: usize) -> Result<ConsumerId> {
    Ok(ConsumerId::new(row.get::<_, String>(column)?, row.get(column + 1)?))
}

pub(super) fn state(row: &Row<'_>, column: usize) -> Result<ConsumerState> {
    let name: String = row.get(column)?;
    ConsumerState::of_name(&name).ok_or_else(|| nonsense(column))
}

pub(super) const fn succession_name(succession: Succession) -> &'static str {
    match succession {
        Succession::Rebuild => "rebuild",
        Succession::TakeOver => "take-over",
    }
}

fn succession(row: &Row<'_>, column: usize) -> Result<Succession> {
    let name: String = row.get(column)?;
    let known = [Succession::Rebuild, Succession::TakeOver];
    let found = known.into_iter().find(|known| succession_name(*known) == name);
    found.ok_or_else(|| nonsense(column))
}

pub(super) fn unsigned(row: &Row<'_>, column: usize) -> Result<u64> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|_| nonsense(column))
}

fn position(row: &Row<'_>, column: usize) -> Result<Option<SequencePosition>> {
    let Some(number) = row.get::<_, Option<i64>>(column)? else { return Ok(None) };
    let position = u64::try_from(number).ok().and_then(SequencePosition::new);
    position.map(Some).ok_or_else(|| nonsense(column))
}

/// A log, a position and an event in three columns from this one on.
pub(super) fn anchor(row: &Row<'_>, column: usize) -> Result<Option<Anchor>> {
    let log_id: Option<String> = row.get(column)?;
    let event_id: Option<Vec<u8>> = row.get(column + 2)?;
    match (log_id, position(row, column + 1)?, event_id) {
        (None, None, None) => Ok(None),
        (Some(log_id), Some(position), Some(event_id)) => {
            let event_id = <[u8; 16]>::try_from(event_id).map_err(|_| nonsense(column + 2))?;
            Ok(Some(Anchor::new(log_id, position, EventId::from_bytes(event_id))))
        }
        _ => Err(nonsense(column)),
    }
}

/// The columns of a parked event.
macro_rules! parked_columns {
    () => {
        concat!("position, effect, key, slot, attempts, reason, retry_at - ", now!(), ", skipped")
    };
}

pub(super) use parked_columns;

pub(super) fn parked(row: &Row<'_>, consumer: &ConsumerId) -> Result<Parked> {
    unsigned(row, 3)?;
    Ok(Parked {
        consumer: consumer.clone(),
        position: position(row, 0)?.ok_or_else(|| nonsense(0))?,
        index: row.get(1)?,
        key: row.get(2)?,
        attempts: row.get(4)?,
        reason: row.get(5)?,
        retry_in: row.get::<_, Option<i64>>(6)?.map(duration),
        skipped: row.get(7)?,
    })
}
