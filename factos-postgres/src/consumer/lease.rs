use std::time::Duration;

use factos_consumer::port::{
    ConsumerState, Grant, PartitionId, PortError, ProcessId, Resize, Token, Until,
};
use sqlx::PgConnection;

use super::{
    condition::{EQ, NOW, is_free, is_of_slot, of_consumer, of_partition},
    literal::{Text, from_now},
    readiness::is_ready,
    row::{Read, keys},
    session::{Begin, Operation},
    statement::{execute, fetch, fetch_one, fetch_optional},
    tables::{Tables, check, check_format},
};

/// A token above all before, and above those that a standby never heard of before it became the primary.
const NEXT_TOKEN: &str = "GREATEST(p.token OPERATOR(pg_catalog.+) 1::pg_catalog.int8, \
    (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) \
     OPERATOR(pg_catalog.*) 1000000::pg_catalog.float8)::pg_catalog.int8)";

/// Leases a partition.
#[derive(Debug)]
pub(super) struct Acquire<'a> {
    pub(super) process: &'a ProcessId,
    pub(super) partition: &'a PartitionId,
    pub(super) lease: Duration,
}

#[derive(Debug)]
pub(super) enum Acquired {
    Granted(Box<Grant>),
    NotFree,
    /// Something else is to be done first, which has waited for leases to end.
    IsReady,
}

/// How the version of a partition stands.
#[derive(Debug)]
struct Version {
    state: ConsumerState,
    resize: Option<Resize>,
    /// Whether something of its name has waited for leases to end, which have.
    is_ready: bool,
}

impl Operation for Acquire<'_> {
    type Output = Acquired;

    const BEGIN: Begin = Begin::Brief;

    async fn run(
        self,
        connection: &mut PgConnection,
        tables: &Tables,
    ) -> Result<Acquired, PortError> {
        let Some(version) = self.version(connection, tables).await? else {
            return Ok(Acquired::NotFree);
        };
        if version.is_ready {
            return Ok(Acquired::IsReady);
        }
        if version.state == ConsumerState::Retired {
            return Ok(Acquired::NotFree);
        }
        if !self.lock(connection, tables).await? {
            return Ok(Acquired::NotFree);
        }
        // The lease that was waited for may have run out only just now.
        if self.is_ready(connection, tables).await? {
            return Ok(Acquired::IsReady);
        }
        let mut grant = self.take(connection, tables).await?;
        grant.resize = version.resize.map(|resize| Until(resize.until));
        grant.blocked = self.blocked(connection, tables, grant.partitions).await?;
        Ok(Acquired::Granted(Box::new(grant)))
    }
}

impl Acquire<'_> {
    /// How the version stands, and stays until the end of the transaction.
    async fn version(
        &self,
        connection: &mut PgConnection,
        tables: &Tables,
    ) -> Result<Option<Version>, PortError> {
        let sql = format!(
            "SELECT f.format, c.state, c.resize_to, c.resize_until, {} AS is_ready
             FROM {} f, {} c WHERE {} FOR SHARE OF c",
            self.ready(tables),
            tables.format,
            tables.consumer,
            of_consumer("c", &self.partition.consumer)
        );
        let Some(row) = fetch_optional(connection, sql).await? else {
            return check_format(connection, tables).await.map(|()| None);
        };
        let row = Read::new(&row, "a consumer");
        check(row.get("format")?)?;
        let (state, resize) = (row.state()?, row.resize()?);
        Ok(Some(Version { state, resize, is_ready: row.get("is_ready")? }))
    }

    /// Locks the partition if it is free, also once a step has ended that has it locked.
    async fn lock(
        &self,
        connection: &mut PgConnection,
        tables: &Tables,
    ) -> Result<bool, PortError> {
        let sql = format!(
            "SELECT true FROM {} p WHERE {} AND {} FOR UPDATE",
            tables.partition,
            of_partition("p", self.partition),
            is_free("p")
        );
        Ok(fetch_optional(connection, sql).await?.is_some())
    }

    /// Whether something of the name of the version can be done now that has waited for leases to end.
    async fn is_ready(
        &self,
        connection: &mut PgConnection,
        tables: &Tables,
    ) -> Result<bool, PortError> {
        let row =
            fetch_one(connection, format!("SELECT {} AS is_ready", self.ready(tables))).await?;
        Read::new(&row, "a consumer").get("is_ready")
    }

    fn ready(&self, tables: &Tables) -> String {
        let name = Text(&self.partition.consumer.name);
        let is_ready = is_ready("v", tables);
        format!(
            "EXISTS (SELECT FROM {} v WHERE v.name {EQ} {name} AND {is_ready})",
            tables.consumer
        )
    }

    /// Takes the lease of the locked partition, from now on.
    async fn take(
        &self,
        connection: &mut PgConnection,
        tables: &Tables,
    ) -> Result<Grant, PortError> {
        let partition = &tables.partition;
        let sql = format!(
            "UPDATE {partition} p SET owner = {}, leased_until = {}, token = {NEXT_TOKEN} WHERE {}
             RETURNING p.token, p.log_id, p.position, p.event_id::pg_catalog.text AS event_id,
               (SELECT pg_catalog.count(*) FROM {partition} q WHERE {}) AS partitions",
            Text(&self.process.0),
            from_now(self.lease),
            of_partition("p", self.partition),
            of_consumer("q", &self.partition.consumer)
        );
        let row = fetch_one(connection, sql).await?;
        let row = Read::new(&row, "a partition");
        let token = u64::try_from(row.get::<i64>("token")?).map_err(|_| row.damaged("token"))?;
        Ok(Grant {
            token: Token(token),
            partitions: row.number("partitions")?,
            anchor: row.anchor()?,
            resize: None,
            blocked: Vec::new(),
        })
    }

    /// The keys with parked events. It is looked for once the lock is there: a step before may have parked some.
    async fn blocked(
        &self,
        connection: &mut PgConnection,
        tables: &Tables,
        partitions: u32,
    ) -> Result<Vec<String>, PortError> {
        let PartitionId { consumer, number } = self.partition;
        let sql = format!(
            "SELECT k.key FROM {} k WHERE {} AND k.is_first AND k.key IS NOT NULL AND {}",
            tables.parked,
            of_consumer("k", consumer),
            is_of_slot("k", *number, partitions)
        );
        let mut keys = keys(&fetch(connection, sql).await?)?;
        keys.sort_unstable();
        Ok(keys)
    }
}

