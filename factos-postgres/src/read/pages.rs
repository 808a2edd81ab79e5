//! The pages of a long read after the first, each asked for while the one before is used.

use std::sync::Arc;

use factos::Page;
use tokio::task::JoinHandle;

use crate::{
    error::Error,
    read::reader::{Cursor, Reader, Selection},
};

/// A page that is being read.
#[derive(Debug)]
pub(crate) struct Pages {
    reader: Arc<Reader>,
    next: Reading,
}

#[derive(Debug)]
struct Reading(JoinHandle<Next>);

#[derive(Debug)]
struct Next {
    page: Result<Page, Error>,
    selection: Selection,
    cursor: Cursor,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Pages {
    pub(crate) fn start(reader: Arc<Reader>, selection: Selection, mut cursor: Cursor) -> Self {
        let shared = Arc::clone(&reader);
        let next = tokio::spawn(async move {
            let page = shared.page(&selection, &mut cursor).await;
            Next { page, selection, cursor }
        });
        Self { reader, next: Reading(next) }
    }

    /// The page, and those after it if there may be any.
    pub(crate) async fn next(mut self) -> (Result<Page, Error>, Option<Self>) {
        let Ok(Next { page, selection, cursor }) = (&mut self.next.0).await else {
            return (Err(Error::NotSent), None);
        };
        let over = page.is_err() || cursor.left.is_done();
        let more = (!over).then(|| Self::start(Arc::clone(&self.reader), selection, cursor));
        (page, more)
    }
}
