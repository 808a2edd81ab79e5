use factos::{Events, Page, ReadCursor, ReadOptions, SequencePosition};
use futures_util::stream;
use sqlx::PgConnection;

use super::{
    page_size::{FIRST_PAGE, LATER_PAGE},
    reader::{Asked, Reader, Statement, sized_record},
    selection::{Cursor, FirstPage, Selection},
};
use crate::{deadline::Deadline, error::Error, lock_names::LockNames};

/// The events of a read within a transaction of the caller's, which also sees its own appends. Nothing of it is
/// kept for other reads: it may be rolled back.
pub(crate) async fn events_in<'t>(
    reader: &'t Reader,
    transaction: &'t mut PgConnection,
    selection: Selection,
    names: Option<LockNames>,
    options: ReadOptions,
) -> Result<Events<'t>, Error> {
    let mut read = ReadIn { reader, transaction, selection };
    let first = read.first_page(names.as_ref(), options).await?;
    let observed = SequencePosition::new(first.horizon);
    let rest = stream::try_unfold((read, first.cursor), |(mut read, mut cursor)| async move {
        if cursor.left.is_done() {
            return Ok(None);
        }
        let page = read.next_page(&mut cursor).await?;
        Ok(Some((page, (read, cursor))))
    });
    Ok(Events::of_first_page(observed, first.page, rest))
}

struct ReadIn<'t> {
    reader: &'t Reader,
    transaction: &'t mut PgConnection,
    selection: Selection,
}

impl ReadIn<'_> {
    async fn first_page(
        &mut self,
        names: Option<&LockNames>,
        options: ReadOptions,
    ) -> Result<FirstPage, Error> {
        let Self { reader, transaction, selection } = self;
        let wanted = ReadCursor::new(options, u64::MAX);
        let most = reader.page_size.of(&wanted, FIRST_PAGE);
        let deadline = reader.log.deadline();
        let statement = reader.first_page_statement(selection, names, &wanted, most, deadline);
        let (horizon, page, is_full) =
            page(reader, transaction, statement, deadline, true, most).await?;
        Ok(FirstPage::new(options, horizon, page, is_full))
    }

    async fn next_page(&mut self, cursor: &mut Cursor) -> Result<Page, Error> {
        let Self { reader, transaction, selection } = self;
        let most = reader.page_size.of(&cursor.left, LATER_PAGE);
        let deadline = reader.log.deadline();
        let statement = reader.next_page_statement(selection, cursor, most, deadline);
        let (_, page, is_full) =
            page(reader, transaction, statement, deadline, false, most).await?;
        cursor.turn_page(&page, is_full);
        Ok(page)
    }
}

/// How far the log is complete, if it is asked for, the records, and whether there may be more.
async fn page(
    reader: &Reader,
    transaction: &mut PgConnection,
    statement: Statement<'_>,
    deadline: Deadline,
    with_horizon: bool,
    most: u64,
) -> Result<(u64, Page, bool), Error> {
    reader.log.incarnation.check()?;
    let run = reader.log.incarnation.verified();
    let asked = Asked { run, patience: deadline.answer(), with_horizon, is_committed: false };
    let mut page = Page::new();
    let taken = reader.rows(transaction, statement.bind(run), asked, |rows, row| {
        let (record, bytes) = sized_record(rows, row)?;
        page.push(record);
        Ok(bytes)
    });
    match taken.await {
        Ok(taken) => {
            let is_full = taken.is_cut || page.len() as u64 >= most;
            Ok((taken.horizon, page, is_full))
        }
        Err(error) => Err(reader.log.failed_in_transaction(error, deadline).await),
    }
}
