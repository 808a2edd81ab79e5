//! A copy of the log as it is at one moment, while others append.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::Connection;

use crate::{
    config::Config,
    connection::lock_wait::failure,
    error::Error,
    log::{known_log::KnownLog, open::open_reader},
};

/// Copies the log to a new file. It gets its name once it is whole and flushed.
pub(crate) fn back_up(config: &Config, known: &KnownLog, to: &Path) -> Result<(), Error> {
    let to = std::path::absolute(to).map_err(|error| failed(to, error))?;
    if to.exists() {
        return Err(Error::BackupExists { path: to });
    }
    known.check_path()?;
    let anchor = known.anchor();
    let connection = open_reader(config)?;
    known.last_event(&connection, anchor)?;
    let unfinished = copy(&connection, config, &to)?;
    // A swap of the file meanwhile: the copy may be of another log.
    known.check_path()?;
    finish(unfinished, &to).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Error::BackupExists { path: to.clone() },
        _ => failed(&to, error),
    })
}

/// The copy under a name of its own, which ends with it unless it is kept.
fn copy(connection: &Connection, config: &Config, to: &Path) -> Result<tempfile::TempPath, Error> {
    let folder = to.parent().unwrap_or(Path::new("."));
    let unfinished = tempfile::Builder::new()
        .prefix(".factos-backup-")
        .tempfile_in(folder)
        .map_err(|error| failed(to, error))?
        .into_temp_path();
    // One read transaction of this connection, which `query_only` would forbid.
    let sqlite = |error| failure(&config.path, error);
    connection.execute_batch("PRAGMA query_only = OFF").map_err(sqlite)?;
    let name = unfinished.to_str().ok_or_else(|| {
        failed(to, io::Error::new(io::ErrorKind::InvalidInput, "the path is not UTF-8"))
    })?;
    connection.execute("VACUUM INTO ?1", [name]).map_err(sqlite)?;
    Ok(unfinished)
}

/// Flushes the copy, and gives it its name unless a file has it.
fn finish(unfinished: tempfile::TempPath, to: &Path) -> io::Result<()> {
    File::open(&unfinished)?.sync_all()?;
    unfinished.persist_noclobber(to)?;
    sync_folder(to.parent().unwrap_or(Path::new(".")))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

fn failed(to: &Path, error: io::Error) -> Error {
    Error::Backup { path: PathBuf::from(to), source: Arc::new(error) }
}
