use std::collections::BTreeMap;

use factos::SequencePosition;
use factos_consumer::port::{Advance, ConsumerId, NewParked, PortError, Settled, Step};
use sqlx::PgConnection;

use super::{
    condition::{EQ, of_consumer, of_partition},
    key_order::refresh,
    lease::is_held,
    literal::{Text, array, microseconds, nullable, number},
    row::{Read, keys},
    session::Operation,
    statement::{execute, failed, fetch, fetch_one},
    tables::{Tables, check},
};

/// A partition that is changed between two looks at it is looked at again so often.
const TRIES: u32 = 3;

/// Makes a step, up to what the consumer writes. The row of the partition is locked from then on.
#[derive(Debug)]
pub(super) struct MakeStep<'a>(pub(super) &'a Step);

impl Operation for MakeStep<'_> {
    type Output = ();

    async fn run(self, connection: &mut PgConnection, tables: &Tables) -> Result<(), PortError> {
        let step = self.0;
        let mut tries = 0;
        while !advance(connection, tables, step).await? {
            refusal(connection, tables, step).await?;
            tries += 1;
            if tries == TRIES {
                return Err(failed(sqlx::Error::RowNotFound));
            }
        }
        let id = &step.partition.consumer;
        if !step.park.is_empty() {
            park(connection, tables, id, &step.park).await?;
        }
        let mut gone = Vec::new();
        if !step.settle.is_empty() {
            gone = settle(connection, tables, id, &step.settle).await?;
        }
        let mut keys: Vec<&str> = gone.iter().map(String::as_str).collect();
        keys.extend(step.park.iter().filter_map(|event| event.key.as_deref()));
        refresh(connection, tables, id, &keys).await
    }
}

/// Compares the token and the position, and moves the partition. Whether all was as it must be.
async fn advance(
    connection: &mut PgConnection,
    tables: &Tables,
    step: &Step,
) -> Result<bool, PortError> {
    let (values, is_there) = match &step.advance {
        None => (String::new(), "true".to_owned()),
        Some(Advance { from, to }) => {
            let (log_id, position) = (Text(to.log_id()), number(to.position()));
            let values = format!(
                ", log_id = {log_id}, position = {position}, event_id = '{}'::pg_catalog.uuid",
                to.event_id()
            );
            let is_there = match from {
                None => "p.position IS NULL".to_owned(),
                Some(from) => format!(
                    "p.position {EQ} {}::pg_catalog.int8 AND p.log_id {EQ} {log_id}",
                    number(*from)
                ),
            };
            (values, is_there)
        }
    };
    let sql = format!(
        "UPDATE {} p SET error = NULL{values} WHERE {} AND {is_there} AND {}",
        tables.partition,
        is_held("p", &step.partition, step.token),
        tables.is_format_known()
    );
    Ok(execute(connection, sql).await? == 1)
}

/// Why a partition did not move; nothing if it would by now.
async fn refusal(
    connection: &mut PgConnection,
    tables: &Tables,
    step: &Step,
) -> Result<(), PortError> {
    let Step { partition, token, .. } = step;
    let sql = format!(
        "SELECT f.format, p.log_id, p.position, p.event_id::pg_catalog.text AS event_id,
           COALESCE({}, false) AS is_held
         FROM {} f LEFT JOIN {} p ON {}",
        is_held("p", partition, *token),
        tables.format,
        tables.partition,
        of_partition("p", partition)
    );
    let row = fetch_one(connection, sql).await?;
    let row = Read::new(&row, "a partition");
    check(row.get("format")?)?;
    if !row.get::<bool>("is_held")? {
        return Err(PortError::LeaseLost(partition.clone()));
    }
    let Some(Advance { from, to }) = &step.advance else { return Ok(()) };
    let kept = row.anchor()?;
    let found = kept.as_ref().map(factos::Anchor::position);
    match kept {
        Some(kept) if kept.log_id() != to.log_id() => Err(PortError::OtherLog {
            partition: partition.clone(),
            kept: kept.log_id().to_owned(),
            found: to.log_id().to_owned(),
        }),
        _ if found != *from => {
            Err(PortError::Moved { partition: partition.clone(), expected: *from, found })
        }
        _ => Ok(()),
    }
}

