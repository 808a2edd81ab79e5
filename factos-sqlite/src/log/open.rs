use rusqlite::{Connection, OpenFlags};

use crate::{
    config::Config,
    connection::{connect::connect, lock_wait::failure},
    error::Error,
    log::{
        check::{check_file, check_path},
        create::create,
        settings,
    },
};

const LOG_ID: &str = "SELECT value FROM info WHERE key = 'log_id'";

/// Opens the connection that writes. Creates the log if there is none.
pub(crate) fn open_writer(config: &Config) -> Result<Connection, Error> {
    check_path(config)?;
    let create = if config.create { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
    let mut connection = connect(config, OpenFlags::SQLITE_OPEN_READ_WRITE | create)?;
    prepare(&mut connection, config)?;
    Ok(connection)
}

/// Opens a connection that only reads, on a log that [`open_writer`] opened.
pub(crate) fn open_reader(config: &Config) -> Result<Connection, Error> {
    let connection = connect(config, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    settings::apply_to_reader(&connection, config)?;
    Ok(connection)
}

/// The identity that the log was given when it was created.
pub(crate) fn log_id(connection: &Connection, config: &Config) -> Result<String, Error> {
    let log_id = connection.query_row(LOG_ID, [], |row| row.get(0));
    log_id.map_err(|error| failure(&config.path, error))
}

fn prepare(connection: &mut Connection, config: &Config) -> Result<(), Error> {
    let sqlite = |error| failure(&config.path, error);
    if connection.is_readonly("main").map_err(sqlite)? {
        return Err(Error::ReadOnly { path: config.path.clone() });
    }
    // Checked before anything is written: the file may be that of another program.
    let is_new = check_file(connection, &config.path)?;
    settings::apply_to_writer(connection, config)?;
    if is_new {
        create(connection, &config.path)?;
    }
    Ok(())
}
