//! The file: whether it is ours, how it is created, and what it must run with.

use std::path::Path;

use factos::EventId;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};

use crate::{
    config::{Config, Durability},
    connection::lock_wait as busy,
    error::Error,
};

const SCHEMA: &str = include_str!("../sql/schema.sql");

/// `fact` in ASCII: marks a SQLite file as a log.
const APPLICATION_ID: i64 = 0x6661_6374;

/// The format of the file, kept as its `user_version`.
const FORMAT: i64 = 1;

/// The connection that writes. Creates the log if there is none.
pub(crate) fn open_writer(config: &Config) -> Result<Connection, Error> {
    check_path(config)?;
    let create = if config.create { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
    let mut connection = connect(config, OpenFlags::SQLITE_OPEN_READ_WRITE | create)?;
    prepare(&mut connection, config)?;
    Ok(connection)
}

/// A connection that only reads, on a log that [`open_writer`] opened.
pub(crate) fn open_reader(config: &Config) -> Result<Connection, Error> {
    let connection = connect(config, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let set = connection
        .execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -16384; PRAGMA mmap_size = 0;");
    set.map_err(|error| Error::of(&config.path, busy::waited(), error))?;
    Ok(connection)
}

fn connect(config: &Config, flags: OpenFlags) -> Result<Connection, Error> {
    let sqlite = |error| Error::of(&config.path, busy::waited(), error);
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&config.path, flags).map_err(sqlite)?;
    busy::wait_for_locks(&mut connection, config.busy_timeout).map_err(sqlite)?;
    // Otherwise a build with STAT4 plans a statement anew for every set of parameters.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(sqlite)?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

fn check_path(config: &Config) -> Result<(), Error> {
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
        // Asked here because the superuser could write to it all the same.
        Ok(file) if file.permissions().readonly() => Err(Error::ReadOnly { path }),
        Err(_) if !config.create => Err(Error::MissingFile { path }),
        _ => Ok(()),
    }
}

fn prepare(connection: &mut Connection, config: &Config) -> Result<(), Error> {
    let sqlite = |error| Error::of(&config.path, busy::waited(), error);
    if connection.is_readonly("main").map_err(sqlite)? {
        return Err(Error::ReadOnly { path: config.path.clone() });
    }
    // Before anything is written: the file may not be ours.
    let is_new = identify(connection, &config.path)?;
    settle(connection, config)?;
    if is_new {
        create(connection, &config.path)?;
    }
    Ok(())
}

/// Whether the file is still empty; an error if it is not a log of this format.
fn identify(connection: &Connection, path: &Path) -> Result<bool, Error> {
    let sqlite = |error| Error::of(path, busy::waited(), error);
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

/// Sets what the log must run with, and reads it back: a setting that SQLite or the file system does
/// not support is ignored in silence.
fn settle(connection: &Connection, config: &Config) -> Result<(), Error> {
    let sqlite = |error| Error::of(&config.path, busy::waited(), error);
    // Several first openers at once: the switch to WAL answers "busy" without asking the handler.
    busy::retry(|| connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())))
        .map_err(sqlite)?;
    let (synchronous, level) = match config.durability {
        Durability::Full => ("FULL", "2"),
        Durability::LoseLatestOnPowerCut => ("NORMAL", "1"),
    };
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous = {synchronous};
             PRAGMA wal_autocheckpoint = 4000;
             PRAGMA journal_size_limit = 67108864;
             PRAGMA cache_size = -16384;
             PRAGMA temp_store = MEMORY;
             PRAGMA mmap_size = 0;
             PRAGMA foreign_keys = OFF;"
        ))
        .map_err(sqlite)?;
    if let Some(bytes) = config.max_bytes {
        let sql = format!("PRAGMA max_page_count = {}", (bytes / 4096).max(1));
        connection.query_row(&sql, [], |_| Ok(())).map_err(sqlite)?;
    }
    let expected = [
        ("journal_mode", "wal"),
        ("synchronous", level),
        ("wal_autocheckpoint", "4000"),
        ("journal_size_limit", "67108864"),
    ];
    for (pragma, expected) in expected {
        let found = read_back(connection, pragma).map_err(sqlite)?;
        if found != expected {
            return Err(Error::Setting { path: config.path.clone(), pragma, expected, found });
        }
    }
    Ok(())
}

fn read_back(connection: &Connection, pragma: &str) -> rusqlite::Result<String> {
    use rusqlite::types::Value;
    connection.query_row(&format!("PRAGMA {pragma}"), [], |row| {
        Ok(match row.get::<_, Value>(0)? {
            Value::Integer(number) => number.to_string(),
            Value::Text(text) => text,
            other => format!("{other:?}"),
        })
    })
}

fn create(connection: &mut Connection, path: &Path) -> Result<(), Error> {
    let sqlite = |error| Error::of(path, busy::waited(), error);
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
    // Looked at again under the lock: another process may have created it meanwhile.
    if identify(&transaction, path)? {
        transaction.execute_batch(SCHEMA).map_err(sqlite)?;
        transaction
            .execute(
                "INSERT INTO info (key, value) VALUES
                 ('log_id', ?1), ('created_at', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
                [EventId::new().to_string()],
            )
            .map_err(sqlite)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(sqlite)?;
        transaction.pragma_update(None, "user_version", FORMAT).map_err(sqlite)?;
    }
    transaction.commit().map_err(sqlite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_commit_is_flushed_unless_asked_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::new(folder.path().join("log.db"));
        let flushed = |config: &Config| read_back(&open_writer(config).unwrap(), "synchronous");
        assert_eq!(flushed(&config).unwrap(), "2");
        let config = config.durability(Durability::LoseLatestOnPowerCut);
        assert_eq!(flushed(&config).unwrap(), "1");
    }

    #[test]
    fn a_setting_that_is_not_taken_is_told() {
        // A database in memory has no write-ahead log, and says nothing.
        let connection = Connection::open_in_memory().unwrap();
        let told = settle(&connection, &Config::new("in memory"));
        assert!(matches!(told, Err(Error::Setting { pragma: "journal_mode", .. })), "{told:?}");
    }
}
