//! Opens the connections of a handle.

use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};

use crate::{
    config::Config,
    connection::{connect::connect, lock_wait::failure},
    error::Error,
    log::{
        check::{Content, FORMAT, check_path, content},
        create::create_or_upgrade,
        file_identity::FileIdentity,
        known_log::{KnownLog, log_id},
        settings,
        write_ahead_log::check_write_ahead_log,
    },
};

/// A log that was opened: its identity, and what is known of it.
#[derive(Debug)]
pub(crate) struct OpenedLog {
    pub(crate) log_id: String,
    pub(crate) known: KnownLog,
}

/// Opens the first connection of a handle, which writes unless the log is only read. Creates the log if there
/// is none, and it may.
pub(crate) fn open_log(config: &Config) -> Result<(Connection, OpenedLog), Error> {
    check_path(config)?;
    let before = config.path.metadata().is_ok().then(|| FileIdentity::main(&config.path));
    let connection = if config.read_only { open_to_read(config)? } else { open_to_write(config)? };
    let log_id = log_id(&connection).map_err(|error| failure(&config.path, error))?;
    let known = KnownLog::new(&config.path, FileIdentity::of(&config.path));
    if before.is_some_and(|before| before.replaced_at_path().is_some()) {
        return Err(Error::Replaced { path: config.path.clone(), exists: config.path.exists() });
    }
    Ok((connection, OpenedLog { log_id, known }))
}

/// Opens the connection that writes to a log that is known. The files must still be its own.
pub(crate) fn open_writer(config: &Config, known: &KnownLog) -> Result<Connection, Error> {
    known.check_path()?;
    open_to_write(config)
}

/// Opens a connection that copies the write-ahead log into the file. It is opened with the writer and not once it is needed:
/// by then somebody may have put another write-ahead log in its place.
pub(crate) fn open_checkpointer(config: &Config, known: &KnownLog) -> Result<Connection, Error> {
    let connection = connect(config, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    leave_write_ahead_log(&connection, config)?;
    settings::apply_to_checkpointer(&connection, config)?;
    known.check_path()?;
    Ok(connection)
}

/// Opens a connection that only reads, on a log that [`open_log`] opened.
pub(crate) fn open_reader(config: &Config) -> Result<Connection, Error> {
    let connection = connect(config, flags_of_reader(config))?;
    leave_write_ahead_log(&connection, config)?;
    settings::apply_to_reader(&connection, config)?;
    Ok(connection)
}

fn open_to_write(config: &Config) -> Result<Connection, Error> {
    let sqlite = |error| failure(&config.path, error);
    let create = if config.create { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
    let mut connection = connect(config, OpenFlags::SQLITE_OPEN_READ_WRITE | create)?;
    leave_write_ahead_log(&connection, config)?;
    if connection.is_readonly("main").map_err(sqlite)? {
        return Err(Error::ReadOnly { path: config.path.clone() });
    }
    check_write_ahead_log(&connection, config)?;
    // Checked before anything is written: the file may be that of another program. The log is created before
    // the switch to a write-ahead log: it is in the file from then on, and a copy of the file alone is never
    // taken for a new one.
    match content_of(&mut connection, config)? {
        Content::Log => {}
        Content::Nothing if !config.create => {
            return Err(Error::NotALog { path: config.path.clone() });
        }
        Content::OlderLog(found) if !config.upgrade => {
            let path = config.path.clone();
            return Err(Error::OlderFormat { path, found, known: FORMAT });
        }
        Content::Nothing | Content::OlderLog(_) => {
            settings::flush_commits(&connection, config)?;
            create_or_upgrade(&mut connection, config)?;
        }
    }
    settings::apply_to_writer(&connection, config)?;
    Ok(connection)
}

fn open_to_read(config: &Config) -> Result<Connection, Error> {
    let mut connection = open_reader(config)?;
    check_write_ahead_log(&connection, config)?;
    match content_of(&mut connection, config)? {
        Content::Log => Ok(connection),
        Content::Nothing => Err(Error::NotALog { path: config.path.clone() }),
        Content::OlderLog(found) => {
            Err(Error::OlderFormat { path: config.path.clone(), found, known: FORMAT })
        }
    }
}

/// A log that is only read may stand where nothing can be written.
fn flags_of_reader(config: &Config) -> OpenFlags {
    if config.read_only && !config.may_write() {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    } else {
        OpenFlags::SQLITE_OPEN_READ_WRITE
    }
}

/// Has the connection leave the write-ahead log alone when it is closed, until it is known to be the log's own.
fn leave_write_ahead_log(connection: &Connection, config: &Config) -> Result<(), Error> {
    let set = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    set.map(drop).map_err(|error| failure(&config.path, error))
}

fn content_of(connection: &mut Connection, config: &Config) -> Result<Content, Error> {
    let sqlite = |error| failure(&config.path, error);
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Deferred).map_err(sqlite)?;
    let content = content(&transaction, &config.path)?;
    transaction.commit().map_err(sqlite)?;
    Ok(content)
}
