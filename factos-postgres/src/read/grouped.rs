use factos::{Page, ReadCursor, ReadOptions};
use sqlx::postgres::PgRow;
use tokio::sync::oneshot;

use super::{
    page_size::FIRST_PAGE,
    reader::{Asked, Reader, Statement, sized_record},
    selection::{FirstPage, Selection},
};
use crate::{deadline::Deadline, error::Error, lock_names::LockNames, sql, wire};

/// The fewest records that each first page of a group may hold.
const SHARE: u64 = 16;

const UNASKED: Error = Error::Answer("a record that was not asked for");

/// A read whose callers wait for its first page.
#[derive(Debug)]
pub(super) struct ReadRequest {
    selection: Selection,
    pub(super) names: LockNames,
    options: ReadOptions,
    deadline: Deadline,
    replies: Vec<oneshot::Sender<FirstPage>>,
}

impl ReadRequest {
    pub(super) fn new(
        selection: Selection,
        names: LockNames,
        options: ReadOptions,
        deadline: Deadline,
    ) -> (Self, oneshot::Receiver<FirstPage>) {
        let (reply, first_page) = oneshot::channel();
        (Self { selection, names, options, deadline, replies: vec![reply] }, first_page)
    }

    /// Whether every caller dropped its future.
    pub(super) fn is_abandoned(&self) -> bool {
        self.replies.iter().all(oneshot::Sender::is_closed)
    }

    /// Whether one page answers both: the statement is yet to be sent, so it sees what either has to see.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.options == other.options && self.selection == other.selection
    }

    /// Answers the callers of the other as well.
    pub(super) fn join(&mut self, other: Self) {
        self.deadline = self.deadline.earlier(other.deadline);
        self.replies.extend(other.replies);
    }

    pub(super) fn answer(self, first_page: FirstPage) {
        let mut replies = self.replies;
        let last = replies.pop();
        // No effect on a caller that dropped its future.
        for reply in replies {
            drop(reply.send(first_page.clone()));
        }
        if let Some(last) = last {
            drop(last.send(first_page));
        }
    }
}

/// The page of each read; none for a read that meets an append in flight.
type Pages = Vec<Option<Page>>;

impl Reader {
    /// Reads the first pages of a group by one statement, and answers the reads that meet no append in flight.
    /// The other requests are dropped; all of them are if the statement fails.
    pub(super) async fn first_pages(&self, group: Vec<ReadRequest>) {
        let deadline = group.iter().map(|request| request.deadline).reduce(Deadline::earlier);
        let deadline = deadline.unwrap_or_else(|| self.log.deadline());
        let Ok(mut lease) = self.log.lease(deadline).await else { return };
        let run = self.log.incarnation.verified();
        let share = (FIRST_PAGE / group.len().max(1) as u64).max(SHARE);
        let columns = Columns::of(&group, |wanted| self.page_size.of(wanted, share));
        let statement = columns.statement(&self.log.statements.read_many).bind(run);
        let mut pages: Pages = vec![Some(Page::new()); group.len()];
        let push =
            |rows: &mut wire::RowReader, row: &PgRow| columns.push_row(&mut pages, rows, row);
        let patience = deadline.first_answer();
        let asked = Asked { run, patience, with_horizon: true, is_committed: true };
        let Ok(connection) = lease.connection() else { return };
        match self.rows(connection, statement, asked, push).await {
            Ok(taken) => {
                self.finish(lease, &taken, pages.iter().flatten().map(Page::len).sum());
                if !taken.is_cut {
                    pages.iter().flatten().for_each(|page| self.log.incarnation.told_of(page, run));
                    let sizes = columns.sizes;
                    reply(group, taken.horizon, sizes, pages);
                }
            }
            Err(error) if error.is_of_connection() => self.log.connection_lost(),
            Err(_) => {}
        }
    }
}

