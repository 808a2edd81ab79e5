//! The pages of a long read after the first, each asked for while the one before is used.

use factos::{Page, ReadCursor};
use tokio::sync::oneshot;

use crate::{error::Error, pool::Jobs, read::Selection};

/// A page that is being read.
#[derive(Debug)]
pub(crate) struct Pages {
    jobs: Jobs,
    next: oneshot::Receiver<Next>,
}

#[derive(Debug)]
struct Next {
    page: Result<Page, Error>,
    selection: Selection,
    cursor: ReadCursor,
}

impl Pages {
    pub(crate) fn start(
        jobs: &Jobs,
        selection: Selection,
        mut cursor: ReadCursor,
    ) -> Result<Self, Error> {
        let next = jobs.submit(move |reader| {
            let page = reader.page(&selection, &mut cursor);
            Next { page, selection, cursor }
        })?;
        Ok(Self { jobs: jobs.clone(), next })
    }

    /// The page, and those after it if there may be any.
    pub(crate) async fn next(self) -> (Result<Page, Error>, Option<Self>) {
        let Ok(Next { page, selection, cursor }) = self.next.await else {
            return (Err(Error::Closed), None);
        };
        if page.is_err() || cursor.is_done() {
            return (page, None);
        }
        match Self::start(&self.jobs, selection, cursor) {
            Ok(more) => (page, Some(more)),
            Err(error) => (Err(error), None),
        }
    }
}
