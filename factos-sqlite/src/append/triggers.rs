//! The triggers that an insert runs.

use rusqlite::{Connection, config::DbConfig};

const SCHEMA: &str = "PRAGMA schema_version";

/// Triggers that are not the log's own: on its tables, or on those of an application that writes to them within
/// the same transaction.
const FOREIGN: &str = "SELECT EXISTS (
     SELECT 1 FROM sqlite_schema
     WHERE type = 'trigger' AND NOT (
       tbl_name IN ('event', 'posting', 'term', 'info')
       AND name IN (tbl_name || '_no_replace', tbl_name || '_no_update', tbl_name || '_no_delete')))";

/// Leaves out the log's own triggers, which keep others from changing it: the writer only inserts, and would look
/// for each row once more. A sixth of the time of a full group goes into that.
///
/// SQLite can leave out all triggers of a connection or none. Where somebody added one to the file, all run.
#[derive(Debug, Default)]
pub(crate) struct Triggers {
    /// The schema that the connection is set for.
    schema: Option<i64>,
}

impl Triggers {
    /// Sets the connection for the inserts of the open transaction, in which the schema stays as it is.
    pub(crate) fn choose(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let schema = connection.prepare_cached(SCHEMA)?.query_row([], |row| row.get(0))?;
        if self.schema == Some(schema) {
            return Ok(());
        }
        let run = connection.query_row(FOREIGN, [], |row| row.get::<_, bool>(0))?;
        // Statements of an earlier schema are compiled anew.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, run)?;
        self.schema = Some(schema);
        Ok(())
    }
}
