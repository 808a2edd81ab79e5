use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use factos::{Bytes, EventId, Page, ReadCursor, ReadOptions, Recorded, SequencePosition};
use futures_util::TryStreamExt;
use sqlx::{PgConnection, Postgres, postgres::PgArguments, postgres::PgRow, query::Query};

use super::{
    page_size::{FIRST_PAGE, MOST_BYTES, PageSize, bytes_of},
    recent_records::RecentRecords,
    selection::{Cursor, FirstPage, Selection},
    shared_pages::SharedPages,
};
use crate::{
    connection::{Lease, answered},
    deadline::Deadline,
    error::Error,
    lock_names::LockNames,
    log::Log,
    poll::LongLook,
    wire,
};

pub(super) type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// How long the answer of a statement that waits on the server may take besides.
const LATE_ANSWER: Duration = Duration::from_secs(4);

/// How often a read is sent that lost against others.
const ATTEMPTS: u32 = 8;

/// Reads one log, each page by one statement.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(super) log: Arc<Log>,
    pub(super) page_size: PageSize,
    pub(super) shared_pages: SharedPages,
    pub(super) recent_records: RecentRecords,
    /// A position up to which reads of the whole log were told to be complete: the server need not look for
    /// appends in flight below it.
    settled: AtomicU64,
}

/// What was taken of the rows of a statement.
#[derive(Debug)]
pub(super) struct Taken {
    /// How far the log is complete, if the first row tells it.
    pub(super) horizon: u64,
    /// The run of the server that was asked.
    pub(super) run: wire::Time,
    bytes: u64,
    /// Whether there are more rows, which were not taken.
    pub(super) is_cut: bool,
}

/// How a statement is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// The run of the server that it is for.
    pub(super) run: wire::Time,
    /// How long to wait for all of its rows.
    pub(super) patience: Duration,
    pub(super) with_horizon: bool,
    /// Whether what it sees is committed: not so in a transaction that appends.
    pub(super) is_committed: bool,
}

impl Reader {
    pub(crate) fn new(log: Arc<Log>) -> Self {
        Self {
            log,
            page_size: PageSize::default(),
            shared_pages: SharedPages::default(),
            recent_records: RecentRecords::default(),
            settled: AtomicU64::new(0),
        }
    }

    /// The last position of the log.
    pub(crate) async fn head(&self) -> Result<Option<SequencePosition>, Error> {
        let deadline = self.log.deadline();
        let statement = |run| {
            let statement = self.log.statements.head.query();
            statement.bind(wire::milliseconds(deadline.locks())).bind(run)
        };
        self.last_position(statement, deadline).await
    }

    /// The same once it is past `known`, or after a while: the server looks so often meanwhile.
    pub(crate) async fn head_past(
        &self,
        known: Option<SequencePosition>,
        LongLook { patience, pause }: LongLook,
    ) -> Result<Option<SequencePosition>, Error> {
        // A connection that has fallen silent is not waited for as long as by a call that somebody made.
        let answer = self.log.socket_timeout.min(4 * patience + LATE_ANSWER);
        let deadline = Deadline::new(self.log.lock_timeout, answer);
        let statement = |run| {
            let statement = self.log.statements.wait_past.query();
            statement
                .bind(wire::number(known.map_or(0, SequencePosition::get)))
                .bind(wire::whole_milliseconds(patience))
                .bind(wire::whole_milliseconds(pause))
                .bind(wire::milliseconds(deadline.locks()))
                .bind(run)
        };
        self.last_position(statement, deadline).await
    }

