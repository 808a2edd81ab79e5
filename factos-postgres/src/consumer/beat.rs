//! The sign of life of a process: one message to the server, in a transaction of the server's own.
//!
//! It waits for no partition. A step that is under way keeps the row of its partition locked, maybe for long, and meanwhile
//! the process must not be taken for dead, nor its other leases run out.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use factos_consumer::port::{
    Beat, ConsumerId, ConsumerRow, LiveProcess, PartitionId, PortError, ProcessId, Snapshot, Token,
};
use sqlx::{Row, postgres::PgRow};

use super::{
    condition::EQ,
    lease::is_alive,
    literal::{Text, array, from_now},
    readiness::is_ready,
    row::{self, Read},
    statement::failed,
    tables::{Tables, check, no_format},
};

/// What the server answers to a beat.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) processes: Vec<LiveProcess>,
    pub(super) consumers: Vec<ConsumerRow>,
    pub(super) lost: Vec<PartitionId>,
    /// Leases that are held, and were not renewed as their rows are locked.
    pub(super) locked: Vec<(PartitionId, Token)>,
    /// The names of consumers of which something waits no more for leases to end.
    pub(super) ready: BTreeSet<String>,
}

impl Heard {
    pub(super) fn into_snapshot(self) -> Snapshot {
        Snapshot { processes: self.processes, consumers: self.consumers, lost: self.lost }
    }
}

// What a row of the answer tells.
const RENEWED: i32 = 0;
const FORMAT: i32 = 1;
const CONSUMER: i32 = 2;
const PROCESS: i32 = 3;
const LOST: i32 = 4;
const READY: i32 = 5;

/// The statements of a beat. More than one are a transaction, whose level the first one sets.
pub(super) fn sql(beat: &Beat, tables: &Tables) -> String {
    format!(
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE; {}; {}",
        renewal(beat, tables),
        question(beat, tables)
    )
}

/// Renews the leases whose rows nobody has locked, and the life of the process.
fn renewal(beat: &Beat, tables: &Tables) -> String {
    let Tables { partition, process, .. } = tables;
    let until = from_now(beat.lease);
    let is_known = tables.is_format_known();
    format!(
        "WITH held AS ({held}),
         free AS (SELECT p.name, p.version, p.number FROM {partition} p JOIN held h ON {is_held}
             WHERE {is_known}
             ORDER BY p.name, p.version, p.number FOR NO KEY UPDATE OF p SKIP LOCKED),
         renewed AS (UPDATE {partition} p SET leased_until = {until} FROM free h WHERE {is_it}
             RETURNING p.name, p.version, p.number),
         alive AS (INSERT INTO {process} AS r (process, serves_name, serves_version, alive_until)
             SELECT {id}, {names}, {versions}, {until} WHERE {is_known}
             ON CONFLICT (process) DO UPDATE SET serves_name = excluded.serves_name,
               serves_version = excluded.serves_version, alive_until = {until})
         SELECT {RENEWED} AS kind, w.name, w.version, w.number FROM renewed w",
        held = held(beat),
        is_held = is_held("p", "h"),
        is_it = is_same_partition("p", "h"),
        id = Text(&beat.process.0),
        names = array("text", beat.serves.iter().map(|id| Text(&id.name))),
        versions = array("int8", beat.serves.iter().map(|id| id.version)),
    )
}

/// Asks for what there is, in one statement, so that all of it is as of one moment.
fn question(beat: &Beat, tables: &Tables) -> String {
    let Tables { consumer, partition, process, format, .. } = tables;
    let none = "NULL::pg_catalog.int8";
    let no_text = "NULL::pg_catalog.text";
    let rest = format!("{no_text}, {no_text}, {none}, {none}");
    let after = format!("{none}, {none}, {no_text}, {none}");
    format!(
        "WITH held AS ({held}), served AS ({served})
         SELECT {FORMAT} AS kind, {no_text} AS name, f.format AS version, {no_text} AS state,
             {no_text} AS succession, {none} AS resize_to, {none} AS resize_until, {none} AS number,
             {no_text} AS owner, {none} AS free_in, {none} AS position, {no_text} AS error,
             {none} AS retry_in
           FROM {format} f
         UNION ALL SELECT {CONSUMER}, {columns} FROM {from}
           WHERE c.state OPERATOR(pg_catalog.<>) 'retired'
             AND EXISTS (SELECT FROM served s
               WHERE s.name {EQ} c.name AND s.version {EQ} c.version)
         UNION ALL SELECT {PROCESS}, s.name, s.version, {rest}, s.place, r.process, {after}
           FROM {process} r LEFT JOIN LATERAL ROWS FROM (pg_catalog.unnest(r.serves_name),
               pg_catalog.unnest(r.serves_version)) WITH ORDINALITY AS s (name, version, place) ON true
           WHERE {is_alive}
         UNION ALL SELECT {LOST}, h.name, h.version, {rest}, h.number, {no_text}, {after}
           FROM held h WHERE NOT EXISTS (SELECT FROM {partition} p WHERE {is_held})
         UNION ALL SELECT {READY}, c.name, c.version, {rest}, {none}, {no_text}, {after}
           FROM {consumer} c WHERE EXISTS (SELECT FROM served s WHERE s.name {EQ} c.name) AND {is_ready}",
        held = held(beat),
        served = pairs(&beat.serves),
        columns = row::consumer_columns(),
        from = row::consumers_from(tables),
        is_alive = is_alive("r"),
        is_held = is_held("p", "h"),
        is_ready = is_ready("c", tables),
    )
}

