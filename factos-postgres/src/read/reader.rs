//! Reading: a first page together with how far the log is complete, and pages below that.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use factos::{Bytes, Page, Query, ReadCursor, ReadOptions, Recorded, SequencePosition, StreamName};
use futures_util::TryStreamExt;
use sqlx::{
    PgConnection, Postgres,
    postgres::{PgArguments, PgRow},
    query::Query as Statement,
};

use crate::{
    connections::{Connections, Lease, answered},
    error::{Error, Sent},
    lock_names::Names,
    sql::Statements,
    wire::array::Items,
    wire::row::{self, Rows},
};

/// The most records of a first page and of those that follow, and about the most bytes of any.
pub(crate) const FIRST: u64 = 256;
const PAGE: u64 = 4096;
const PAGE_BYTES: u64 = 4 << 20;

/// The most bytes that are taken of a page whose records are larger than those before.
pub(crate) const MOST_BYTES: u64 = 4 * PAGE_BYTES;

/// How often a read is sent that lost against others.
const ATTEMPTS: u32 = 8;

/// What a record takes besides its payload, roughly.
const RECORD_BYTES: u64 = 200;

/// What a read asks for.
#[derive(Debug, Clone)]
pub(crate) enum Selection {
    All,
    Items(Arc<Items>),
    Stream(StreamName),
}

impl Selection {
    pub(crate) fn of_query(query: &Query) -> Self {
        let Some(query) = query.items() else { return Self::All };
        let mut items = Items::default();
        query.iter().for_each(|item| items.push(item));
        Self::Items(Arc::new(items))
    }
}

/// A read that has begun: its first page, and where it goes on.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) horizon: u64,
    pub(crate) first: Page,
    pub(crate) cursor: Cursor,
}

impl Begun {
    /// After a first page that may have been the only one, if it was not full.
    pub(crate) fn new(options: ReadOptions, horizon: u64, first: Page, is_full: bool) -> Self {
        let mut cursor = Cursor { left: ReadCursor::new(options, horizon), revision: None };
        cursor.advance(&first, is_full);
        Self { horizon, first, cursor }
    }
}

/// Where a read goes on.
#[derive(Debug, Clone)]
pub(crate) struct Cursor {
    pub(crate) left: ReadCursor,
    /// The revision that the last page of a stream ended with.
    revision: Option<u64>,
}

impl Cursor {
    /// After a page that ended there, or was not full.
    fn advance(&mut self, page: &Page, full: bool) {
        match page.last() {
            Some(last) if full => {
                self.left.advance(page.len(), last.position);
                self.revision = last.revision;
            }
            _ => self.left.finish(),
        }
    }
}

/// Reads one log.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) connections: Arc<Connections>,
    pub(crate) statements: Arc<Statements>,
    pub(crate) lock_timeout: Duration,
    /// After which a connection is lost that does not answer a statement.
    pub(crate) answer_timeout: Duration,
    /// The most names that a statement locks.
    pub(crate) most_names: usize,
    /// About how many bytes a record takes, by the last pages.
    pub(crate) record_bytes: AtomicU64,
    /// Everything at or below it is settled: what reads of the whole log were told.
    pub(crate) settled: AtomicU64,
}

impl Reader {
    pub(crate) async fn head(&self) -> Result<u64, Error> {
        let mut lease = self.lease().await?;
        let row = match self.head_row(&mut lease).await {
            Err(error) if error.is_of_connection() => {
                lease = self.fresh_lease().await?;
                self.head_row(&mut lease).await?
            }
            outcome => outcome?,
        };
        lease.done();
        Ok(row::number(&row).unwrap_or_default())
    }

    async fn head_row(&self, lease: &mut Lease) -> Result<PgRow, Error> {
        let query = sqlx::query(self.statements.head.text());
        let row = query.fetch_one(self.connection(lease)?);
        self.answered(async { row.await.map_err(|error| self.error(error)) }).await
    }

