//! The settings that the connections of a log run with.

use rusqlite::{Connection, types::Value};

use crate::{
    config::Config,
    connection::lock_wait::{self, failure},
    durability::Durability,
    error::Error,
};

/// Has the commits of a connection flushed before the log has a write-ahead log.
pub(crate) fn flush_commits(connection: &Connection, config: &Config) -> Result<(), Error> {
    let set = connection.execute_batch(&format!("PRAGMA synchronous = FULL; {FLUSH}"));
    set.map_err(|error| failure(&config.path, error))
}

/// There `fsync` does not reach the medium.
const FLUSH: &str = if cfg!(target_vendor = "apple") {
    "PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;"
} else {
    ""
};

/// Sets what the writer must run with, and reads it back: SQLite reports no error for a setting that it
/// or the file system does not support.
pub(crate) fn apply_to_writer(connection: &Connection, config: &Config) -> Result<(), Error> {
    let sqlite = |error| failure(&config.path, error);
    // Where several open a new file at once, the switch to WAL is "busy" and does not ask the handler.
    lock_wait::retry(|| connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())))
        .map_err(sqlite)?;
    let (synchronous, level) = synchronous(config);
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous = {synchronous};
             PRAGMA wal_autocheckpoint = {MOST_FRAMES};
             PRAGMA journal_size_limit = 67108864;
             PRAGMA cache_size = -{WRITE_CACHE};
             PRAGMA temp_store = MEMORY;
             PRAGMA mmap_size = 0;
             PRAGMA foreign_keys = ON; {FLUSH}"
        ))
        .map_err(sqlite)?;
    if let Some(bytes) = config.max_bytes {
        let sql = format!("PRAGMA max_page_count = {}", (bytes / 4096).max(1));
        connection.query_row(&sql, [], |_| Ok(())).map_err(sqlite)?;
    }
    let expected = [
        ("journal_mode", "wal"),
        ("synchronous", level),
        ("wal_autocheckpoint", MOST_FRAMES),
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

/// How a connection is told to flush, and what it then says.
fn synchronous(config: &Config) -> (&'static str, &'static str) {
    match config.durability {
        Durability::Full => ("FULL", "2"),
        Durability::LoseLatestOnPowerCut => ("NORMAL", "1"),
    }
}

/// Sets what the connection runs with that copies the write-ahead log into the file.
pub(crate) fn apply_to_checkpointer(connection: &Connection, config: &Config) -> Result<(), Error> {
    let (synchronous, _) = synchronous(config);
    let set = connection.execute_batch(&format!(
        "PRAGMA synchronous = {synchronous}; PRAGMA wal_autocheckpoint = 0; PRAGMA mmap_size = 0; {FLUSH}"
    ));
    set.map_err(|error| failure(&config.path, error))
}

/// Sets what a reader runs with.
pub(crate) fn apply_to_reader(connection: &Connection, config: &Config) -> Result<(), Error> {
    let set = connection.execute_batch(&format!(
        "PRAGMA query_only = ON;
         PRAGMA cache_size = -{};
         PRAGMA mmap_size = 0;",
        page_cache(config.readers)
    ));
    set.map_err(|error| failure(&config.path, error))
}

/// The page cache of one of so many readers, in KiB.
///
/// More is no faster, as the operating system caches the file too: reads of spread events take as long with 1, 2, 4 and
/// 16 MiB (`--bench spread`), while a replay of the log fills all of them. Nor is the file mapped: an I/O error would
/// end the process by a signal, and a replay would count the whole file as memory.
fn page_cache(readers: usize) -> usize {
    (READ_CACHE / readers).max(512)
}

/// With so many frames in the write-ahead log a commit copies them into the file. They are copied before, unless one
/// transaction writes much or the thread that copies cannot keep up.
pub(crate) const MOST_FRAMES: &str = "16000";

/// The page cache of the writer, in KiB, unless it writes much at once.
pub(crate) const WRITE_CACHE: usize = 2048;

/// What all readers have together, in KiB.
const READ_CACHE: usize = 4096;

fn read_back(connection: &Connection, pragma: &str) -> rusqlite::Result<String> {
    connection.query_row(&format!("PRAGMA {pragma}"), [], |row| {
        Ok(match row.get::<_, Value>(0)? {
            Value::Integer(number) => number.to_string(),
            Value::Text(text) => text,
            other => format!("{other:?}"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::open::open_log;

    #[test]
    fn every_commit_is_flushed_unless_asked_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::new(folder.path().join("log.db"));
        let flushed = |config: &Config| read_back(&open_log(config).unwrap().0, "synchronous");
        assert_eq!(flushed(&config).unwrap(), "2");
        let config = config.durability(Durability::LoseLatestOnPowerCut);
        assert_eq!(flushed(&config).unwrap(), "1");
    }

    #[test]
    fn a_setting_that_is_not_taken_is_told() {
        // A database in memory has no write-ahead log, and says nothing.
        let connection = Connection::open_in_memory().unwrap();
        let told = apply_to_writer(&connection, &Config::new("in memory"));
        assert!(matches!(told, Err(Error::Setting { pragma: "journal_mode", .. })), "{told:?}");
    }
}
