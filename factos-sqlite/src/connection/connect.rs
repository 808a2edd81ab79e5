use std::path::Path;

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::{
    config::Config,
    connection::lock_wait::{self, failure},
    error::Error,
    files::side_file,
};

/// Opens a connection that waits for locks and caches its statements. The path is absolute, so SQLite takes it
/// for a path and not for a URI.
pub(crate) fn connect(config: &Config, flags: OpenFlags) -> Result<Connection, Error> {
    let sqlite = |error| failure(&config.path, error);
    let mut connection = if is_to_be_read_as_it_is(config) {
        connect_to_file_alone(&config.path).map_err(sqlite)?
    } else {
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(&config.path, flags).map_err(sqlite)?
    };
    lock_wait::wait_for_locks(&mut connection, config.busy_timeout).map_err(sqlite)?;
    // Otherwise a build with STAT4 plans a statement anew for every set of parameters.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(sqlite)?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

/// Opens a file as one that nobody writes to: without locks, and without what is beside it.
pub(crate) fn connect_to_file_alone(path: &Path) -> rusqlite::Result<Connection> {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_') {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// Whether no lock can be taken on a log that is only read, nor need be: nothing can be written beside it, and
/// there is no write-ahead log.
fn is_to_be_read_as_it_is(config: &Config) -> bool {
    let wal = side_file(&config.path, "-wal");
    config.read_only && !config.may_write() && !wal.exists()
}
