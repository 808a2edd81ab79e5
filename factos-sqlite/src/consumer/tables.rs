use std::{fmt::Display, path::Path};

use factos_consumer::port::PortError;
use rusqlite::{Connection, Params, Row};

use super::{
    error::{failed, unread},
    schema,
};

/// The tables of the consumers, in an open transaction.
///
/// Statements that write have a comment, so that no caller finds them in the cache by a text of its own.
pub(super) struct Tables<'a> {
    connection: &'a Connection,
    path: &'a Path,
}

impl<'a> Tables<'a> {
    /// Those of this connection, if they have the format that this version knows.
    pub(super) fn open(connection: &'a Connection, path: &'a Path) -> Result<Self, PortError> {
        schema::check(connection, path)?;
        Ok(Self { connection, path })
    }

    /// Writes; how many rows that was for.
    pub(super) fn change(&self, sql: &str, parameters: impl Params) -> Result<usize, PortError> {
        let changed = self.connection.prepare_cached(sql).and_then(|mut s| s.execute(parameters));
        changed.map_err(|error| failed(self.path, error))
    }

    /// The row, if there is one. `what` says whose it is, should it be damaged.
    pub(super) fn one<T>(
        &self,
        what: &dyn Display,
        sql: &str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, PortError> {
        let first = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(parameters)?;
            rows.next()?.map(read).transpose()
        };
        first().map_err(|error| unread(self.path, what, error))
    }

    /// All rows.
    pub(super) fn all<T>(
        &self,
        what: &dyn Display,
        sql: &str,
        parameters: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, PortError> {
        let all = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.query_map(parameters, read)?.collect::<rusqlite::Result<_>>()
        };
        all().map_err(|error| unread(self.path, what, error))
    }
}
