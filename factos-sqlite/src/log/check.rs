//! Whether a path and a file can be those of a log.

use std::path::Path;

use rusqlite::Transaction;

use crate::{config::Config, connection::lock_wait::failure, error::Error};

/// `fact` in ASCII: marks a SQLite file as a log.
pub(crate) const APPLICATION_ID: i64 = 0x6661_6374;

/// The format of the file, kept as its `user_version`.
pub(crate) const FORMAT: i64 = 2;

/// Checks the path before SQLite opens it, to tell what is wrong with it.
pub(crate) fn check_path(config: &Config) -> Result<(), Error> {
    let path = config.path.clone();
    let text = path.to_string_lossy();
    if text.is_empty() || text.contains('\0') || path.is_dir() {
        return Err(Error::NotAFile { path });
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(Error::MissingFolder { path });
    }
    match path.metadata() {
        // Checked here, because SQLite would write to it if this process is run by the superuser.
        Ok(file) if file.permissions().readonly() && !config.read_only => {
            Err(Error::ReadOnly { path })
        }
        Err(_) if !config.create || config.read_only => Err(Error::MissingFile { path }),
        _ => Ok(()),
    }
}

/// What a file holds that may become a log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Nothing,
    Log,
    /// A log of this format, which is older.
    OlderLog(i64),
}

/// What the file holds, by one snapshot of it; an error if that is neither nothing nor a log that this version
/// knows. The connection must be in a transaction: others may create the log meanwhile.
pub(crate) fn content(transaction: &Transaction<'_>, path: &Path) -> Result<Content, Error> {
    let sqlite = |error| failure(path, error);
    let number =
        |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(sqlite);
    let objects = number("SELECT count(*) FROM sqlite_master")?;
    let application = number("PRAGMA application_id")?;
    let found = number("PRAGMA user_version")?;
    let path = path.to_owned();
    match (application, found) {
        (0, 0) if objects == 0 => Ok(Content::Nothing),
        (APPLICATION_ID, FORMAT) => Ok(Content::Log),
        (APPLICATION_ID, found) if found > FORMAT => {
            Err(Error::NewerFormat { path, found, known: FORMAT })
        }
        (APPLICATION_ID, found @ 1..) => Ok(Content::OlderLog(found)),
        (0, 0) => match format_of_tables(transaction).map_err(sqlite)? {
            Some(format) => Err(Error::NoMarks { path, format }),
            None => Err(Error::NotALog { path }),
        },
        _ => Err(Error::NotALog { path }),
    }
}

/// The format of which the file has the tables, if any.
fn format_of_tables(transaction: &Transaction<'_>) -> rusqlite::Result<Option<i64>> {
    let count = "SELECT count(*) FROM sqlite_master WHERE type = 'table'
                 AND name IN ('term', 'event', 'posting', 'info')";
    let tables: i64 = transaction.query_row(count, [], |row| row.get(0))?;
    let count =
        "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name = 'event_no_replace'";
    let of_second: i64 = transaction.query_row(count, [], |row| row.get(0))?;
    Ok((tables == 4).then_some(1 + of_second.min(1)))
}
