use rusqlite::Connection;

use crate::wire::number::unsigned;

const HEAD: &str = "SELECT coalesce(max(position), 0) FROM event";

/// The last position of the log; 0 for an empty log.
pub(crate) fn head(connection: &Connection) -> rusqlite::Result<u64> {
    let head = connection.prepare_cached(HEAD)?.query_row([], |row| row.get(0))?;
    Ok(unsigned(head).unwrap_or_default())
}
