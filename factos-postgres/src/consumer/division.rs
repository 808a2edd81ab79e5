//! The partitions of a version.

use factos::{Anchor, SequencePosition};
use factos_consumer::port::{ConsumerId, PortError};
use sqlx::PgConnection;

use super::{
    condition::{EQ, is_free, of_consumer},
    literal::{Text, array, nullable, number},
    row::Read,
    statement::{execute, fetch},
    tables::Tables,
};

/// The partitions of a version.
#[derive(Debug)]
pub(super) struct Division(Vec<Partition>);

#[derive(Debug)]
struct Partition {
    anchor: Option<Anchor>,
    token: i64,
    is_free: bool,
}

impl Division {
    pub(super) async fn read(
        connection: &mut PgConnection,
        tables: &Tables,
        id: &ConsumerId,
    ) -> Result<Self, PortError> {
        let sql = format!(
            "SELECT p.log_id, p.position, p.event_id::pg_catalog.text AS event_id, p.token, {} AS is_free
             FROM {} p WHERE {} ORDER BY p.number",
            is_free("p"),
            tables.partition,
            of_consumer("p", id)
        );
        let rows = fetch(connection, sql).await?;
        let partitions = rows.iter().map(|row| {
            let row = Read::new(row, "a partition");
            let (token, is_free) = (row.get("token")?, row.get("is_free")?);
            Ok(Partition { anchor: row.anchor()?, token, is_free })
        });
        partitions.collect::<Result<_, _>>().map(Self)
    }

    /// Waits for the steps of these versions of one name, and reads what they have left.
    pub(super) async fn lock(
        connection: &mut PgConnection,
        tables: &Tables,
        name: &str,
        versions: &[u32],
    ) -> Result<(), PortError> {
        let versions = array("int8", versions);
        let sql = format!(
            "SELECT FROM {} p WHERE p.name {EQ} {} AND p.version {EQ} ANY ({versions})
             ORDER BY p.version, p.number FOR UPDATE",
            tables.partition,
            Text(name)
        );
        execute(connection, sql).await.map(drop)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// How far the partition is that has come furthest.
    pub(super) fn highest(&self) -> Option<&Anchor> {
        let anchors = self.0.iter().filter_map(|partition| partition.anchor.as_ref());
        anchors.max_by_key(|anchor| anchor.position())
    }

    /// Whether there are some, every one has come so far, and none is leased.
    pub(super) fn is_drained(&self, until: Option<SequencePosition>) -> bool {
        let position = |partition: &Partition| partition.anchor.as_ref().map(Anchor::position);
        let is_there = self.0.iter().all(|partition| position(partition) >= until);
        !self.0.is_empty() && is_there && self.is_free()
    }

    /// Whether none is leased.
    pub(super) fn is_free(&self) -> bool {
        self.0.iter().all(|partition| partition.is_free)
    }

    /// The highest token that was given for one of them.
    pub(super) fn last_token(&self) -> i64 {
        self.0.iter().map(|partition| partition.token).max().unwrap_or(0)
    }
}

/// Makes the partitions of a version that has none. Tokens go on above this one.
pub(super) async fn divide(
    connection: &mut PgConnection,
    tables: &Tables,
    id: &ConsumerId,
    partitions: u32,
    anchor: Option<&Anchor>,
    last_token: i64,
) -> Result<(), PortError> {
    let log_id = nullable(anchor.map(|anchor| Text(anchor.log_id())));
    let position = nullable(anchor.map(|anchor| number(anchor.position())));
    let event_id = anchor.map(|anchor| format!("'{}'", anchor.event_id()));
    let sql = format!(
        "INSERT INTO {} (name, version, number, log_id, position, event_id, token)
         SELECT {}, {}, number, {log_id}, {position}, {}::pg_catalog.uuid, {last_token}
         FROM pg_catalog.generate_series(0::pg_catalog.int8, {}::pg_catalog.int8) AS number",
        tables.partition,
        Text(&id.name),
        id.version,
        nullable(event_id),
        i64::from(partitions.max(1)) - 1
    );
    execute(connection, sql).await.map(drop)
}

/// Ends every lease of a version. No step under a token from before changes anything.
pub(super) async fn end_leases(
    connection: &mut PgConnection,
    tables: &Tables,
    id: &ConsumerId,
) -> Result<(), PortError> {
    let sql = format!(
        "UPDATE {} p SET owner = NULL, leased_until = NULL WHERE {}",
        tables.partition,
        of_consumer("p", id)
    );
    execute(connection, sql).await.map(drop)
}

/// Removes the partitions of a version, whose rows are locked. The version remembers their last token.
pub(super) async fn remove(
    connection: &mut PgConnection,
    tables: &Tables,
    id: &ConsumerId,
) -> Result<(), PortError> {
    let Tables { consumer, partition, .. } = tables;
    let (of_c, of_p) = (of_consumer("c", id), of_consumer("p", id));
    let sql = format!(
        "UPDATE {consumer} c SET last_token = GREATEST(c.last_token,
             (SELECT pg_catalog.max(p.token) FROM {partition} p WHERE {of_p})) WHERE {of_c};
         DELETE FROM {partition} p WHERE {of_p}"
    );
    execute(connection, sql).await.map(drop)
}
