//! Whether a path and a file can be those of a log.

use std::path::Path;

use rusqlite::Connection;

use crate::{config::Config, connection::lock_wait::failure, error::Error};

/// `fact` in ASCII: marks a SQLite file as a log.
pub(crate) const APPLICATION_ID: i64 = 0x6661_6374;

/// The format of the file, kept as its `user_version`.
pub(crate) const FORMAT: i64 = 1;

/// Checks the path before SQLite opens it, to tell what is wrong with it.
pub(crate) fn check_path(config: &Config) -> Result<(), Error> {
    let path = config.path.clone();
    let text = path.to_string_lossy();
    if text.is_empty() || text == ":memory:" || text.contains('\0') || path.is_dir() {
        return Err(Error::NotAFile { path });
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(Error::MissingFolder { path });
    }
    match path.metadata() {
        // Checked here, because SQLite would write to it if this process is run by the superuser.
        Ok(file) if file.permissions().readonly() => Err(Error::ReadOnly { path }),
        Err(_) if !config.create => Err(Error::MissingFile { path }),
        _ => Ok(()),
    }
}

/// Whether the file is empty, so that a log is to be created; an error if it is no log of this format.
pub(crate) fn check_file(connection: &Connection, path: &Path) -> Result<bool, Error> {
    let sqlite = |error| failure(path, error);
    let number =
        |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(sqlite);
    let objects = number("SELECT count(*) FROM sqlite_master")?;
    let application = number("PRAGMA application_id")?;
    let found = number("PRAGMA user_version")?;
    let path = path.to_owned();
    match (application, found) {
        (0, 0) if objects == 0 => Ok(true),
        (APPLICATION_ID, FORMAT) => Ok(false),
        (APPLICATION_ID, found) if found > FORMAT => {
            Err(Error::NewerFormat { path, found, known: FORMAT })
        }
        _ => Err(Error::NotALog { path }),
    }
}
