//! Whether a write-ahead log belongs to the file that it stands beside. SQLite takes any that is whole, and would
//! mix two logs after one of their files was renamed.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use crate::{
    config::Config,
    connection::connect::connect_to_file_alone,
    error::Error,
    files::side_file,
    log::known_log::{LAST, log_id},
};

const EXISTS: &str = "SELECT 1 FROM event WHERE position = ?1 AND id = ?2";

/// What the file says without the write-ahead log.
struct FileAlone {
    log_id: String,
    pages: i64,
    last: Option<(i64, Vec<u8>)>,
}

/// Checks that the connection sees all that is in the file alone, as it must: a write-ahead log only adds to a
/// log.
///
/// What it cannot tell is a foreign one that happens to leave alone the identity, the last event and the
/// number of pages.
pub(crate) fn check_write_ahead_log(connection: &Connection, config: &Config) -> Result<(), Error> {
    let path = side_file(&config.path, "-wal");
    if !path.metadata().is_ok_and(|file| file.len() > 0) {
        return Ok(());
    }
    // An error here may come from a copy into the file that is under way, and tells nothing.
    let Ok(alone) = FileAlone::read(&config.path) else { return Ok(()) };
    if alone.is_part_of(connection).unwrap_or(false) {
        return Ok(());
    }
    Err(Error::ForeignWriteAheadLog { path })
}

impl FileAlone {
    fn read(path: &Path) -> rusqlite::Result<Self> {
        let connection = connect_to_file_alone(path)?;
        let last =
            connection.query_row(LAST, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        Ok(Self { log_id: log_id(&connection)?, pages: pages(&connection)?, last })
    }

    fn is_part_of(&self, connection: &Connection) -> rusqlite::Result<bool> {
        let has_last = match &self.last {
            None => true,
            Some((position, id)) => connection.prepare(EXISTS)?.exists((position, id))?,
        };
        Ok(log_id(connection)? == self.log_id && has_last && pages(connection)? >= self.pages)
    }
}

fn pages(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA page_count", [], |row| row.get(0))
}