/// Parks events, but for those that are parked already.
async fn park(
    connection: &mut PgConnection,
    tables: &Tables,
    id: &ConsumerId,
    events: &[NewParked],
) -> Result<(), PortError> {
    let key = |event: &NewParked| nullable(event.key.as_deref().map(Text));
    let retries = events.iter().map(|event| nullable(event.failure.retry_in.map(microseconds)));
    let reasons = events.iter().map(|event| Text(&event.failure.reason));
    let sql = format!(
        "INSERT INTO {} (name, version, position, effect, key, slot, attempts, reason, retry_at, is_first)
         SELECT {}, {}, e.position, e.effect, e.key, e.slot, e.attempts, e.reason, {}, e.key IS NULL
         FROM ROWS FROM (pg_catalog.unnest({}), pg_catalog.unnest({}), pg_catalog.unnest({}),
           pg_catalog.unnest({}), pg_catalog.unnest({}), pg_catalog.unnest({}), pg_catalog.unnest({}))
           AS e (position, effect, key, slot, attempts, reason, retry_in)
         ORDER BY e.position ON CONFLICT DO NOTHING",
        tables.parked,
        Text(&id.name),
        id.version,
        retry_at("e"),
        array("int8", events.iter().map(|event| number(event.position))),
        array("int8", events.iter().map(|event| event.index)),
        array("text", events.iter().map(key)),
        array("int8", events.iter().map(|event| event.slot.cast_signed())),
        array("int8", events.iter().map(|event| event.failure.attempts)),
        array("text", reasons),
        array("int8", retries),
    );
    execute(connection, sql).await.map(drop)
}

/// The time that is so many microseconds away as a row says.
fn retry_at(row: &str) -> String {
    format!(
        "pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) ({row}.retry_in::pg_catalog.float8
           OPERATOR(pg_catalog.*) '1 microsecond'::pg_catalog.interval)"
    )
}

/// Keeps what became of events that had been parked. The keys of those that are parked no more.
async fn settle(
    connection: &mut PgConnection,
    tables: &Tables,
    id: &ConsumerId,
    settled: &[Settled],
) -> Result<Vec<String>, PortError> {
    let (parked, is_it, settled) = (&tables.parked, of_consumer("k", id), last_of_each(settled));
    let mut done = Vec::new();
    let mut failed = Vec::new();
    for settled in settled.into_values() {
        match settled {
            Settled::Done(position) => done.push(number(*position)),
            Settled::Failed { position, index, failure } => {
                failed.push((number(*position), *index, failure));
            }
        }
    }
    if !failed.is_empty() {
        let retries = failed.iter().map(|(.., failure)| failure.retry_in.map(microseconds));
        let sql = format!(
            "UPDATE {parked} k
               SET effect = e.effect, attempts = e.attempts, reason = e.reason, retry_at = {}
             FROM ROWS FROM (pg_catalog.unnest({}), pg_catalog.unnest({}), pg_catalog.unnest({}),
               pg_catalog.unnest({}), pg_catalog.unnest({}))
               AS e (position, effect, attempts, reason, retry_in)
             WHERE {is_it} AND k.position {EQ} e.position",
            retry_at("e"),
            array("int8", failed.iter().map(|(position, ..)| position)),
            array("int8", failed.iter().map(|(_, index, _)| index)),
            array("int8", failed.iter().map(|(.., failure)| failure.attempts)),
            array("text", failed.iter().map(|(.., failure)| Text(&failure.reason))),
            array("int8", retries.map(nullable)),
        );
        execute(connection, sql).await?;
    }
    let sql = format!(
        "DELETE FROM {parked} k WHERE {is_it} AND k.position {EQ} ANY ({}) RETURNING k.key",
        array("int8", done)
    );
    keys(&fetch(connection, sql).await?)
}

/// What became of each event in the end: one that is done with does not fail any more.
fn last_of_each(settled: &[Settled]) -> BTreeMap<SequencePosition, &Settled> {
    let mut last = BTreeMap::new();
    for settled in settled {
        let (Settled::Done(position) | Settled::Failed { position, .. }) = settled;
        let entry = last.entry(*position).or_insert(settled);
        if !matches!(*entry, Settled::Done(_)) {
            *entry = settled;
        }
    }
    last
}
