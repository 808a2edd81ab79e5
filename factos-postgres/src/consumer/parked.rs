use factos_consumer::port::{ConsumerId, Parked, ParkedCount, ParkedQuery, PortError};
use sqlx::{PgConnection, Row};

use super::{
    condition::{EQ, GT, LE, NOW, is_of_slot, microseconds_until, of_consumer},
    key_order::is_of,
    literal::{Text, array, number},
    row::Read,
    session::Operation,
    statement::{failed, fetch, fetch_one},
    tables::{Tables, check_format},
};

/// So many due events are named one by one.
const FEW: usize = 1_000;

/// Reads parked events.
#[derive(Debug)]
pub(super) struct ReadParked<'a> {
    pub(super) query: &'a ParkedQuery,
    pub(super) most: u32,
}

impl Operation for ReadParked<'_> {
    type Output = Vec<Parked>;

    async fn run(
        self,
        connection: &mut PgConnection,
        tables: &Tables,
    ) -> Result<Vec<Parked>, PortError> {
        check_format(connection, tables).await?;
        let id = self.query.consumer();
        let is_meant = match self.query {
            ParkedQuery::Listed { after: None, .. } => "true".to_owned(),
            ParkedQuery::Listed { after: Some(after), .. } => {
                format!("k.position {GT} {}", number(*after))
            }
            ParkedQuery::OfKey { key, .. } => is_of_key(key),
            ParkedQuery::Due { partition, partitions } => {
                let Some(is_due) = is_due(connection, tables, id).await? else {
                    return Ok(Vec::new());
                };
                format!("{is_due} AND {}", is_of_slot("k", partition.number, *partitions))
            }
        };
        let sql = format!(
            "SELECT k.position, k.effect, k.key, k.attempts, k.reason, {} AS retry_in, k.skipped
             FROM {} k WHERE {} AND {is_meant} ORDER BY k.position LIMIT {}",
            microseconds_until("k.retry_at"),
            tables.parked,
            of_consumer("k", id),
            self.most
        );
        let rows = fetch(connection, sql).await?;
        rows.iter().map(|row| parked(id, Read::new(row, "a parked event"))).collect()
    }
}

/// The condition on the events of a consumer that are due, if there are some. Few are found by their time; where there
/// are many, the first of them are found soon in the order of the log. The server cannot know which it is.
async fn is_due(
    connection: &mut PgConnection,
    tables: &Tables,
    id: &ConsumerId,
) -> Result<Option<String>, PortError> {
    // In a subquery the time is one, and so is looked for in the index.
    let is_due = format!("k.is_first AND k.retry_at {LE} (SELECT {NOW})");
    let sql = format!(
        "SELECT k.position FROM {} k WHERE {} AND {is_due} ORDER BY k.retry_at LIMIT {}",
        tables.parked,
        of_consumer("k", id),
        FEW + 1
    );
    let rows = fetch(connection, sql).await?;
    match rows.len() {
        0 => Ok(None),
        found if found > FEW => Ok(Some(is_due)),
        _ => {
            let positions = rows.iter().map(|row| row.try_get::<i64, _>(0).map_err(failed));
            let positions = array("int8", positions.collect::<Result<Vec<_>, _>>()?);
            Ok(Some(format!("{is_due} AND k.position {EQ} ANY ({positions})")))
        }
    }
}

/// The condition that an event waits, and is of a key.
pub(super) fn is_of_key(key: &str) -> String {
    format!("k.skipped IS NULL AND {}", is_of("k", &Text(key).to_string()))
}

fn parked(consumer: &ConsumerId, row: Read<'_>) -> Result<Parked, PortError> {
    Ok(Parked {
        consumer: consumer.clone(),
        position: row.position("position")?.ok_or_else(|| row.damaged("position"))?,
        index: row.number("effect")?,
        key: row.optional_text("key")?,
        attempts: row.number("attempts")?,
        reason: row.text("reason")?,
        retry_in: row.pause("retry_in")?,
        skipped: row.optional_text("skipped")?,
    })
}

/// Counts the parked events of a consumer.
#[derive(Debug)]
pub(super) struct CountParked<'a>(pub(super) &'a ConsumerId);

impl Operation for CountParked<'_> {
    type Output = ParkedCount;

    async fn run(
        self,
        connection: &mut PgConnection,
        tables: &Tables,
    ) -> Result<ParkedCount, PortError> {
        check_format(connection, tables).await?;
        let sql = format!(
            "SELECT pg_catalog.count(k.skipped) AS skipped,
               pg_catalog.count(*) FILTER (WHERE k.skipped IS NULL AND k.retry_at IS NOT NULL) AS waiting,
               pg_catalog.count(*) FILTER (WHERE k.skipped IS NULL AND k.retry_at IS NULL) AS dead
             FROM {} k WHERE {}",
            tables.parked,
            of_consumer("k", self.0)
        );
        let row = fetch_one(connection, sql).await?;
        let row = Read::new(&row, "a count");
        let count = |column| row.get(column).map(i64::unsigned_abs);
        Ok(ParkedCount {
            waiting: count("waiting")?,
            dead: count("dead")?,
            skipped: count("skipped")?,
        })
    }
}
