use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::{
    config::Config,
    connection::lock_wait::{self, failure},
    error::Error,
};

/// Opens a connection that waits for locks and caches its statements.
pub(crate) fn connect(config: &Config, flags: OpenFlags) -> Result<Connection, Error> {
    let sqlite = |error| failure(&config.path, error);
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&config.path, flags).map_err(sqlite)?;
    lock_wait::wait_for_locks(&mut connection, config.busy_timeout).map_err(sqlite)?;
    // Otherwise a build with STAT4 plans a statement anew for every set of parameters.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(sqlite)?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}
