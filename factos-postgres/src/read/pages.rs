use std::sync::Arc;

use factos::{Events, Page, SequencePosition};
use futures_util::stream;
use tokio::task::JoinSet;

use super::{
    reader::Reader,
    selection::{Cursor, FirstPage, Selection},
};
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
    let rest = Rest { reader: Arc::clone(reader), selection, cursor: first.cursor };
    // The task is aborted when the events are dropped.
    let pages = stream::unfold((JoinSet::new(), Some(rest)), |(mut task, rest)| async {
        rest.into_iter().for_each(|rest| rest.start(&mut task));
        let page = match task.join_next().await? {
            Ok((page, rest)) => {
                if page.is_ok() && !rest.cursor.left.is_done() {
                    rest.start(&mut task);
                }
                page
            }
            Err(_) => Err(Error::NotSent),
        };
        Some((page.map_err(Into::into), (task, None)))
    });
    Events::of_first_page(observed, first.page, pages)
}

/// What is left of a read.
struct Rest {
    reader: Arc<Reader>,
    selection: Selection,
    cursor: Cursor,
}

impl Rest {
    /// Reads the next page in a task.
    fn start(mut self, task: &mut JoinSet<(Result<Page, Error>, Self)>) {
        task.spawn(async move {
            let page = self.reader.next_page(&self.selection, &mut self.cursor).await;
            (page, self)
        });
    }
}