/// The leases that the process goes on with.
fn held(beat: &Beat) -> String {
    let of = |column: fn(&(PartitionId, Token)) -> i64| array("int8", beat.held.iter().map(column));
    format!(
        "SELECT * FROM ROWS FROM (pg_catalog.unnest({}), pg_catalog.unnest({}),
           pg_catalog.unnest({}), pg_catalog.unnest({})) AS h (name, version, number, token)",
        array("text", beat.held.iter().map(|(partition, _)| Text(&partition.consumer.name))),
        of(|(partition, _)| partition.consumer.version.into()),
        of(|(partition, _)| partition.number.into()),
        of(|(_, token)| token.0.cast_signed())
    )
}

fn pairs(consumers: &[ConsumerId]) -> String {
    format!(
        "SELECT * FROM ROWS FROM (pg_catalog.unnest({}), pg_catalog.unnest({})) AS s (name, version)",
        array("text", consumers.iter().map(|id| Text(&id.name))),
        array("int8", consumers.iter().map(|id| id.version))
    )
}

fn is_same_partition(one: &str, other: &str) -> String {
    format!(
        "{one}.name {EQ} {other}.name AND {one}.version {EQ} {other}.version
         AND {one}.number {EQ} {other}.number"
    )
}

fn is_held(row: &str, lease: &str) -> String {
    let is_it = is_same_partition(row, lease);
    format!("{is_it} AND {row}.token {EQ} {lease}.token AND {row}.owner IS NOT NULL")
}

/// What the rows of the answer tell.
pub(super) fn heard(beat: &Beat, rows: &[PgRow]) -> Result<Heard, PortError> {
    let mut consumers = Vec::new();
    let mut heard = Heard {
        processes: Vec::new(),
        consumers: Vec::new(),
        lost: Vec::new(),
        locked: Vec::new(),
        ready: BTreeSet::new(),
    };
    let mut format = None;
    let mut renewed = HashSet::new();
    let mut processes: BTreeMap<ProcessId, Vec<(i64, ConsumerId)>> = BTreeMap::new();
    for row in rows {
        let read = Read::new(row, "a consumer");
        match row.try_get::<i32, _>(0).map_err(failed)? {
            RENEWED => drop(renewed.insert(partition(read)?)),
            FORMAT => format = Some(read.get("version")?),
            CONSUMER => consumers.push(row),
            PROCESS => {
                let row = Read::new(row, "a process");
                let serves = processes.entry(ProcessId(row.text("owner")?)).or_default();
                serves.extend(served(row)?);
            }
            LOST => heard.lost.push(partition(read)?),
            _ => drop(heard.ready.insert(read.text("name")?)),
        }
    }
    check(format.ok_or_else(no_format)?)?;
    heard.processes = processes.into_iter().map(live_process).collect();
    let consumers = row::consumers(consumers)?;
    // In the order in which they were asked for.
    let served = beat.serves.iter().filter_map(|id| consumers.get(id));
    heard.consumers = served.cloned().collect();
    let is_locked =
        |partition: &PartitionId| !renewed.contains(partition) && !heard.lost.contains(partition);
    let locked = beat.held.iter().filter(|(partition, _)| is_locked(partition)).cloned();
    heard.locked = locked.collect();
    Ok(heard)
}

/// One of the consumers that a process can run, and which of them; none if it can run none.
fn served(row: Read<'_>) -> Result<Option<(i64, ConsumerId)>, PortError> {
    let Some(place) = row.get::<Option<i64>>("number")? else { return Ok(None) };
    Ok(Some((place, row.consumer()?)))
}

fn live_process((process, mut serves): (ProcessId, Vec<(i64, ConsumerId)>)) -> LiveProcess {
    serves.sort_unstable_by_key(|(place, _)| *place);
    LiveProcess { process, serves: serves.into_iter().map(|(_, id)| id).collect() }
}

fn partition(row: Read<'_>) -> Result<PartitionId, PortError> {
    Ok(PartitionId { consumer: row.consumer()?, number: row.number("number")? })
}
