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
        dictionary::Dictionary, head::head, open::open_reader, position_select::Bounds,
        query_plan::QueryPlan,
    },
    read::selection::PageSelect,
    wire::row::{RowError, Rows},
};

/// The most records of one page.
pub(crate) const PAGE: usize = 1000;

/// A read that has begun: its first page, and what is left of it.
#[derive(Debug)]
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
    dictionary: Dictionary,
    rows: Rows,
}

impl Reader {
    pub(crate) fn open(config: &Config) -> Result<Self, Error> {
        let connection = open_reader(config)?;
        let path = config.path.clone();
        Ok(Self { connection, path, dictionary: Dictionary::default(), rows: Rows::default() })
    }

    pub(crate) fn head(&self) -> Result<u64, Error> {
        head(&self.connection).map_err(|error| failure(&self.path, error))
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
        self.execute("BEGIN")?;
        let begun = self.begin_page(selection, options);
        let ended = self.end_transaction();
        begun.and_then(|begun| ended.map(|()| begun))
    }

    /// Ends the open transaction, if there is one: SQLite ends it after some errors, and a read that
    /// panicked leaves it open.
    fn end_transaction(&self) -> Result<(), Error> {
        if self.connection.is_autocommit() { Ok(()) } else { self.execute("COMMIT") }
    }

    fn begin_page(&mut self, selection: Selection, options: ReadOptions) -> Result<Begun, Error> {
        let head = self.head()?;
        let mut rest = PagedRead::new(selection, options, head);
        let first = self.page(&mut rest)?;
        Ok(Begun { observed: SequencePosition::new(head), first, rest })
    }

    fn execute(&self, sql: &str) -> Result<(), Error> {
        let done =
            self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
        done.map(drop).map_err(|error| failure(&self.path, error))
    }

    /// The next page of a read.
    pub(crate) fn page(&mut self, read: &mut PagedRead) -> Result<Page, Error> {
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
        let bounds = Bounds::new(cursor.low(), cursor.high());
        let plan = QueryPlan::of_selection(connection, dictionary, selection, bounds)?;
        let is_backwards = cursor.is_backwards();
        PageSelect { connection, rows, is_backwards, most }.run(&plan, bounds)
    }
}
