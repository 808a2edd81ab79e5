use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use factos::{SequencePosition, StoreError, StoreErrorKind, backend::Closed};
use rusqlite::ErrorCode;

use crate::files;

/// Shared by all appends that fail with it.
type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// The error of a log in a SQLite file.
///
/// It reaches callers inside a [`StoreError`]; [`StoreError::downcast_ref`] finds it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process, or another handle, held the lock for longer than the busy timeout.
    #[error(
        "{} is locked by another process, waited {} ms, as Config::busy_timeout says",
        path.display(),
        waited.as_millis()
    )]
    Locked {
        /// The log's file.
        path: PathBuf,
        /// How long the store waited for it.
        waited: Duration,
    },
    /// The file is not a SQLite database.
    #[error("{} is not a SQLite database", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is a SQLite database of another program.
    #[error("{} is a SQLite database, but not a factos log: give the log a file of its own", path.display())]
    NotALog {
        /// The file.
        path: PathBuf,
    },
    /// The file has the tables of a log, but not the marks of one: they are lost where a log is copied as text,
    /// as by `.dump`. Set them by hand if the copy is whole.
    #[error(
        "{} has the tables of a log, but not its marks, as after a dump: if it is whole, run \
         PRAGMA application_id = {}; PRAGMA user_version = {format};",
        path.display(),
        crate::log::check::APPLICATION_ID
    )]
    NoMarks {
        /// The file.
        path: PathBuf,
        /// The format of its tables.
        format: i64,
    },
    /// The log was written by an older version of this crate, and was not to be upgraded.
    #[error(
        "{} has format {found}, older than {known}: open it with Config::upgrade(true), and not to be read only",
        path.display()
    )]
    OlderFormat {
        /// The log's file.
        path: PathBuf,
        /// The format of the file.
        found: i64,
        /// The format that this version of the crate needs.
        known: i64,
    },
    /// Another file stands where the log was opened, or none: it was renamed, replaced or unlinked. What this
    /// handle would write, nobody would find. Every call says so until the files stand there again; where a folder
    /// further up was renamed, a read may answer as before for another 100 ms. Open the log anew to use what is
    /// there now.
    #[error(
        "{} {} since the log was opened: open it again",
        path.display(),
        if *exists { "was replaced by another file" } else { "was removed" }
    )]
    Replaced {
        /// The file: the log's, or one that SQLite keeps beside it.
        path: PathBuf,
        /// Whether there is a file.
        exists: bool,
    },
    /// The log lacks events that this handle was told of, as after a restore into the open file. Decisions and
    /// checkpoints that rest on them are wrong. Every call is refused until the log is opened again.
    #[error(
        "the log in {} went back from {known} to {found}, or holds other events: open it again",
        path.display()
    )]
    WentBack {
        /// The log's file.
        path: PathBuf,
        /// The last position that the handle was told of.
        known: u64,
        /// The last position that the log has.
        found: u64,
    },
    /// The write-ahead log beside the file is that of another log: one of them was copied or renamed alone.
    /// Nothing was changed.
    #[error("{} belongs to another log than the file beside it", path.display())]
    ForeignWriteAheadLog {
        /// The write-ahead log.
        path: PathBuf,
    },
    /// The log was written by a newer version of this crate.
    #[error(
        "{} was written by a newer version of factos-sqlite, use that one: its format is {found}, this \
         version knows {known}",
        path.display()
    )]
    NewerFormat {
        /// The log's file.
        path: PathBuf,
        /// The format of the file.
        found: i64,
        /// The newest format that this version of the crate knows.
        known: i64,
    },
    /// A file, its folder or its file system cannot be written to. SQLite also writes to two files beside the
    /// log, named as the log with `-wal` and `-shm` at the end, and creates them.
    #[error(
        "{} is read-only, or belongs to another user: give this one the right to write to the log, to the \
         files beside it and to the folder",
        path.display()
    )]
    ReadOnly {
        /// What cannot be written to: the log's file, one of those beside it, or the folder.
        path: PathBuf,
    },
    /// The log was opened with [`Config::read_only`](crate::Config::read_only). Nothing was written.
    #[error("{} was opened to be read only: open it without Config::read_only", path.display())]
    OpenedReadOnly {
        /// The log's file.
        path: PathBuf,
    },
    /// A file stands where a backup was to be made.
    #[error("{} exists, and a backup does not overwrite it: give it another path", path.display())]
    BackupExists {
        /// The file.
        path: PathBuf,
    },
    /// The backup could not be written. No file of its name was left.
    #[error("the backup {} could not be written", path.display())]
    Backup {
        /// The backup.
        path: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// The folder that the file is to be in does not exist.
    #[error("the folder of {} does not exist: create it first", path.display())]
    MissingFolder {
        /// The log's file.
        path: PathBuf,
    },
    /// There is no file, and it was not to be created.
    #[error("{} does not exist, and was not to be created: Config::create(true) was not set, or read_only(true) was", path.display())]
    MissingFile {
        /// The log's file.
        path: PathBuf,
    },
    /// The path does not name a file.
    #[error("{path:?} is not a path of a file; for a log in memory use factos-memory")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The file cannot be opened.
    #[error("{} cannot be opened", path.display())]
    CannotOpen {
        /// The log's file.
        path: PathBuf,
        /// Why.
        source: Cause,
    },
    /// The disk is full, or the file is as large as it may become. Nothing was written.
    #[error(
        "no room is left for {}: free some on its disk, or raise Config::max_bytes if that is set",
        path.display()
    )]
    Full {
        /// The log's file.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error("{} is damaged: restore a backup", path.display())]
    Corrupt {
        /// The log's file.
        path: PathBuf,
        /// The error of SQLite.
        source: Cause,
    },
    /// A stored event is damaged.
    #[error("the event at position {position} is damaged in {what}")]
    CorruptEvent {
        /// Its position.
        position: SequencePosition,
        /// Which part of it.
        what: &'static str,
    },
    /// COMMIT failed: the batch may or may not be in the log.
    #[error("the commit to {} failed, its outcome is unknown", path.display())]
    CommitFailed {
        /// The log's file.
        path: PathBuf,
        /// Why.
        source: Cause,
    },
    /// The append was refused, and the commit of the transaction that it was checked in failed. It may
    /// have been refused because of events of that transaction. Nothing of the append was written.
    #[error("the commit that this append was checked in failed")]
    CheckedInFailedCommit,
    /// The thread that writes failed before it answered: the batch may or may not be in the log.
    #[error("the store's writer ended, the outcome is unknown")]
    WriterGone,
    /// A setting that the log needs did not take effect, as on file systems without shared memory.
    #[error("{} runs with {pragma} = {found}, it needs {expected}", path.display())]
    Setting {
        /// The log's file.
        path: PathBuf,
        /// The setting.
        pragma: &'static str,
        /// The value that the log needs.
        expected: &'static str,
        /// The value that it has.
        found: String,
    },
    /// The transaction of [`SqliteStore::write`](crate::SqliteStore::write) could not be committed: a statement of
    /// the log had failed in it, or one of the caller's had rolled it back. Nothing was written.
    #[error("a statement failed in the transaction on {}, or rolled it back: nothing was written", path.display())]
    TransactionLost {
        /// The log's file.
        path: PathBuf,
    },
    /// The transaction is one on another log. Nothing was appended.
    #[error("the transaction is one on {}, not on {}", found.display(), path.display())]
    OtherLog {
        /// The file of the log that was to be used.
        path: PathBuf,
        /// The file that the transaction is open on.
        found: PathBuf,
    },
    /// The store was closed.
    #[error("the store was closed: open it again")]
    Closed,
    /// A thread of the store could not be started.
    #[error("a thread of the store could not be started")]
    Thread(#[source] Arc<io::Error>),
    /// SQLite failed in another way; an append wrote nothing.
    #[error("SQLite failed on {}", path.display())]
    Sqlite {
        /// The log's file.
        path: PathBuf,
        /// The error of SQLite.
        source: Cause,
    },
}

impl Error {
    /// The error of a call on the log at `path`, after `waited` for its lock.
    pub(crate) fn of(path: &Path, waited: Duration, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Locked { path, waited }
            }
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::ReadOnly) => {
                Self::ReadOnly { path: files::unwritable(&path).unwrap_or(path) }
            }
            Some(ErrorCode::CannotOpen) => match files::unwritable(&path) {
                Some(path) => Self::ReadOnly { path },
                None => Self::CannotOpen { path, source: Arc::new(error) },
            },
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt { path, source: Arc::new(error) },
            _ => Self::Sqlite { path, source: Arc::new(error) },
        }
    }

    /// The error of a thread that could not be started.
    pub(crate) fn thread(error: io::Error) -> Self {
        Self::Thread(Arc::new(error))
    }

    const fn kind(&self) -> StoreErrorKind {
        match self {
            Self::Locked { .. } | Self::CheckedInFailedCommit => StoreErrorKind::Busy,
            Self::Full { .. } => StoreErrorKind::Full,
            Self::Corrupt { .. }
            | Self::CorruptEvent { .. }
            | Self::Replaced { .. }
            | Self::WentBack { .. }
            | Self::ForeignWriteAheadLog { .. } => StoreErrorKind::Corrupt,
            Self::CommitFailed { .. } | Self::WriterGone => StoreErrorKind::OutcomeUnknown,
            Self::NotADatabase { .. }
            | Self::NotALog { .. }
            | Self::NoMarks { .. }
            | Self::OlderFormat { .. }
            | Self::NewerFormat { .. }
            | Self::Setting { .. } => StoreErrorKind::Incompatible,
            Self::ReadOnly { .. }
            | Self::OpenedReadOnly { .. }
            | Self::BackupExists { .. }
            | Self::Backup { .. }
            | Self::MissingFolder { .. }
            | Self::MissingFile { .. }
            | Self::NotAFile { .. }
            | Self::CannotOpen { .. }
            | Self::TransactionLost { .. }
            | Self::OtherLog { .. }
            | Self::Closed
            | Self::Thread(_)
            | Self::Sqlite { .. } => StoreErrorKind::Other,
        }
    }
}

/// The error of a statement on a connection of the caller's.
pub(crate) fn of_caller(error: rusqlite::Error) -> StoreError {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreErrorKind::Busy,
        Some(ErrorCode::DiskFull) => StoreErrorKind::Full,
        Some(ErrorCode::DatabaseCorrupt) => StoreErrorKind::Corrupt,
        _ => StoreErrorKind::Other,
    };
    StoreError::new(kind, error)
}

impl From<Closed> for Error {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self::new(error.kind(), error)
    }
}
