use std::sync::Arc;

use factos::{Events, Page, SequencePosition, StoreError};
use futures_util::stream;
use tokio::task::JoinHandle;

use super::reader::Reader;
use super::selection::{Cursor, FirstPage, Selection};
use crate::error::Error;

/// The events of a read, from its first page on. The second page is read once it is asked for, and each page
/// after that while the one before it is used.
pub(crate) fn events(
    reader: &Arc<Reader>,
    selection: Selection,
    first: FirstPage,
) -> Events<'static> {
    let observed = SequencePosition::new(first.horizon);
    if first.cursor.left.is_done() {
        return Events::of_page(observed, first.page);
    }
    let read = Read { reader: Arc::clone(reader), selection, cursor: first.cursor };
    let pages = stream::unfold(Rest::NotStarted(read), |rest| async {
        let reading = match rest {
            Rest::NotStarted(read) => read.start(),
            Rest::Started(reading) => reading,
            Rest::Ended => return None,
        };
        let (page, rest) = reading.finish().await;
        Some((page.map_err(StoreError::from), rest))
    });
    Events::of_first_page(observed, first.page, pages)
}

/// The pages that are still to come.
enum Rest {
    NotStarted(Read),
    Started(Reading),
    Ended,
}

struct Read {
    reader: Arc<Reader>,
    selection: Selection,
    cursor: Cursor,
}

impl Read {
    fn start(mut self) -> Reading {
        Reading(tokio::spawn(async move {
            let page = self.reader.next_page(&self.selection, &mut self.cursor).await;
            (page, self)
        }))
    }
}

/// A page that a task of its own reads.
struct Reading(JoinHandle<(Result<Page, Error>, Read)>);

impl Reading {
    async fn finish(mut self) -> (Result<Page, Error>, Rest) {
        let Ok((page, read)) = (&mut self.0).await else {
            return (Err(Error::NotSent), Rest::Ended);
        };
        let is_over = page.is_err() || read.cursor.left.is_done();
        let rest = if is_over { Rest::Ended } else { Rest::Started(read.start()) };
        (page, rest)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}
