//! The pages of a long read after the first: reader threads read them ahead.

use std::collections::VecDeque;

use factos::{Page, backend::PagedRead};
use tokio::sync::oneshot;

use crate::{
    error::Error,
    read::{reader::PAGE, threads::Jobs},
};

/// How many pages are read ahead.
const AHEAD: usize = 3;

/// The pages that are still to come.
#[derive(Debug)]
pub(crate) struct Pages {
    jobs: Jobs,
    /// The pages that are being read, in order.
    ahead: VecDeque<oneshot::Receiver<Next>>,
    /// What no reader thread was asked for yet.
    rest: PagedRead,
}

#[derive(Debug)]
struct Next {
    page: Result<Page, Error>,
    /// What of the window comes after the page.
    rest: PagedRead,
}

impl Pages {
    /// Begins to read what is left of a read.
    pub(crate) fn start(jobs: &Jobs, rest: PagedRead) -> Result<Self, Error> {
        let mut pages = Self { jobs: jobs.clone(), ahead: VecDeque::with_capacity(AHEAD), rest };
        pages.ask_ahead()?;
        Ok(pages)
    }

    /// The next page; none after the last.
    pub(crate) async fn next(&mut self) -> Option<Result<Page, Error>> {
        let answer = self.ahead.pop_front()?.await;
        let page = answer.map_err(|_| Error::Closed).and_then(|next| self.go_on(next));
        if page.is_err() {
            self.ahead.clear();
        }
        Some(page)
    }

    fn go_on(&mut self, Next { page, rest }: Next) -> Result<Page, Error> {
        let page = page?;
        if !rest.is_done() {
            let more = self.ask(rest)?;
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
            let next = self.ask(window)?;
            self.ahead.push_back(next);
        }
        Ok(())
    }

    fn ask(&self, mut read: PagedRead) -> Result<oneshot::Receiver<Next>, Error> {
        self.jobs.submit(move |reader| {
            let page = reader.later_page(&mut read);
            Next { page, rest: read }
        })
    }
}
