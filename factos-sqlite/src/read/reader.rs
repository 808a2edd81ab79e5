//! Reading: pages over one snapshot, each its own short statement.

use std::path::PathBuf;

use factos::{
    Page, ReadCursor, ReadOptions, SequencePosition,
    backend::{PagedRead, Selection},
};
use rusqlite::{Connection, ToSql, params_from_iter};

use crate::{
    config::Config,
    connection::lock_wait::{failure, waited},
    error::Error,
    log::{
        dictionary::{Kind, Terms},
        head::head,
        open::open_reader,
        query_plan::{self as arms, Arm, Arms, Bounds},
    },
    wire::{
        number::signed,
        row::{COLUMNS, RowError, Rows},
    },
};

/// The most records, and about the most payload bytes, of one page.
pub(crate) const PAGE: usize = 1000;
const PAGE_BYTES: usize = 4 << 20;

/// Room for the records of most contexts.
const FIRST_RECORDS: usize = 16;

/// A read that has begun: its first page, and where it goes on.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) observed: Option<SequencePosition>,
    pub(crate) first: Page,
    pub(crate) rest: PagedRead,
}

/// One connection that reads.
#[derive(Debug)]
pub(crate) struct Reader {
    connection: Connection,
    path: PathBuf,
    terms: Terms,
    rows: Rows,
}

impl Reader {
    pub(crate) fn open(config: &Config) -> Result<Self, Error> {
        let connection = open_reader(config)?;
        let path = config.path.clone();
        Ok(Self { connection, path, terms: Terms::default(), rows: Rows::default() })
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
        // One transaction spares the statements their locks. The snapshot needs none: the head is read
        // first, whatever is appended from here on is above it, and the log never changes below.
        self.end_transaction()?;
        self.execute("BEGIN")?;
        let begun = self.begin_page(selection, options);
        let ended = self.end_transaction();
        begun.and_then(|begun| ended.map(|()| begun))
    }

    /// There is none where SQLite has ended it over an error, and one left open where a read panicked.
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
        let bounds = Bounds { low: signed(cursor.low()), high: signed(cursor.high()) };
        let order = Order { backwards: cursor.is_backwards(), most };
        match self.arms(selection, bounds)? {
            Arms::All => self.select_all(bounds, &order),
            Arms::Any(arms) => match arms::chunks(&arms)[..] {
                [] => Ok((Page::new(), false)),
                [arms] => self.select_arms(arms, &order),
                ref chunks => self.select_chunks(chunks, &order),
            },
        }
    }

    fn arms(&mut self, selection: &Selection, bounds: Bounds) -> rusqlite::Result<Arms> {
        match selection {
            Selection::Query(query) => {
                arms::of_query(&self.connection, &mut self.terms, query, bounds)
            }
            Selection::Stream(stream) => {
                let term = self.terms.find(&self.connection, Kind::Stream, stream.as_str())?;
                Ok(Arms::Any(term.map(|term| arms::of_term(term, bounds)).into_iter().collect()))
            }
        }
    }

    fn select_all(
        &mut self,
        Bounds { low, high }: Bounds,
        order: &Order,
    ) -> Result<(Page, bool), RowError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM event e WHERE e.position > ? AND e.position <= ?
             ORDER BY e.position {} LIMIT ?",
            order.direction()
        );
        self.run(&sql, [low, high, order.limit()], order.most)
    }

    /// One statement for all arms. `ORDER BY` and `LIMIT` inside the compound make SQLite merge the
    /// arms and stop early; a join with `IN` would sort them all.
    fn select_arms(&mut self, arms: &[Arm], order: &Order) -> Result<(Page, bool), RowError> {
        let direction = order.direction();
        let sql = format!(
            "SELECT {COLUMNS} FROM ({} ORDER BY 1 {direction} LIMIT ?) q
             CROSS JOIN event e ON e.position = q.position ORDER BY q.position {direction}",
            arms::compound(arms, " UNION ")
        );
        self.run(&sql, arms::parameters(arms).chain([order.limit()]), order.most)
    }

    /// More arms than one statement takes: their positions are merged here.
    fn select_chunks(
        &mut self,
        chunks: &[&[Arm]],
        order: &Order,
    ) -> Result<(Page, bool), RowError> {
        let mut positions: Vec<i64> = Vec::new();
        for arms in chunks {
            let compound = arms::compound(arms, " UNION ");
            let sql = format!("{compound} ORDER BY 1 {} LIMIT ?", order.direction());
            let mut statement = self.connection.prepare_cached(&sql)?;
            let parameters = arms::parameters(arms).chain([order.limit()]);
            let rows = statement.query_map(params_from_iter(parameters), |row| row.get(0))?;
            positions.extend(rows.collect::<Result<Vec<i64>, _>>()?);
        }
        positions.sort_unstable();
        positions.dedup();
        if order.backwards {
            positions.reverse();
        }
        positions.truncate(order.most);
        let sql = format!("SELECT {COLUMNS} FROM event e WHERE e.position = ?");
        let mut records = Page::new();
        let mut bytes = 0;
        for position in &positions {
            let mut one = self.run(&sql, [position], 1)?.0;
            bytes += one.iter().map(|record| record.event.len()).sum::<usize>();
            records.append(&mut one);
            if bytes >= PAGE_BYTES {
                return Ok((records, true));
            }
        }
        Ok((records, positions.len() == order.most))
    }

    fn run(
        &mut self,
        sql: &str,
        parameters: impl IntoIterator<Item: ToSql>,
        most: usize,
    ) -> Result<(Page, bool), RowError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params_from_iter(parameters))?;
        let mut records = Vec::with_capacity(most.min(FIRST_RECORDS));
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let record = self.rows.record(&self.connection, row)?;
            bytes += record.event.len();
            records.push(record);
            if bytes >= PAGE_BYTES {
                return Ok((records, true));
            }
        }
        let is_full = records.len() >= most;
        Ok((records, is_full))
    }
}

struct Order {
    backwards: bool,
    most: usize,
}

impl Order {
    const fn direction(&self) -> &'static str {
        if self.backwards { "DESC" } else { "ASC" }
    }

    fn limit(&self) -> i64 {
        i64::try_from(self.most).unwrap_or(i64::MAX)
    }
}
