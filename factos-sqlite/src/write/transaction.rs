use factos::{
    AppendCondition, AppendError, Bytes, Events, NewEvent, Page, ReadOptions, Recorded,
    SequencePosition, StoreError,
    backend::{PagedRead, Selection},
};
use futures_util::stream;
use rusqlite::Connection;

use crate::{
    append::{
        batch::{Batch, LIMITS},
        hook::Hook,
        lent::Lent,
        transaction::Failed,
    },
    connection::lock_wait::{failure, waited},
    error::Error,
    read::{reader::PAGE, selection::select_page},
    wire::row::Rows,
};

/// The open transaction of [`SqliteStore::write`](crate::SqliteStore::write), with the caller's SQL and appends.
///
/// It is also the [`Transaction`](factos::TransactionalStore::Transaction) in which a command is
/// [run](factos::Dispatch::run_in); the futures of that never wait, see [`at_once`](crate::at_once()).
#[derive(Debug)]
pub struct WriteTransaction {
    lent: Lent,
    /// Its own: the number of a type that is new here may stand for another one after a rollback.
    rows: Rows,
    /// That of the handle.
    hook: Option<Hook>,
    /// A statement of the log failed half-way.
    is_broken: bool,
}

impl WriteTransaction {
    pub(super) fn new(lent: Lent, hook: Option<Hook>) -> Self {
        Self { lent, rows: Rows::default(), hook, is_broken: false }
    }

    /// The connection, for SQL of the caller's on tables of its own in the same file.
    ///
    /// It is the one that the store writes through, so whatever else is set on it stays: no other hooks,
    /// authorizer, busy handler, functions or configuration are to be put on it.
    ///
    /// # Errors
    /// Statements fail as "not authorized" that
    /// - begin or end a transaction or a savepoint, or attach a file,
    /// - write to the tables of the log, which are `event`, `posting`, `term` and `info`, change them, or take one
    ///   of these names or `event_view`,
    /// - make a trigger: make them through a connection of your own, and they run here,
    /// - set a pragma that outlasts the transaction.
    ///
    /// What rolls back by itself, as `INSERT OR ROLLBACK` and a full disk do, ends the transaction: later
    /// statements that write fail, and so does the whole.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.lent.connection
    }

    /// Appends events, as [`EventStore::append`](factos::EventStore::append) does. They are in the log, with what
    /// else is written here, once the transaction is committed.
    ///
    /// # Errors
    /// [`AppendError`]. After a refusal, or an error of the handle's [hook](crate::SqliteStore::with_hook), nothing
    /// of the batch is left, and the transaction goes on. After [`AppendError::Store`] it can only be rolled back,
    /// whatever the closure returns.
    pub fn append(
        &mut self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        let hook = self.hook.clone();
        self.append_with(events, condition, hook)
    }

    /// Appends for a handle with this hook.
    pub(crate) fn append_with(
        &mut self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
        hook: Option<Hook>,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        self.check_open().map_err(StoreError::from)?;
        let batch = Batch::new(events, condition, &LIMITS)?.with_hook(hook);
        match self.lent.append(&batch) {
            Ok(verdict) => verdict,
            Err(failed) => {
                self.is_broken = true;
                Err(match failed {
                    Failed::Hook(error) => AppendError::Hook(error),
                    Failed::Statement(error) => {
                        StoreError::from(failure(&self.lent.path, error)).into()
                    }
                })
            }
        }
    }

    /// Reads what is there, with what was appended here.
    pub(crate) fn read(
        &mut self,
        selection: Selection,
        options: ReadOptions,
    ) -> Result<Events<'_>, Error> {
        let observed = self.lent.last.map(|last| last.position);
        let head = observed.map_or(0, SequencePosition::get);
        let mut rest = PagedRead::new(selection, options, head);
        let first = self.page(&mut rest)?;
        if rest.is_done() {
            return Ok(Events::of_page(observed, first));
        }
        let rest = stream::try_unfold((self, rest), |(transaction, mut rest)| async move {
            if rest.is_done() {
                return Ok(None);
            }
            let page = transaction.page(&mut rest).map_err(StoreError::from)?;
            Ok(Some((page, (transaction, rest))))
        });
        Ok(Events::of_first_page(observed, first, rest))
    }

    fn page(&mut self, read: &mut PagedRead) -> Result<Page, Error> {
        self.check_open()?;
        let Self { lent: Lent { connection, dictionary, guard, path, .. }, rows, .. } = self;
        rows.begin_page();
        let page = guard.lowered(|| {
            read.next_page(PAGE, |selection, cursor, most| {
                select_page(connection, dictionary, rows, selection, cursor, most)
            })
        });
        page.map_err(|error| error.on(path, waited()))
    }

    /// Whether this transaction is on the log with this file.
    pub(crate) fn check_path(&self, path: &std::path::Path) -> Result<(), Error> {
        if self.lent.path == path {
            return Ok(());
        }
        Err(Error::OtherLog { path: path.to_owned(), found: self.lent.path.clone() })
    }

    /// Runs the store's own code on the connection, within that of a caller. It gets the path of the log too.
    #[cfg(feature = "consumer")]
    pub(crate) fn own<T>(&self, f: impl FnOnce(&Connection, &std::path::Path) -> T) -> T {
        self.lent.guard.lowered(|| f(&self.lent.connection, &self.lent.path))
    }

    /// An error if it can only be rolled back, or was.
    pub(crate) fn check_open(&self) -> Result<(), Error> {
        if self.is_broken || self.lent.connection.is_autocommit() {
            return Err(Error::TransactionLost { path: self.lent.path.clone() });
        }
        Ok(())
    }

    pub(super) fn into_lent(self) -> Lent {
        self.lent
    }
}
