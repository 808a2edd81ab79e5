//! What the tables hold, as it is read back. What was never written is an error.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Duration,
};

use factos::{Anchor, EventId, SequencePosition};
use factos_consumer::port::{
    ConsumerId, ConsumerRow, ConsumerState, PartitionRow, PortError, ProcessId, Resize, Succession,
};
use sqlx::{Decode, PgConnection, Postgres, Row as _, Type, postgres::PgRow};

use super::{
    condition::{is_free, microseconds_until},
    literal::unescaped,
    session::Operation,
    statement::{failed, fetch},
    tables::{Tables, check_format},
};

/// A row, and what an error calls it.
#[derive(Clone, Copy)]
pub(super) struct Read<'r> {
    row: &'r PgRow,
    what: &'static str,
}

impl<'r> Read<'r> {
    pub(super) const fn new(row: &'r PgRow, what: &'static str) -> Self {
        Self { row, what }
    }

    pub(super) fn get<T: Decode<'r, Postgres> + Type<Postgres>>(
        self,
        column: &str,
    ) -> Result<T, PortError> {
        self.row.try_get(column).map_err(|error| match error {
            sqlx::Error::ColumnDecode { .. } => self.damaged(column),
            error => failed(error),
        })
    }

    pub(super) fn damaged(self, column: &str) -> PortError {
        PortError::Damaged { what: format!("{}, in {column}", self.what) }
    }

    /// A number of 32 bits.
    pub(super) fn number(self, column: &str) -> Result<u32, PortError> {
        u32::try_from(self.get::<i64>(column)?).map_err(|_| self.damaged(column))
    }

    pub(super) fn position(self, column: &str) -> Result<Option<SequencePosition>, PortError> {
        let Some(position) = self.get::<Option<i64>>(column)? else { return Ok(None) };
        let position = u64::try_from(position).ok().and_then(SequencePosition::new);
        position.map(Some).ok_or_else(|| self.damaged(column))
    }

    pub(super) fn consumer(self) -> Result<ConsumerId, PortError> {
        Ok(ConsumerId::new(self.text("name")?, self.number("version")?))
    }

    pub(super) fn state(self) -> Result<ConsumerState, PortError> {
        let state = ConsumerState::of_name(self.get("state")?);
        state.ok_or_else(|| self.damaged("state"))
    }

    pub(super) fn succession(self) -> Result<Succession, PortError> {
        match self.get("succession")? {
            REBUILD => Ok(Succession::Rebuild),
            TAKE_OVER => Ok(Succession::TakeOver),
            _ => Err(self.damaged("succession")),
        }
    }

    pub(super) fn resize(self) -> Result<Option<Resize>, PortError> {
        if self.get::<Option<i64>>("resize_to")?.is_none() {
            return Ok(None);
        }
        let (partitions, until) = (self.number("resize_to")?, self.position("resize_until")?);
        if partitions == 0 {
            return Err(self.damaged("resize_to"));
        }
        Ok(Some(Resize { partitions, until }))
    }

    /// Where a partition stands, by its columns `log_id`, `position` and `event_id` as text.
    pub(super) fn anchor(self) -> Result<Option<Anchor>, PortError> {
        let log_id = self.optional_text("log_id")?;
        let event_id: Option<&str> = self.get("event_id")?;
        match (log_id, self.position("position")?, event_id) {
            (None, None, None) => Ok(None),
            (Some(log_id), Some(position), Some(event_id)) => {
                let id: EventId = event_id.parse().map_err(|_| self.damaged("event_id"))?;
                Ok(Some(Anchor::new(log_id, position, id)))
            }
            _ => Err(self.damaged("position")),
        }
    }

    /// A time that is so many microseconds away, or past.
    pub(super) fn pause(self, column: &str) -> Result<Option<Duration>, PortError> {
        let pause: Option<i64> = self.get(column)?;
        Ok(pause.map(|pause| Duration::from_micros(u64::try_from(pause).unwrap_or(0))))
    }

    pub(super) fn text(self, column: &str) -> Result<String, PortError> {
        self.optional_text(column)?.ok_or_else(|| self.damaged(column))
    }

    pub(super) fn optional_text(self, column: &str) -> Result<Option<String>, PortError> {
        let Some(text) = self.get::<Option<&str>>(column)? else { return Ok(None) };
        unescaped(text).map(Some).ok_or_else(|| self.damaged(column))
    }

    /// A version, without its partitions.
    fn version(self, consumer: ConsumerId) -> Result<ConsumerRow, PortError> {
        Ok(ConsumerRow {
            consumer,
            state: self.state()?,
            succession: self.succession()?,
            resize: self.resize()?,
            partitions: Vec::new(),
            retry_in: self.pause("retry_in")?,
        })
    }

    fn partition(self) -> Result<Option<PartitionRow>, PortError> {
        if self.get::<Option<i64>>("number")?.is_none() {
            return Ok(None);
        }
        Ok(Some(PartitionRow {
            number: self.number("number")?,
            owner: self.optional_text("owner")?.map(ProcessId),
            free_in: self.pause("free_in")?.unwrap_or_default(),
            position: self.position("position")?,
            error: self.optional_text("error")?,
        }))
    }
}

