use std::path::PathBuf;

use factos::{
    Page, ReadCursor, ReadOptions, SequencePosition,
    backend::{PagedRead, Selection},
};
use rusqlite::Connection;

use crate::{
    config::Config,
    connection::lock_wait::{failure, waited},
    error::Error,
    log::{
        dictionary::Dictionary,
        known_log::{Anchor, KnownLog},
        open::open_reader,
    },
    read::selection::select_page,
    wire::row::{RowError, Rows},
};

/// The most records of one page.
pub(crate) const PAGE: usize = 1000;

/// A read that has begun: its first page, and what is left of it.
#[derive(Debug, Clone)]
pub(crate) struct Begun {
    pub(crate) observed: Option<SequencePosition>,
    pub(crate) first: Page,
    pub(crate) rest: PagedRead,
}

/// A connection that reads pages, each with short statements of its own.
#[derive(Debug)]
pub(crate) struct Reader {
    connection: Connection,
    path: PathBuf,
    known: KnownLog,
    dictionary: Dictionary,
    rows: Rows,
}

impl Reader {
    pub(crate) fn open(config: &Config, known: KnownLog) -> Result<Self, Error> {
        let connection = open_reader(config)?;
        let path = config.path.clone();
        let (dictionary, rows) = (Dictionary::default(), Rows::default());
        Ok(Self { connection, path, known, dictionary, rows })
    }

    /// The last position of the log.
    pub(crate) fn head(&self) -> Result<Option<SequencePosition>, Error> {
        self.known.check()?;
        self.last_position(self.known.anchor())
    }

    /// The last position of the snapshot, which must have what the handle was told of before.
    fn last_position(&self, anchor: Option<Anchor>) -> Result<Option<SequencePosition>, Error> {
        let last = self.known.last_event(&self.connection, anchor)?;
        self.known.told_of(last);
        Ok(last.map(|last| last.position))
    }

    /// Takes the snapshot and reads its first page.
    pub(crate) fn begin(
        &mut self,
        selection: Selection,
        options: ReadOptions,
    ) -> Result<Begun, Error> {
        // One transaction, so that SQLite locks once and not for each statement. The snapshot does not
        // depend on it: the head is read first, every later append is above it, and what is below it
        // never changes.
        self.end_transaction()?;
        self.known.check()?;
        let anchor = self.known.anchor();
        self.execute("BEGIN")?;
        let begun = self.begin_page(selection, options, anchor);
        let ended = self.end_transaction();
        begun.and_then(|begun| ended.map(|()| begun))
    }

    /// Looks at tables that are not the log's, in one snapshot. It gets the path of the log too.
    #[cfg(feature = "consumer")]
    pub(crate) fn look<T>(
        &self,
        look: impl FnOnce(&Connection, &std::path::Path) -> T,
    ) -> Result<T, Error> {
        self.end_transaction()?;
        self.known.check()?;
        let anchor = self.known.anchor();
        self.execute("BEGIN")?;
        let looked = self.last_position(anchor).map(|_| look(&self.connection, &self.path));
        let ended = self.end_transaction();
        looked.and_then(|looked| ended.map(|()| looked))
    }

    /// Ends the open transaction, if there is one: SQLite ends it after some errors, and a read that
    /// panicked leaves it open.
    fn end_transaction(&self) -> Result<(), Error> {
        if self.connection.is_autocommit() { Ok(()) } else { self.execute("COMMIT") }
    }

    fn begin_page(
        &mut self,
        selection: Selection,
        options: ReadOptions,
        anchor: Option<Anchor>,
    ) -> Result<Begun, Error> {
        let observed = self.last_position(anchor)?;
        let head = observed.map_or(0, SequencePosition::get);
        let mut rest = PagedRead::new(selection, options, head);
        let first = self.page(&mut rest)?;
        Ok(Begun { observed, first, rest })
    }

    fn execute(&self, sql: &str) -> Result<(), Error> {
        let done =
            self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
        done.map(drop).map_err(|error| failure(&self.path, error))
    }

    /// The next page of a read that has begun, by a snapshot of its own.
    pub(crate) fn later_page(&mut self, read: &mut PagedRead) -> Result<Page, Error> {
        self.head()?;
        self.page(read)
    }

    fn page(&mut self, read: &mut PagedRead) -> Result<Page, Error> {
        self.rows.begin_page();
        let page =
            read.next_page(PAGE, |selection, cursor, most| self.select(selection, cursor, most));
        page.map_err(|error| error.on(&self.path, waited()))
    }

    fn select(
        &mut self,
        selection: &Selection,
        cursor: &ReadCursor,
        most: usize,
    ) -> Result<(Page, bool), RowError> {
        let Self { connection, dictionary, rows, .. } = self;
        select_page(connection, dictionary, rows, selection, cursor, most)
    }
}
