//! Which parked event is the first of its key: it alone is tried, and the others wait behind it. A column says so, else
//! a look for what is due would be one at all that wait.
//!
//! It is kept true by all that change the order, which have the partitions locked: steps and decisions.

use factos_consumer::port::{ConsumerId, PortError};
use sqlx::PgConnection;

use super::{
    condition::{EQ, LT, of_consumer},
    literal::{Text, array},
    statement::execute,
    tables::Tables,
};

/// Finds the first event of each of these keys anew.
pub(super) async fn refresh(
    connection: &mut PgConnection,
    tables: &Tables,
    id: &ConsumerId,
    keys: &[&str],
) -> Result<(), PortError> {
    if keys.is_empty() {
        return Ok(());
    }
    let parked = &tables.parked;
    let keys = array("text", keys.iter().map(|key| Text(key)));
    let touched = format!("(SELECT DISTINCT key FROM pg_catalog.unnest({keys}) AS u (key)) t");
    let is_waiting = |row| {
        format!("{} AND {row}.skipped IS NULL AND {}", of_consumer(row, id), is_of(row, "t.key"))
    };
    let sql = format!(
        "UPDATE {parked} k SET is_first = false FROM {touched}
           WHERE {} AND k.is_first
             AND EXISTS (SELECT FROM {parked} e WHERE {} AND e.position {LT} k.position);
         UPDATE {parked} k SET is_first = true FROM {touched}
           CROSS JOIN LATERAL (SELECT e.position FROM {parked} e WHERE {}
             ORDER BY e.position LIMIT 1) f
           WHERE {} AND k.position {EQ} f.position AND NOT k.is_first",
        is_waiting("k"),
        is_waiting("e"),
        is_waiting("e"),
        of_consumer("k", id)
    );
    execute(connection, sql).await.map(drop)
}

/// The condition that a row is of a key, as an index finds it.
pub(super) fn is_of(row: &str, key: &str) -> String {
    format!(
        "{row}.key IS NOT NULL AND {row}.key {EQ} {key} AND pg_catalog.hashtextextended({row}.key, 0)
         {EQ} pg_catalog.hashtextextended({key} COLLATE pg_catalog.\"C\", 0)"
    )
}