/// Gives each read its page, of at most the size that it asked for.
fn reply(group: Vec<ReadRequest>, horizon: u64, sizes: Vec<u64>, pages: Pages) {
    for ((request, most), page) in group.into_iter().zip(sizes).zip(pages) {
        let Some(mut page) = page else { continue };
        // The rows come item by item, and an event may match several items.
        if !page.is_sorted_by(|one, next| one.position < next.position) {
            page.sort_by_key(|record| record.position);
            page.dedup_by_key(|record| record.position);
        }
        page.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        let is_full = page.len() as u64 >= most;
        let first_page = FirstPage::new(request.options, horizon, page, is_full);
        request.answer(first_page);
    }
}

/// The parameters of the statement, by columns: the items and the names of all reads.
#[derive(Debug, Default)]
struct Columns<'a> {
    /// The most records of each read's page.
    sizes: Vec<u64>,
    /// The read of each item, from 1.
    item_of: Vec<i32>,
    types: Vec<&'a str>,
    tags: Vec<&'a str>,
    streams: Vec<Option<&'a str>>,
    low: Vec<i64>,
    high: Vec<i64>,
    most: Vec<i64>,
    /// The read of each name, from 1.
    name_of: Vec<i32>,
    names: Vec<&'a str>,
    exclusive: Vec<bool>,
}

impl<'a> Columns<'a> {
    fn of(group: &'a [ReadRequest], page_size: impl Fn(&ReadCursor) -> u64) -> Self {
        let mut columns = Self::default();
        for (read, request) in (1..).zip(group) {
            // The server ends each read at the horizon.
            let wanted = ReadCursor::new(request.options, u64::MAX);
            let most = page_size(&wanted);
            columns.sizes.push(most);
            match &request.selection {
                Selection::All => {}
                Selection::Items(items) => {
                    for (types, tags) in items.types.iter().zip(&items.tags) {
                        columns.push(read, (types, tags, None), &wanted, most);
                    }
                }
                Selection::Stream(name) => {
                    columns.push(read, ("{}", "{}", Some(name.as_str())), &wanted, most);
                }
            }
            let (names, exclusive) = request.names.columns();
            columns.name_of.resize(columns.names.len() + names.len(), read);
            columns.names.extend(names);
            columns.exclusive.extend(exclusive);
        }
        columns
    }

    fn push(
        &mut self,
        read: i32,
        (types, tags, stream): (&'a str, &'a str, Option<&'a str>),
        wanted: &ReadCursor,
        most: u64,
    ) {
        self.item_of.push(read);
        self.types.push(types);
        self.tags.push(tags);
        self.streams.push(stream);
        self.low.push(wire::number(wanted.low()));
        self.high.push(wire::number(wanted.high()));
        self.most.push(wire::number(most));
    }

    fn statement(&self, read_many: &sql::Statement) -> Statement<'_> {
        read_many
            .query()
            .bind(wire::place(self.sizes.len()))
            .bind(&self.item_of)
            .bind(&self.types)
            .bind(&self.tags)
            .bind(&self.streams)
            .bind(&self.low)
            .bind(&self.high)
            .bind(&self.most)
            .bind(&self.name_of)
            .bind(&self.names)
            .bind(&self.exclusive)
    }

    /// The index of the read that an item is of.
    fn read_of(&self, item: usize) -> Option<usize> {
        usize::try_from(*self.item_of.get(item)?).ok()?.checked_sub(1)
    }

    /// Adds the record of a row to its page, or removes the page where the row tells of an append in flight.
    /// Returns about how many bytes the row takes.
    fn push_row(
        &self,
        pages: &mut Pages,
        rows: &mut wire::RowReader,
        row: &PgRow,
    ) -> Result<u64, Error> {
        let index = wire::item_index(row);
        if wire::first_number(row).is_none() {
            *index.and_then(|read| pages.get_mut(read)).ok_or(UNASKED)? = None;
            return Ok(0);
        }
        let read = index.and_then(|item| self.read_of(item));
        let page = read.and_then(|read| pages.get_mut(read)?.as_mut()).ok_or(UNASKED)?;
        let (record, bytes) = sized_record(rows, row)?;
        page.push(record);
        Ok(bytes)
    }
}