/// The condition that the lease of a partition still has this token.
pub(super) fn is_held(row: &str, partition: &PartitionId, token: Token) -> String {
    let is_it = of_partition(row, partition);
    format!("{is_it} AND {row}.token {EQ} {}::pg_catalog.int8 AND {row}.owner IS NOT NULL", token.0)
}

/// Gives a lease back.
#[derive(Debug)]
pub(super) struct Release<'a>(pub(super) &'a PartitionId, pub(super) Token);

impl Operation for Release<'_> {
    type Output = ();

    async fn run(self, connection: &mut PgConnection, tables: &Tables) -> Result<(), PortError> {
        check_format(connection, tables).await?;
        let (partition, is_held) = (&tables.partition, is_held("p", self.0, self.1));
        let sql =
            format!("UPDATE {partition} p SET owner = NULL, leased_until = NULL WHERE {is_held}");
        execute(connection, sql).await.map(drop)
    }
}

/// Renews a lease once nothing has its row locked. Whether it still was held.
#[derive(Debug)]
pub(super) struct Renew<'a> {
    pub(super) partition: &'a PartitionId,
    pub(super) token: Token,
    pub(super) lease: Duration,
}

impl Operation for Renew<'_> {
    type Output = bool;

    async fn run(self, connection: &mut PgConnection, tables: &Tables) -> Result<bool, PortError> {
        // In two statements: the time counts from when the lock is there.
        let is_held = is_held("p", self.partition, self.token);
        let lock = format!("SELECT FROM {} p WHERE {is_held} FOR NO KEY UPDATE", tables.partition);
        execute(connection, lock).await?;
        renew(connection, tables, self.partition, self.token, self.lease).await
    }
}

/// Renews a lease whose row is locked. Whether it still was held.
pub(super) async fn renew(
    connection: &mut PgConnection,
    tables: &Tables,
    partition: &PartitionId,
    token: Token,
    lease: Duration,
) -> Result<bool, PortError> {
    let (until, is_held) = (from_now(lease), is_held("p", partition, token));
    let sql = format!("UPDATE {} p SET leased_until = {until} WHERE {is_held}", tables.partition);
    Ok(execute(connection, sql).await? == 1)
}

/// Keeps what went wrong with a partition.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) partition: &'a PartitionId,
    pub(super) token: Token,
    pub(super) error: &'a str,
}

impl Operation for Report<'_> {
    type Output = ();

    async fn run(self, connection: &mut PgConnection, tables: &Tables) -> Result<(), PortError> {
        check_format(connection, tables).await?;
        let is_held = is_held("p", self.partition, self.token);
        let sql = format!(
            "UPDATE {} p SET error = {} WHERE {is_held}",
            tables.partition,
            Text(self.error)
        );
        execute(connection, sql).await.map(drop)
    }
}

/// Ends the life of a process.
#[derive(Debug)]
pub(super) struct Leave<'a>(pub(super) &'a ProcessId);

impl Operation for Leave<'_> {
    type Output = ();

    async fn run(self, connection: &mut PgConnection, tables: &Tables) -> Result<(), PortError> {
        check_format(connection, tables).await?;
        let Tables { partition, process, .. } = tables;
        let id = Text(&self.0.0);
        // A lease that another process took while the lock was waited for is not among them.
        let sql = format!(
            "SELECT FROM {partition} p WHERE p.owner {EQ} {id}
               ORDER BY p.name, p.version, p.number FOR UPDATE;
             UPDATE {partition} p SET owner = NULL, leased_until = NULL WHERE p.owner {EQ} {id};
             DELETE FROM {process} r WHERE r.process {EQ} {id}"
        );
        execute(connection, sql).await.map(drop)
    }
}

/// Whether a lease that ends at the time in a row is still there.
pub(super) fn is_alive(row: &str) -> String {
    format!("{row}.alive_until OPERATOR(pg_catalog.>) {NOW}")
}