    /// Asks how far the log is complete and reads the first page.
    pub(crate) async fn begin(
        &self,
        selection: &Selection,
        names: Option<&Names>,
        options: ReadOptions,
    ) -> Result<Begun, Error> {
        // Bounds are met with the horizon by the server.
        let wanted = ReadCursor::new(options, u64::MAX);
        let most = self.page_size(&wanted, FIRST);
        let mut lease = self.lease().await?;
        let mut attempt = 1;
        let (horizon, page) = loop {
            match self.first_page(&mut lease, selection, names, &wanted, most).await {
                Ok(begun) => break begun,
                Err(error) if attempt == 1 && error.is_of_connection() => {
                    lease = self.fresh_lease().await?;
                }
                Err(Error::Contended(_)) if attempt < ATTEMPTS => {}
                Err(error) => return Err(error),
            }
            attempt += 1;
        };
        self.finish(lease, &page);
        if names.is_none() {
            self.settled.fetch_max(horizon, Ordering::Relaxed);
        }
        let is_full = page.is_full(most);
        Ok(Begun::new(options, horizon, page.records, is_full))
    }

    /// The next page of a read.
    pub(crate) async fn page(
        &self,
        selection: &Selection,
        cursor: &mut Cursor,
    ) -> Result<Page, Error> {
        if cursor.left.is_done() {
            return Ok(Page::new());
        }
        let most = self.page_size(&cursor.left, PAGE);
        let mut lease = self.lease().await?;
        let query = self.page_query(selection, cursor, most);
        let page = match self.collect(&mut lease, query, false).await {
            Err(error) if error.is_of_connection() => {
                lease = self.fresh_lease().await?;
                self.collect(&mut lease, self.page_query(selection, cursor, most), false).await
            }
            outcome => outcome,
        };
        let (_, page) = page?;
        self.finish(lease, &page);
        cursor.advance(&page.records, page.is_full(most));
        Ok(page.records)
    }

    async fn first_page(
        &self,
        lease: &mut Lease,
        selection: &Selection,
        names: Option<&Names>,
        wanted: &ReadCursor,
        most: u64,
    ) -> Result<(u64, Collected), Error> {
        let (types, tags, stream) = match selection {
            Selection::All => (None, None, None),
            Selection::Items(items) => (Some(&items.types), Some(&items.tags), None),
            Selection::Stream(stream) => (None, None, Some(stream.as_str())),
        };
        let (names, exclusive) = names.map(Names::columns).unzip();
        let query = sqlx::query(self.statements.read.text())
            .bind(types)
            .bind(tags)
            .bind(stream)
            .bind(number(wanted.low()))
            .bind(number(wanted.high()))
            .bind(number(most))
            .bind(wanted.is_backwards())
            .bind(names)
            .bind(exclusive)
            .bind(number(self.settled.load(Ordering::Relaxed)))
            .bind(milliseconds(self.lock_timeout));
        self.collect(lease, query, true).await
    }

