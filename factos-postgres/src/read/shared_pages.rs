//! Later pages that several reads want at the same time: one statement reads each of them.
//!
//! All that a read has yet to return lies at or below its horizon, and nothing can appear or change there. So whoever
//! wants the rows after the same position may take a page that another read has asked for before.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use factos::Page;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use tokio::runtime;

use super::selection::Selection;
use crate::{error::Error, wire};

pub(super) type Answer = BoxFuture<'static, Result<Arc<ReadPage>, Error>>;

/// The pages that are being read.
#[derive(Debug, Default)]
pub(super) struct SharedPages(Mutex<HashMap<Key, WeakShared<Answer>>>);

/// What makes the pages of two reads the same, as far as both go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) low: u64,
    pub(super) selection: Selection,
    pub(super) most: u64,
    pub(super) revision: Option<u64>,
    /// The run of the server that is asked: another one may have other events.
    pub(super) run: wire::Time,
    /// Its connection and its timers end with it.
    pub(super) runtime: runtime::Id,
}

/// The page of the read that asked for it.
#[derive(Debug)]
pub(super) struct ReadPage {
    pub(super) page: Page,
    /// How far that read goes.
    pub(super) high: u64,
    pub(super) is_full: bool,
}

/// A read that waits for a page. Drop it after the answer.
pub(super) struct Waiter<'a> {
    pages: &'a SharedPages,
    key: Key,
    /// Whether another read has asked for the page.
    pub(super) is_joined: bool,
}

impl ReadPage {
    /// The rows for a read that goes this far, and whether that read goes on after them. None if nothing is known of what
    /// it reads.
    pub(super) fn up_to(read: Arc<Self>, high: u64) -> Option<(Page, bool)> {
        let Some(last) = read.page.last().map(|last| last.position.get()) else {
            return (!read.is_full && high <= read.high).then(|| (Page::new(), false));
        };
        // After a full page there may be more rows, and beyond the read that asked for the page as well.
        let goes_on = last <= high && (read.is_full || read.high < high);
        let page = match Arc::try_unwrap(read) {
            Ok(own) if last <= high => own.page,
            Ok(own) => within(&own.page, high),
            Err(of_all) => within(&of_all.page, high),
        };
        Some((page, goes_on))
    }
}

/// The rows at or below a position.
fn within(page: &Page, high: u64) -> Page {
    page[..page.partition_point(|record| record.position.get() <= high)].to_vec()
}

impl SharedPages {
    /// A page that is being read, or one that is asked for now.
    pub(super) fn wait(
        &self,
        key: Key,
        ask: impl FnOnce() -> Answer,
    ) -> (Waiter<'_>, Shared<Answer>) {
        let mut pages = self.lock();
        let under_way = pages.get(&key).and_then(WeakShared::upgrade);
        let joined = under_way.filter(|answer| answer.peek().is_none());
        let is_joined = joined.is_some();
        let answer = joined.unwrap_or_else(|| {
            let answer = ask().shared();
            pages.extend(answer.downgrade().map(|weak| (key.clone(), weak)));
            answer
        });
        (Waiter { pages: self, key, is_joined }, answer)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, WeakShared<Answer>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut pages = self.pages.lock();
        let under_way = pages.get(&self.key).and_then(WeakShared::upgrade);
        if under_way.is_none_or(|answer| answer.peek().is_some()) {
            pages.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use factos::{EventId, EventType, NewEvent, SequencePosition, backend::record};
    use tokio::runtime::Handle;

    use super::*;

    fn page(positions: impl IntoIterator<Item = u64>) -> Page {
        let record = |position| {
            let event = NewEvent::new(EventType::from_static("sold"), vec![]);
            record(event, SequencePosition::new(position).unwrap(), None, SystemTime::UNIX_EPOCH)
        };
        positions.into_iter().map(record).collect()
    }

    fn positions((page, is_full): (Page, bool)) -> (Vec<u64>, bool) {
        (page.iter().map(|record| record.position.get()).collect(), is_full)
    }

    fn key(low: u64) -> Key {
        let (selection, runtime) = (Selection::All, Handle::current().id());
        Key { low, selection, most: 10, revision: None, run: wire::Time(1), runtime }
    }

    fn read(page: Page) -> Answer {
        async move { Ok(Arc::new(ReadPage { page, high: 100, is_full: false })) }.boxed()
    }

    fn ids(page: &Page) -> Vec<EventId> {
        page.iter().map(|record| record.id).collect()
    }

    #[tokio::test]
    async fn a_page_that_is_being_read_is_taken_by_all_who_want_it() {
        let (pages, rows) = (SharedPages::default(), page([3, 5]));
        let (first, asked) = pages.wait(key(2), || read(rows.clone()));
        let (second, joined) = pages.wait(key(2), || unreachable!("it is being read"));
        let (other, elsewhere) = pages.wait(key(3), || read(page([5])));
        let restarted = Key { run: wire::Time(2), ..key(2) };
        let (later, _) = pages.wait(restarted, || read(page([4])));
        let are_joined = [&first, &second, &other, &later].map(|waiter| waiter.is_joined);
        assert_eq!(are_joined, [false, true, false, false]);
        for answer in [asked, joined] {
            assert_eq!(ids(&answer.await.unwrap().page), ids(&rows));
        }
        assert_eq!(elsewhere.await.unwrap().page.len(), 1);
        let (third, again) = pages.wait(key(2), || read(page([3, 5, 7])));
        assert!(!third.is_joined, "an answer that is there is not kept");
        assert_eq!(again.await.unwrap().page.len(), 3);
        drop((first, second, third, other, later));
        assert!(pages.lock().is_empty());
    }

    #[tokio::test]
    async fn a_read_that_is_dropped_holds_nobody_up_and_leaves_nothing() {
        let pages = SharedPages::default();
        let (first, asked) = pages.wait(key(2), || read(page([3])));
        let (second, joined) = pages.wait(key(2), || unreachable!("it is being read"));
        drop((asked, first));
        assert_eq!(joined.await.unwrap().page.len(), 1);
        drop(second);
        let (third, unasked) = pages.wait(key(2), || read(page([3])));
        drop((unasked, third));
        assert!(pages.lock().is_empty());
    }

    #[test]
    fn a_page_is_cut_where_the_read_ends() {
        let read = |positions: &[u64], is_full| {
            Arc::new(ReadPage { page: page(positions.iter().copied()), high: 10, is_full })
        };
        let up_to = |read, high| ReadPage::up_to(read, high).map(positions);
        // The rows after the last one of a full page are not known.
        assert_eq!(up_to(read(&[3, 5], true), 5), Some((vec![3, 5], true)));
        assert_eq!(up_to(read(&[3, 5], true), 50), Some((vec![3, 5], true)));
        assert_eq!(up_to(read(&[3, 5], true), 4), Some((vec![3], false)));
        // Another one holds all rows as far as its read went.
        assert_eq!(up_to(read(&[3, 5], false), 10), Some((vec![3, 5], false)));
        assert_eq!(up_to(read(&[3, 5], false), 4), Some((vec![3], false)));
        assert_eq!(up_to(read(&[3, 5], false), 2), Some((vec![], false)));
        assert_eq!(up_to(read(&[3, 5], false), 11), Some((vec![3, 5], true)));
        assert_eq!(up_to(read(&[], false), 4), Some((vec![], false)));
        assert_eq!(up_to(read(&[], false), 11), None);
        let held = read(&[3, 5], false);
        assert_eq!(up_to(Arc::clone(&held), 3), Some((vec![3], false)));
    }
}