/// The keys in these rows.
pub(super) fn keys(rows: &[PgRow]) -> Result<Vec<String>, PortError> {
    let keys = rows.iter().map(|row| Read::new(row, "a parked event").optional_text("key"));
    keys.filter_map(Result::transpose).collect()
}

const REBUILD: &str = "rebuild";
const TAKE_OVER: &str = "take_over";

pub(super) const fn name_of(succession: Succession) -> &'static str {
    match succession {
        Succession::Rebuild => REBUILD,
        Succession::TakeOver => TAKE_OVER,
    }
}

/// The columns of a version beside one of its partitions.
pub(super) fn consumer_columns() -> String {
    format!(
        "c.name, c.version, c.state, c.succession, c.resize_to, c.resize_until, p.number, \
         CASE WHEN {free} THEN NULL ELSE p.owner END AS owner, \
         CASE WHEN {free} THEN 0 ELSE {free_in} END AS free_in, \
         p.position, p.error, {retry_in} AS retry_in",
        free = is_free("p"),
        free_in = microseconds_until("p.leased_until"),
        retry_in = microseconds_until("k.retry_at"),
    )
}

/// Where [`consumer_columns`] come from.
pub(super) fn consumers_from(tables: &Tables) -> String {
    let Tables { consumer, partition, parked, .. } = tables;
    let eq = "OPERATOR(pg_catalog.=)";
    format!(
        "{consumer} c
         LEFT JOIN {partition} p ON p.name {eq} c.name AND p.version {eq} c.version
         LEFT JOIN LATERAL (SELECT pg_catalog.min(k.retry_at) AS retry_at FROM {parked} k
             WHERE k.name {eq} c.name AND k.version {eq} c.version AND k.is_first) k ON true"
    )
}

/// The versions that these rows tell of.
pub(super) fn consumers<'r>(
    rows: impl IntoIterator<Item = &'r PgRow>,
) -> Result<BTreeMap<ConsumerId, ConsumerRow>, PortError> {
    let mut consumers: BTreeMap<ConsumerId, ConsumerRow> = BTreeMap::new();
    for row in rows {
        let row = Read::new(row, "a consumer");
        let id = row.consumer()?;
        let consumer = match consumers.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let consumer = row.version(new.key().clone())?;
                new.insert(consumer)
            }
        };
        consumer.partitions.extend(row.partition()?);
    }
    for consumer in consumers.values_mut() {
        consumer.partitions.sort_unstable_by_key(|partition| partition.number);
    }
    Ok(consumers)
}

/// Reads all versions of all consumers.
#[derive(Debug)]
pub(super) struct ReadConsumers;

impl Operation for ReadConsumers {
    type Output = Vec<ConsumerRow>;

    async fn run(
        self,
        connection: &mut PgConnection,
        tables: &Tables,
    ) -> Result<Vec<ConsumerRow>, PortError> {
        check_format(connection, tables).await?;
        let sql = format!("SELECT {} FROM {}", consumer_columns(), consumers_from(tables));
        let rows = fetch(connection, sql).await?;
        Ok(consumers(&rows)?.into_values().collect())
    }
}
