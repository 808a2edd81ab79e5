//! The pages of a read after the first, each for all who want it meanwhile.

use std::sync::Arc;

use factos::Page;
use futures_util::FutureExt;
use tokio::runtime::Handle;

use super::{
    page_size::LATER_PAGE,
    reader::Reader,
    selection::{Cursor, Selection},
    shared_pages::{Answer, Key, ReadPage},
};
use crate::{deadline::Deadline, error::Error, wire};

impl Reader {
    /// The next page of a read. Where it `is_contended`, others want the same records soon.
    pub(super) async fn next_page(
        self: &Arc<Self>,
        selection: &Selection,
        cursor: &mut Cursor,
        is_contended: bool,
    ) -> Result<Page, Error> {
        if cursor.left.is_done() {
            return Ok(Page::new());
        }
        let (most, deadline) = (self.page_size.of(&cursor.left, LATER_PAGE), self.log.deadline());
        let (run, low) = (self.log.incarnation.verified(), cursor.left.low());
        let shared = self.shared_page(selection, cursor, run, most, deadline).await?;
        let (page, goes_on) = match shared {
            Some(shared) => shared,
            None => self.read_page(selection, cursor, most, deadline).await?,
        };
        cursor.turn_page(&page, goes_on);
        if is_contended {
            self.learn(selection, run, (low, cursor.reached()), &page);
        }
        Ok(page)
    }

    /// The next page, and whether the read goes on after it, of this read and of others that want it meanwhile. None if the
    /// read has to ask for it by itself.
    async fn shared_page(
        self: &Arc<Self>,
        selection: &Selection,
        cursor: &Cursor,
        run: wire::Time,
        most: u64,
        deadline: Deadline,
    ) -> Result<Option<(Page, bool)>, Error> {
        if cursor.left.is_backwards() {
            return Ok(None);
        }
        let key = Key {
            low: cursor.left.low(),
            selection: selection.clone(),
            most,
            revision: cursor.revision,
            run,
            runtime: Handle::current().id(),
        };
        let ask = || self.ask(selection.clone(), cursor.clone(), most, deadline);
        let (waiter, answer) = self.shared_pages.wait(key, ask);
        match answer.await {
            // It was asked for earlier, so it was given up earlier than this read would.
            Err(_) if waiter.is_joined => Ok(None),
            Err(error) => Err(error),
            Ok(read) => Ok(ReadPage::up_to(read, cursor.left.high())),
        }
    }

    fn ask(
        self: &Arc<Self>,
        selection: Selection,
        cursor: Cursor,
        most: u64,
        deadline: Deadline,
    ) -> Answer {
        let reader = Arc::clone(self);
        async move {
            let (page, is_full) = reader.read_page(&selection, &cursor, most, deadline).await?;
            Ok(Arc::new(ReadPage { page, high: cursor.left.high(), is_full }))
        }
        .boxed()
    }
}
