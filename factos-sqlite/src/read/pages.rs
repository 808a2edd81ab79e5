//! The pages of a long read after the first: reader threads read them ahead.

use std::collections::VecDeque;

use factos::{Page, backend::PagedRead};

use crate::{
    error::Error,
    read::{
        reader::PAGE,
        shared::{Answer, Next, SharedReads},
    },
};

/// How many pages are read ahead.
const AHEAD: usize = 3;

/// The pages that are still to come.
#[derive(Debug)]
pub(crate) struct Pages {
    reads: SharedReads,
    /// The pages that are being read, in order.
    ahead: VecDeque<Answer<Next>>,
    /// What no reader thread was asked for yet.
    rest: PagedRead,
}

impl Pages {
    /// Begins to read what is left of a read.
    pub(crate) fn start(reads: &SharedReads, rest: PagedRead) -> Result<Self, Error> {
        let mut pages = Self { reads: reads.clone(), ahead: VecDeque::with_capacity(AHEAD), rest };
        pages.ask_ahead()?;
        Ok(pages)
    }

    /// The next page; none after the last.
    pub(crate) async fn next(&mut self) -> Option<Result<Page, Error>> {
        let answer = self.ahead.pop_front()?.await;
        let page = answer.unwrap_or(Err(Error::Closed)).and_then(|next| self.go_on(next));
        if page.is_err() {
            self.ahead.clear();
        }
        Some(page)
    }

    fn go_on(&mut self, Next { page, rest }: Next) -> Result<Page, Error> {
        if !rest.is_done() {
            let more = self.reads.next(rest)?;
            self.ahead.push_front(more);
        }
        self.ask_ahead()?;
        Ok(page)
    }

    /// Asks for further pages. A read of the whole log is cut into windows, which are read at the same
    /// time. Where a page of a query begins is known only after the page before it: it is one window.
    fn ask_ahead(&mut self) -> Result<(), Error> {
        while self.ahead.len() < AHEAD && !self.rest.is_done() {
            let positions =
                if self.rest.selection().is_everything() { PAGE as u64 } else { u64::MAX };
            let window = self.rest.take_window(positions);
            let next = self.reads.next(window)?;
            self.ahead.push_back(next);
        }
        Ok(())
    }
}