    fn page_query<'q>(
        &self,
        selection: &'q Selection,
        cursor: &Cursor,
        most: u64,
    ) -> Statement<'q, Postgres, PgArguments> {
        let (low, high) = (number(cursor.left.low()), number(cursor.left.high()));
        let (most, backwards) = (number(most), cursor.left.is_backwards());
        match selection {
            Selection::All if !backwards => {
                sqlx::query(self.statements.page_of_all.text()).bind(low).bind(high).bind(most)
            }
            Selection::Stream(stream) => sqlx::query(self.statements.page_of_stream.text())
                .bind(stream.as_str())
                .bind(low)
                .bind(high)
                .bind(most)
                .bind(backwards)
                .bind(cursor.revision.map(number)),
            Selection::All | Selection::Items(_) => {
                let items = match selection {
                    Selection::Items(items) => Some(items),
                    _ => None,
                };
                sqlx::query(self.statements.page.text())
                    .bind(items.map(|items| &items.types))
                    .bind(items.map(|items| &items.tags))
                    .bind(low)
                    .bind(high)
                    .bind(most)
                    .bind(backwards)
            }
        }
    }

    /// What came of a statement, or that its connection is lost.
    pub(crate) async fn answered<T>(
        &self,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        answered(self.answer_timeout, answer).await.map_err(|error| self.error(error))?
    }

    /// The rows of a statement; the first is the horizon if there is to be one.
    async fn collect(
        &self,
        lease: &mut Lease,
        query: Statement<'_, Postgres, PgArguments>,
        horizon_first: bool,
    ) -> Result<(u64, Collected), Error> {
        self.answered(self.rows(lease, query, horizon_first)).await
    }

    async fn rows(
        &self,
        lease: &mut Lease,
        query: Statement<'_, Postgres, PgArguments>,
        horizon_first: bool,
    ) -> Result<(u64, Collected), Error> {
        let mut stream = query.fetch(self.connection(lease)?);
        let mut rows = Rows::default();
        let mut collected = Collected::default();
        let mut horizon = 0;
        if horizon_first {
            let first = stream.try_next().await.map_err(|error| self.error(error))?;
            let first = first.ok_or(Error::Answer("no horizon"))?;
            horizon = row::number(&first).ok_or(Error::Answer("no horizon"))?;
        }
        while let Some(row) = stream.try_next().await.map_err(|error| self.error(error))? {
            let record = rows.record(&row)?;
            collected.bytes += bytes_of(&record);
            collected.records.push(record);
            // Records were far larger than those before: the rest is asked for again.
            if collected.bytes > MOST_BYTES {
                collected.cut = true;
                break;
            }
        }
        Ok((horizon, collected))
    }

    fn finish(&self, lease: Lease, page: &Collected) {
        if !page.cut {
            lease.done();
        }
        self.learn(page.bytes, page.records.len() as u64);
    }

    /// How many bytes so many records took.
    pub(crate) fn learn(&self, bytes: u64, records: u64) {
        if let Some(bytes) = bytes.checked_div(records) {
            self.record_bytes.store(bytes, Ordering::Relaxed);
        }
    }

    pub(crate) fn page_size(&self, left: &ReadCursor, most: u64) -> u64 {
        let fitting = PAGE_BYTES / self.record_bytes.load(Ordering::Relaxed).max(1);
        let most = usize::try_from(most.min(fitting).max(4)).unwrap_or(usize::MAX);
        left.page_size(most) as u64
    }

    async fn lease(&self) -> Result<Lease, Error> {
        self.connections.lease().await.map_err(|error| self.error(error))
    }

    /// One that no earlier failure of the server can have touched.
    async fn fresh_lease(&self) -> Result<Lease, Error> {
        self.connections.forget();
        self.lease().await
    }

    pub(crate) fn connection<'a>(
        &self,
        lease: &'a mut Lease,
    ) -> Result<&'a mut PgConnection, Error> {
        lease.connection().map_err(|error| self.error(error))
    }

    pub(crate) fn error(&self, error: sqlx::Error) -> Error {
        Error::of(error, Sent::No, self.lock_timeout)
    }
}

#[derive(Debug, Default)]
struct Collected {
    records: Page,
    bytes: u64,
    /// Whether there was more than was taken.
    cut: bool,
}

impl Collected {
    fn is_full(&self, most: u64) -> bool {
        self.cut || self.records.len() as u64 >= most
    }
}

/// Roughly how many bytes a record takes.
pub(crate) fn bytes_of(record: &Recorded<Bytes>) -> u64 {
    record.event.len() as u64 + RECORD_BYTES
}

/// A number as the server holds it; past what it can hold there is nothing.
pub(crate) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A position that the server told of.
pub(crate) const fn position(number: u64) -> Option<SequencePosition> {
    SequencePosition::new(number)
}

/// A timeout as the server's settings take it; 0 would be for ever.
pub(crate) fn milliseconds(timeout: Duration) -> String {
    format!("{}ms", timeout.as_millis().clamp(1, i32::MAX as u128))
}
