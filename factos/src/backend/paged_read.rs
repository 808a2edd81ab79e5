use futures_util::stream;

use super::selection::Selection;
use crate::{
    events::{Events, Page},
    position::SequencePosition,
    read_options::{ReadCursor, ReadOptions},
    store_error::StoreError,
};

/// One read that goes from page to page over one snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PagedRead {
    selection: Selection,
    cursor: ReadCursor,
}

impl PagedRead {
    /// A read of the snapshot that ends with the position `head`, 0 for an empty log.
    #[must_use]
    pub fn new(selection: Selection, options: ReadOptions, head: u64) -> Self {
        Self { selection, cursor: ReadCursor::new(options, head) }
    }

    /// The rest of a read, from this cursor on.
    #[must_use]
    pub const fn of(selection: Selection, cursor: ReadCursor) -> Self {
        Self { selection, cursor }
    }

    /// The events that it asks for.
    #[must_use]
    pub const fn selection(&self) -> &Selection {
        &self.selection
    }

    /// The part of the read that is still to come.
    #[must_use]
    pub const fn cursor(&self) -> &ReadCursor {
        &self.cursor
    }

    /// Whether nothing is to come.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.cursor.is_done()
    }

    /// Takes off the next `positions` positions, as a read of its own; see [`ReadCursor::take_window`].
    #[must_use]
    pub fn take_window(&mut self, positions: u64) -> Self {
        Self::of(self.selection.clone(), self.cursor.take_window(positions))
    }

    /// The next page, of at most `most` records, by a function that is told how many records the page may
    /// hold. It returns them in reading order, and whether there may be more after them.
    ///
    /// # Errors
    /// Those of the function; the read then stands where it stood.
    pub fn next_page<E>(
        &mut self,
        most: usize,
        select: impl FnOnce(&Selection, &ReadCursor, usize) -> Result<(Page, bool), E>,
    ) -> Result<Page, E> {
        if self.is_done() {
            return Ok(Page::new());
        }
        let (page, has_more) = select(&self.selection, &self.cursor, self.cursor.page_size(most))?;
        self.cursor.turn_page(&page, has_more);
        Ok(page)
    }

    /// The events of this read, which is complete up to `observed`: its first page, and then those that
    /// `next_page` makes.
    pub fn into_events<'a, F, Fut>(
        self,
        observed: Option<SequencePosition>,
        first: Page,
        next_page: F,
    ) -> Events<'a>
    where
        F: Fn(Self) -> Fut + Send + 'a,
        Fut: Future<Output = (Result<Page, StoreError>, Self)> + Send,
    {
        if self.is_done() {
            return Events::of_page(observed, first);
        }
        let pages = stream::unfold((self, next_page), |(read, next_page)| async move {
            if read.is_done() {
                return None;
            }
            let (page, rest) = next_page(read).await;
            Some((page, (rest, next_page)))
        });
        Events::of_first_page(observed, first, pages)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::FutureExt;

    use super::*;
    use crate::{
        append::NewEvent, backend::record::record, event_type::EventType, query::Query,
        recorded::Recorded,
    };

    fn log(events: u64) -> Page {
        let event = |at| {
            let event = NewEvent::new(EventType::from_static("A"), "");
            record(event, SequencePosition::new(at).unwrap(), None, std::time::UNIX_EPOCH)
        };
        (1..=events).map(event).collect()
    }

    fn select(log: &Page, cursor: &ReadCursor, most: usize) -> (Page, bool) {
        let is_within = |record: &&Recorded<bytes::Bytes>| {
            (cursor.low() + 1..=cursor.high()).contains(&record.position.get())
        };
        let mut page: Page = log.iter().filter(is_within).cloned().collect();
        if cursor.is_backwards() {
            page.reverse();
        }
        page.truncate(most);
        let is_full = page.len() == most;
        (page, is_full)
    }

    fn positions(options: ReadOptions) -> Vec<u64> {
        let log = log(10);
        let mut read = PagedRead::new(Selection::Query(Query::all()), options, 9);
        let next = move |read: &mut PagedRead| {
            let page = |_: &_, cursor: &_, most| Ok::<_, Infallible>(select(&log, cursor, most));
            read.next_page(3, page).unwrap()
        };
        let first = next(&mut read);
        let events = read.into_events(None, first, move |mut read| {
            let page = next(&mut read);
            async move { (Ok(page), read) }
        });
        let page = events.collect().now_or_never().unwrap().unwrap();
        page.iter().map(|record| record.position.get()).collect()
    }

    #[test]
    fn pages_make_up_the_whole_read_and_nothing_more() {
        let all = ReadOptions::all();
        assert_eq!(positions(all), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(positions(all.backwards().limit(4)), [9, 8, 7, 6]);
        assert_eq!(positions(all.after(SequencePosition::new(7))), [8, 9]);
        assert_eq!(positions(all.limit(3)), [1, 2, 3]);
        assert!(positions(all.limit(0)).is_empty());
    }
}
