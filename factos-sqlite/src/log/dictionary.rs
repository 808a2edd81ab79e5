//! Names of tags, streams and types, and the numbers that stand for them in the file.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

const FIND: &str = "SELECT id FROM term WHERE kind = ?1 AND name = ?2";
const INSERT: &str = "INSERT INTO term (kind, name) VALUES (?1, ?2) RETURNING id /* of the log */";

/// The most names of one kind that are cached; past it the cache of the kind is emptied.
const CACHED: usize = 100_000;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Tag = 0,
    Stream = 1,
    Type = 2,
}

/// The numbers that one connection has cached.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    committed: [HashMap<Box<str>, i64>; 3],
    /// Inserted in the open transaction: dropped if it is rolled back.
    pending: [HashMap<Box<str>, i64>; 3],
    /// Inserted since the open savepoint, if there is one: dropped from `pending` if it is rolled back.
    since_savepoint: Option<Vec<(Kind, Box<str>)>>,
}

impl Dictionary {
    /// The number of a name; none if no event has it.
    pub(crate) fn find(
        &mut self,
        connection: &Connection,
        kind: Kind,
        name: &str,
    ) -> rusqlite::Result<Option<i64>> {
        let known =
            [&self.committed, &self.pending].into_iter().find_map(|t| t[kind as usize].get(name));
        if let Some(id) = known {
            return Ok(Some(*id));
        }
        let found = connection
            .prepare_cached(FIND)?
            .query_row(params![kind as i64, name], |row| row.get(0))
            .optional()?;
        if let Some(id) = found {
            let committed = &mut self.committed[kind as usize];
            if committed.len() >= CACHED {
                committed.clear();
            }
            committed.insert(name.into(), id);
        }
        Ok(found)
    }

    /// The number of a name, which is inserted if it is new.
    pub(crate) fn find_or_insert(
        &mut self,
        connection: &Connection,
        kind: Kind,
        name: &str,
    ) -> rusqlite::Result<i64> {
        if let Some(id) = self.find(connection, kind, name)? {
            return Ok(id);
        }
        let id = connection
            .prepare_cached(INSERT)?
            .query_row(params![kind as i64, name], |row| row.get(0))?;
        self.pending[kind as usize].insert(name.into(), id);
        if let Some(names) = &mut self.since_savepoint {
            names.push((kind, name.into()));
        }
        Ok(id)
    }

    /// A savepoint was opened in the transaction. There is one at a time.
    pub(crate) fn open_savepoint(&mut self) {
        self.since_savepoint = Some(Vec::new());
    }

    /// The savepoint was closed, and what was inserted since stays in the transaction.
    pub(crate) fn release_savepoint(&mut self) {
        self.since_savepoint = None;
    }

    /// The transaction was rolled back to the savepoint, which was closed.
    pub(crate) fn roll_back_to_savepoint(&mut self) {
        for (kind, name) in self.since_savepoint.take().unwrap_or_default() {
            self.pending[kind as usize].remove(&name);
        }
    }

    /// The transaction was committed.
    pub(crate) fn commit(&mut self) {
        for (committed, pending) in self.committed.iter_mut().zip(&mut self.pending) {
            if committed.len() + pending.len() > CACHED {
                committed.clear();
            }
            committed.extend(pending.drain());
        }
    }

    /// The transaction was rolled back, or its outcome is unknown.
    pub(crate) fn roll_back(&mut self) {
        self.pending.iter_mut().for_each(HashMap::clear);
        self.since_savepoint = None;
    }
}
