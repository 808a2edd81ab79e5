//! The first pages of several reads in one statement.

use factos::{Page, ReadCursor, ReadOptions};
use futures_util::TryStreamExt;
use sqlx::postgres::PgRow;
use tokio::sync::oneshot;

use crate::{
    append::statement::place,
    connections::Lease,
    error::Error,
    lock_names::Names,
    read::reader::{Begun, FIRST, MOST_BYTES, Reader, Selection, bytes_of, number},
    wire::row::{self, Rows},
};

/// The fewest records that each of several first pages may hold.
const SHARE: u64 = 16;

const UNASKED: Error = Error::Answer("a record that was not asked for");

/// A read that waits for its first page.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) selection: Selection,
    pub(crate) names: Names,
    pub(crate) options: ReadOptions,
    pub(crate) reply: oneshot::Sender<Begun>,
}

impl Reader {
    /// Answers the reads that meet no writer in flight. The others are dropped, and all of them if the
    /// statement fails.
    pub(crate) async fn begin_many(&self, group: Vec<Waiting>) {
        let Ok(mut lease) = self.connections.lease().await else { return };
        let share = (FIRST / group.len().max(1) as u64).max(SHARE);
        let asked = Asked::of(&group, |wanted| self.page_size(wanted, share));
        match self.answered(self.first_pages(&mut lease, &asked)).await {
            Ok(answer) => {
                self.learn(answer.bytes, answer.records);
                if !answer.is_cut {
                    lease.done();
                    let mosts = asked.mosts;
                    answer.reply(&mosts, group);
                }
            }
            Err(error) if error.is_of_connection() => self.connections.forget(),
            Err(_) => {}
        }
    }

    async fn first_pages(&self, lease: &mut Lease, asked: &Asked<'_>) -> Result<Answer, Error> {
        let connection = self.connection(lease)?;
        let query = sqlx::query(self.statements.read_many.text())
            .bind(place(asked.mosts.len()))
            .bind(&asked.item_of)
            .bind(&asked.types)
            .bind(&asked.tags)
            .bind(&asked.streams)
            .bind(&asked.low)
            .bind(&asked.high)
            .bind(&asked.most)
            .bind(&asked.name_of)
            .bind(&asked.names)
            .bind(&asked.exclusive);
        let mut stream = query.fetch(connection);
        let first = stream.try_next().await.map_err(|error| self.error(error))?;
        let horizon = first.as_ref().and_then(row::number).ok_or(Error::Answer("no horizon"))?;
        let mut answer = Answer::new(horizon, asked.mosts.len());
        let mut rows = Rows::default();
        while let Some(row) = stream.try_next().await.map_err(|error| self.error(error))? {
            answer.push(&row, &mut rows, asked)?;
            if answer.bytes > MOST_BYTES {
                answer.is_cut = true;
                break;
            }
        }
        Ok(answer)
    }
}

/// What the statement is sent, by columns: the items and the names of all reads.
#[derive(Debug, Default)]
struct Asked<'a> {
    /// The most records of each read's page.
    mosts: Vec<u64>,
    item_of: Vec<i32>,
    types: Vec<&'a str>,
    tags: Vec<&'a str>,
    streams: Vec<Option<&'a str>>,
    low: Vec<i64>,
    high: Vec<i64>,
    most: Vec<i64>,
    name_of: Vec<i32>,
    names: Vec<&'a str>,
    exclusive: Vec<bool>,
}

impl<'a> Asked<'a> {
    fn of(group: &'a [Waiting], page_size: impl Fn(&ReadCursor) -> u64) -> Self {
        let mut asked = Self::default();
        for (place, waiting) in (1..).zip(group) {
            // Bounds are met with the horizon by the server.
            let wanted = ReadCursor::new(waiting.options, u64::MAX);
            let most = page_size(&wanted);
            asked.mosts.push(most);
            match &waiting.selection {
                Selection::All => {}
                Selection::Items(items) => {
                    for (types, tags) in items.types.iter().zip(&items.tags) {
                        asked.push(place, (types, tags, None), &wanted, most);
                    }
                }
                Selection::Stream(name) => {
                    asked.push(place, ("{}", "{}", Some(name.as_str())), &wanted, most);
                }
            }
            let (names, exclusive) = waiting.names.columns();
            asked.name_of.resize(asked.names.len() + names.len(), place);
            asked.names.extend(names);
            asked.exclusive.extend(exclusive);
        }
        asked
    }

    fn push(
        &mut self,
        place: i32,
        (types, tags, stream): (&'a str, &'a str, Option<&'a str>),
        wanted: &ReadCursor,
        most: u64,
    ) {
        self.item_of.push(place);
        self.types.push(types);
        self.tags.push(tags);
        self.streams.push(stream);
        self.low.push(number(wanted.low()));
        self.high.push(number(wanted.high()));
        self.most.push(number(most));
    }

    /// The read that an item is of.
    fn read_of(&self, item: usize) -> Option<usize> {
        usize::try_from(*self.item_of.get(item)?).ok()?.checked_sub(1)
    }
}

/// What the server answered.
#[derive(Debug)]
struct Answer {
    horizon: u64,
    /// None for a read that has to wait for a writer in flight.
    pages: Vec<Option<Page>>,
    records: u64,
    bytes: u64,
    /// Whether there was more than was taken.
    is_cut: bool,
}

impl Answer {
    fn new(horizon: u64, reads: usize) -> Self {
        Self { horizon, pages: vec![Some(Page::new()); reads], records: 0, bytes: 0, is_cut: false }
    }

    fn push(&mut self, row: &PgRow, rows: &mut Rows, asked: &Asked<'_>) -> Result<(), Error> {
        let place = row::place(row);
        if row::number(row).is_none() {
            let page = place.and_then(|read| self.pages.get_mut(read));
            *page.ok_or(UNASKED)? = None;
            return Ok(());
        }
        let read = place.and_then(|item| asked.read_of(item));
        let page = read.and_then(|read| self.pages.get_mut(read)?.as_mut()).ok_or(UNASKED)?;
        let record = rows.record(row)?;
        self.records += 1;
        self.bytes += bytes_of(&record);
        page.push(record);
        Ok(())
    }

    /// Gives each read its page, of at most so many records.
    fn reply(self, mosts: &[u64], group: Vec<Waiting>) {
        for ((page, most), waiting) in self.pages.into_iter().zip(mosts).zip(group) {
            let Some(mut page) = page else { continue };
            // Each item has its own, and an event may be of several.
            if !page.is_sorted_by(|one, next| one.position < next.position) {
                page.sort_by_key(|record| record.position);
                page.dedup_by_key(|record| record.position);
            }
            page.truncate(usize::try_from(*most).unwrap_or(usize::MAX));
            let is_full = page.len() as u64 >= *most;
            let begun = Begun::new(waiting.options, self.horizon, page, is_full);
            // Nobody listens if the caller dropped its future.
            drop(waiting.reply.send(begun));
        }
    }
}
