use factos::{Page, ReadCursor, ReadOptions, SequencePosition};
use tokio::sync::oneshot;

use super::{
    page_size::{FIRST_PAGE, SHARED_PAGE},
    reader::Reader,
    selection::{FirstPage, Selection},
};
use crate::deadline::Deadline;

/// A read of the whole log, onwards from a position, whose caller waits for its first page. Followers read like
/// this, many of them from about the same position.
#[derive(Debug)]
pub(super) struct WholeLogRead {
    options: ReadOptions,
    deadline: Deadline,
    reply: oneshot::Sender<FirstPage>,
}

impl WholeLogRead {
    /// None for any other read.
    pub(super) fn new(
        selection: &Selection,
        options: ReadOptions,
        deadline: Deadline,
    ) -> Option<(Self, oneshot::Receiver<FirstPage>)> {
        let is_onwards = !options.backwards && options.before.is_none();
        if !is_onwards || !matches!(selection, Selection::All) {
            return None;
        }
        let (reply, first_page) = oneshot::channel();
        Some((Self { options, deadline, reply }, first_page))
    }

    /// Whether the caller dropped its future.
    pub(super) fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    /// Whether one page can answer both.
    pub(super) fn is_near(&self, other: &Self) -> bool {
        self.low().abs_diff(other.low()) < SHARED_PAGE
    }

    fn low(&self) -> u64 {
        self.options.after.map_or(0, SequencePosition::get)
    }

    /// Answers with its part of a page that begins at or below its position.
    fn answer(self, horizon: u64, page: &Page, most: u64, is_full: bool) {
        let from = page.partition_point(|record| record.position.get() <= self.low());
        let page: Page =
            page[from..].iter().take(most.try_into().unwrap_or(usize::MAX)).cloned().collect();
        // What a page that was cut does not reach is read by the caller itself.
        if page.is_empty() && is_full && most > 0 {
            return;
        }
        let is_full = is_full || page.len() as u64 >= most;
        drop(self.reply.send(FirstPage::new(self.options, horizon, page, is_full)));
    }
}

impl Reader {
    /// Reads the first pages of reads that are near each other by one statement. The requests that it does not
    /// answer are dropped; all of them are if the statement fails.
    pub(super) async fn shared_first_page(&self, group: Vec<WholeLogRead>) {
        let deadline = group.iter().map(|read| read.deadline).reduce(Deadline::earlier);
        let deadline = deadline.unwrap_or_else(|| self.log.deadline());
        let lows = group.iter().map(WholeLogRead::low);
        let (low, top) = (lows.clone().min().unwrap_or(0), lows.max().unwrap_or(0));
        let records = if group.len() > 1 { SHARED_PAGE } else { FIRST_PAGE };
        let share = |read: &WholeLogRead| {
            self.page_size.of(&ReadCursor::new(read.options, u64::MAX), records)
        };
        let most = group.iter().map(share).max().unwrap_or(0);
        // No more events than positions are below the highest start: each read gets as many as it asked for.
        let most = if most == 0 { 0 } else { most + (top - low) };
        let options = ReadOptions::all().after(SequencePosition::new(low));
        let Ok(whole) = self.first_page_of(&Selection::All, None, options, most, deadline).await
        else {
            return;
        };
        for read in group {
            let most = share(&read);
            read.answer(whole.horizon, &whole.page, most, !whole.cursor.left.is_done());
        }
    }
}