    async fn last_position<'q>(
        &self,
        statement: impl Fn(wire::Time) -> Statement<'q>,
        deadline: Deadline,
    ) -> Result<Option<SequencePosition>, Error> {
        let head = |_: &mut wire::RowReader, row: &PgRow| Ok((event(row), 0));
        let (lease, heads, taken) = self.retried(statement, deadline, false, head).await?;
        lease.done();
        let Some((position, id)) = heads.into_iter().flatten().next() else { return Ok(None) };
        self.log.incarnation.told_of_event(position, id, taken.run);
        Ok(Some(position))
    }

    /// Asks how far the log is complete, and for the first page.
    pub(super) async fn first_page(
        &self,
        selection: &Selection,
        names: Option<&LockNames>,
        options: ReadOptions,
        deadline: Deadline,
    ) -> Result<FirstPage, Error> {
        let most = self.page_size.of(&ReadCursor::new(options, u64::MAX), FIRST_PAGE);
        self.first_page_of(selection, names, options, most, deadline).await
    }

    /// As [`first_page`](Self::first_page), of so many records at most.
    pub(super) async fn first_page_of(
        &self,
        selection: &Selection,
        names: Option<&LockNames>,
        options: ReadOptions,
        most: u64,
        deadline: Deadline,
    ) -> Result<FirstPage, Error> {
        // The server ends the read at the horizon.
        let wanted = ReadCursor::new(options, u64::MAX);
        let statement =
            |run| self.first_page_statement(selection, names, &wanted, most, deadline).bind(run);
        let (page, taken) = self.page(statement, deadline, true).await?;
        if names.is_none() {
            self.settled.fetch_max(taken.horizon, Ordering::Relaxed);
        }
        let is_full = taken.is_cut || page.len() as u64 >= most;
        Ok(FirstPage::new(options, taken.horizon, page, is_full))
    }

    /// The next page of a read, of so many records at most, and whether it is full.
    pub(super) async fn read_page(
        &self,
        selection: &Selection,
        cursor: &Cursor,
        most: u64,
        deadline: Deadline,
    ) -> Result<(Page, bool), Error> {
        let is_plain = matches!(selection, Selection::All) && !cursor.left.is_backwards();
        let plain = if is_plain { self.plain_page(cursor, most, deadline).await } else { None };
        let (page, taken) = match plain {
            Some(page) => page,
            None => {
                let statement =
                    |run| self.next_page_statement(selection, cursor, most, deadline).bind(run);
                self.page(statement, deadline, false).await?
            }
        };
        let is_full = taken.is_cut || page.len() as u64 >= most;
        Ok((page, is_full))
    }

    /// The next page of everything by a statement that copies no rows, and that can set no lock timeout. None if
    /// it fails, or does not come in half of the time for locks: then the function tells.
    async fn plain_page(
        &self,
        cursor: &Cursor,
        most: u64,
        deadline: Deadline,
    ) -> Option<(Page, Taken)> {
        let mut lease = self.log.lease(deadline).await.ok()?;
        let run = self.log.incarnation.verified();
        let statement = self.log.statements.plain_page.query();
        let statement = statement
            .bind(wire::number(cursor.left.low()))
            .bind(wire::number(cursor.left.high()))
            .bind(wire::number(most))
            .bind(run);
        let mut page = Page::new();
        let push = |rows: &mut wire::RowReader, row: &PgRow| {
            let (record, bytes) = sized_record(rows, row)?;
            page.push(record);
            Ok(bytes)
        };
        let patience = deadline.locks() / 2;
        let asked = Asked { run, patience, with_horizon: false, is_committed: true };
        let taken = self.rows(lease.connection().ok()?, statement, asked, push).await.ok()?;
        self.log.incarnation.told_of(&page, run);
        self.finish(lease, &taken, page.len());
        Some((page, taken))
    }

    async fn page<'q>(
        &self,
        statement: impl Fn(wire::Time) -> Statement<'q>,
        deadline: Deadline,
        with_horizon: bool,
    ) -> Result<(Page, Taken), Error> {
        let (lease, page, taken) =
            self.retried(statement, deadline, with_horizon, sized_record).await?;
        self.log.incarnation.told_of(&page, taken.run);
        self.finish(lease, &taken, page.len());
        Ok((page, taken))
    }

    pub(super) fn first_page_statement<'q>(
        &self,
        selection: &'q Selection,
        names: Option<&'q LockNames>,
        wanted: &ReadCursor,
        most: u64,
        deadline: Deadline,
    ) -> Statement<'q> {
        let items = selection.items();
        let (names, exclusive) = names.map(LockNames::columns).unzip();
        self.log
            .statements
            .read
            .query()
            .bind(items.map(|items| &items.types))
            .bind(items.map(|items| &items.tags))
            .bind(selection.stream())
            .bind(wire::number(wanted.low()))
            .bind(wire::number(wanted.high()))
            .bind(wire::number(most))
            .bind(wanted.is_backwards())
            .bind(names)
            .bind(exclusive)
            .bind(wire::number(self.settled.load(Ordering::Relaxed)))
            .bind(wire::milliseconds(deadline.locks()))
    }

    pub(super) fn next_page_statement<'q>(
        &self,
        selection: &'q Selection,
        cursor: &Cursor,
        most: u64,
        deadline: Deadline,
    ) -> Statement<'q> {
        let items = selection.items();
        self.log
            .statements
            .page
            .query()
            .bind(items.map(|items| &items.types))
            .bind(items.map(|items| &items.tags))
            .bind(selection.stream())
            .bind(wire::number(cursor.left.low()))
            .bind(wire::number(cursor.left.high()))
            .bind(wire::number(most))
            .bind(cursor.left.is_backwards())
            .bind(cursor.revision.map(wire::number))
            .bind(wire::milliseconds(deadline.locks()))
    }

    /// The values of the rows of a statement, which is made for a run of the server as its last parameter. It
    /// is sent again on a new connection if the first was lost, whose
    /// failure may have ended all that are kept, and on the same one if it lost against others.
    async fn retried<'q, T>(
        &self,
        statement: impl Fn(wire::Time) -> Statement<'q>,
        deadline: Deadline,
        with_horizon: bool,
        value: impl Fn(&mut wire::RowReader, &PgRow) -> Result<(T, u64), Error>,
    ) -> Result<(Lease, Vec<T>, Taken), Error> {
        let mut lease = self.log.lease(deadline).await?;
        let mut attempt = 1;
        loop {
            let mut values = Vec::new();
            let push = |rows: &mut wire::RowReader, row: &PgRow| {
                let (value, bytes) = value(rows, row)?;
                values.push(value);
                Ok(bytes)
            };
            let is_first = attempt == 1;
            let patience = if is_first { deadline.first_answer() } else { deadline.answer() };
            let run = self.log.incarnation.verified();
            let asked = Asked { run, patience, with_horizon, is_committed: true };
            match self.rows(lease.connection()?, statement(run), asked, push).await {
                Ok(taken) => return Ok((lease, values, taken)),
                Err(error) if attempt == 1 && error.is_of_connection() => {
                    self.log.connection_lost();
                    lease = self.log.lease(deadline).await?;
                }
                Err(Error::OtherServer) if attempt < ATTEMPTS => {
                    self.log.verify(&mut lease, deadline).await?
                }
                Err(Error::Contended(_)) if attempt < ATTEMPTS => {}
                Err(error) => return Err(error),
            }
            attempt += 1;
        }
    }

    /// Takes the rows of a statement, up to a bound. With a horizon, its first row is that. `push` returns
    /// about how many bytes a row takes.
    pub(super) async fn rows(
        &self,
        connection: &mut PgConnection,
        statement: Statement<'_>,
        Asked { run, patience, with_horizon, is_committed }: Asked,
        mut push: impl FnMut(&mut wire::RowReader, &PgRow) -> Result<u64, Error>,
    ) -> Result<Taken, Error> {
        let error = |error| self.log.error(error);
        let mut stream = statement.fetch(connection).map_err(error);
        let mut taken = Taken { horizon: 0, run, bytes: 0, is_cut: false };
        let take = async {
            if with_horizon {
                taken.horizon =
                    self.horizon(stream.try_next().await?, is_committed.then_some(run))?;
            }
            let mut rows = wire::RowReader::default();
            while let Some(row) = stream.try_next().await? {
                taken.bytes += push(&mut rows, &row)?;
                // The records are far larger than those before: the rest is read with the next page.
                if taken.bytes > MOST_BYTES {
                    taken.is_cut = true;
                    break;
                }
            }
            Ok(taken)
        };
        answered(patience, take).await.map_err(error)?
    }

    /// How far the log is complete, by the first row. It has the id of the event there as well, which is kept
    /// for the run of the server if there is one.
    fn horizon(&self, row: Option<PgRow>, run: Option<wire::Time>) -> Result<u64, Error> {
        let row = row.ok_or(Error::Answer("no horizon"))?;
        if let (Some((position, id)), Some(run)) = (event(&row), run) {
            self.log.incarnation.told_of_event(position, id, run);
        }
        wire::first_number(&row).ok_or(Error::Answer("no horizon"))
    }

    pub(super) fn finish(&self, lease: Lease, taken: &Taken, records: usize) {
        if !taken.is_cut {
            lease.done();
        }
        self.page_size.learn(taken.bytes, records as u64);
    }
}

/// The record of a row, and about how many bytes it takes.
pub(super) fn sized_record(
    rows: &mut wire::RowReader,
    row: &PgRow,
) -> Result<(Recorded<Bytes>, u64), Error> {
    let record = rows.record(row)?;
    let bytes = bytes_of(&record);
    Ok((record, bytes))
}

/// The position and the id of an event, in the first columns of a row.
fn event(row: &PgRow) -> Option<(SequencePosition, EventId)> {
    SequencePosition::new(wire::first_number(row)?).zip(wire::id_in(row, 1))
}
