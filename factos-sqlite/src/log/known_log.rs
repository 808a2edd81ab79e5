//! What a handle knows of its log, for all of its connections: which files it is in, and which event it was
//! told of last.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use factos::{EventId, SequencePosition};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::{
    connection::lock_wait::failure,
    error::Error,
    log::file_identity::FileIdentity,
    wire::number::{signed, unsigned},
};

const LOG_ID: &str = "SELECT value FROM info WHERE key = 'log_id'";
pub(crate) const LAST: &str = "SELECT position, id FROM event ORDER BY position DESC LIMIT 1";
const AT: &str = "SELECT position, id FROM event WHERE position = ?1";

/// The last event that a handle was told of. Commits are in the order of positions: where it is, every event
/// before it is as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Anchor {
    pub(crate) position: SequencePosition,
    pub(crate) id: EventId,
}

/// A clone is the same knowledge.
#[derive(Debug, Clone)]
pub(crate) struct KnownLog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    files: FileIdentity,
    anchor: Mutex<Option<Anchor>>,
    /// Why the handle can no longer be used.
    lost: OnceLock<Error>,
}

impl KnownLog {
    /// The log in the files that the connections of a handle are open on.
    pub(crate) fn new(path: &Path, files: FileIdentity) -> Self {
        let (anchor, lost) = (Mutex::default(), OnceLock::new());
        Self(Arc::new(Shared { path: path.to_owned(), files, anchor, lost }))
    }

    /// Whether other files stand at the path by now.
    pub(crate) fn is_replaced(&self) -> bool {
        self.0.files.replaced_at_path().is_some()
    }

    /// Checks that the log stands at its path, with what SQLite keeps beside it, and was not found to have
    /// gone back. A rename of a folder above its own may show a moment later.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.check_lost()?;
        self.0.files.replaced().map_or(Ok(()), |path| Err(replaced(path)))
    }

    /// The same, by a walk along the path: in twice the time, whatever changed shows. For what is acknowledged.
    pub(crate) fn check_path(&self) -> Result<(), Error> {
        self.check_lost()?;
        self.0.files.replaced_at_path().map_or(Ok(()), |path| Err(replaced(path)))
    }

    /// The last event that the handle was told of by now. To be asked for before the snapshot is taken that is
    /// to have it.
    pub(crate) fn anchor(&self) -> Option<Anchor> {
        *self.lock()
    }

    /// The caller is told of this event.
    pub(crate) fn told_of(&self, event: Option<Anchor>) {
        let mut anchor = self.lock();
        *anchor = (*anchor).max(event);
    }

    /// The last event of the snapshot that the connection has; an error if that lacks the anchor.
    pub(crate) fn last_event(
        &self,
        connection: &Connection,
        anchor: Option<Anchor>,
    ) -> Result<Option<Anchor>, Error> {
        let last = self.event(connection, LAST, [])?;
        let Some(known) = anchor.filter(|anchor| Some(*anchor) != last) else { return Ok(last) };
        if self.event(connection, AT, [signed(known.position.get())])? == anchor {
            return Ok(last);
        }
        let (path, known) = (self.0.path.clone(), known.position.get());
        let found = last.map_or(0, |last| last.position.get());
        Err(self.0.lost.get_or_init(|| Error::WentBack { path, known, found }).clone())
    }

    fn event(
        &self,
        connection: &Connection,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Option<Anchor>, Error> {
        let values = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?));
        let row = connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(parameters, values).optional());
        let Some((position, id)) = row.map_err(|error| failure(&self.0.path, error))? else {
            return Ok(None);
        };
        let position = unsigned(position).and_then(SequencePosition::new);
        let position = position.unwrap_or(SequencePosition::FIRST);
        let id = id.try_into().map_err(|_| Error::CorruptEvent { position, what: "its id" })?;
        Ok(Some(Anchor { position, id: EventId::from_bytes(id) }))
    }

    fn check_lost(&self) -> Result<(), Error> {
        self.0.lost.get().map_or(Ok(()), |lost| Err(lost.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Anchor>> {
        self.0.anchor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The identity that the log was given when it was created.
pub(crate) fn log_id(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row(LOG_ID, [], |row| row.get(0))
}

fn replaced(path: &Path) -> Error {
    Error::Replaced { path: path.to_owned(), exists: path.exists() }
}
