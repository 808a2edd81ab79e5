//! The pages of a long read after the first, asked for ahead of their use.

use std::collections::VecDeque;

use factos::{Page, backend::PagedRead};
use tokio::sync::oneshot;

use crate::{
    error::Error,
    read::{reader::PAGE, threads::Jobs},
};

/// How many pages are read while one is used.
const AHEAD: usize = 3;

/// The pages that are to come, in order.
#[derive(Debug)]
pub(crate) struct Pages {
    jobs: Jobs,
    ahead: VecDeque<oneshot::Receiver<Next>>,
    /// What was not asked for yet.
    rest: PagedRead,
}

#[derive(Debug)]
struct Next {
    page: Result<Page, Error>,
    /// What the page left over of the part that it was asked for.
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

    /// Keeps the readers at work. Where every position is wanted, parts of the log can be read side by
    /// side; a query tells only with each page where the next begins.
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
            let page = reader.page(&mut read);
            Next { page, rest: read }
        })
    }
}
