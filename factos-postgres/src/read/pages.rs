use std::{iter::once, sync::Arc};

use factos::{Events, Page, SequencePosition, StoreError};
use futures_util::{Stream, StreamExt, stream};
use tokio::task::JoinSet;

use super::{
    reader::Reader,
    recent_records::Known,
    selection::{Cursor, FirstPage, Selection},
};
use crate::error::Error;

/// The events of a read: what is known of it, and the rest from its first page on. The second page of that is read once it
/// is asked for, and each page after that while the one before it is used. Where the read `is_contended`, others want the same
/// records soon.
pub(crate) fn events(
    reader: &Arc<Reader>,
    selection: Selection,
    (known, first): (Known, FirstPage),
    is_contended: bool,
) -> Events<'static> {
    let observed = SequencePosition::new(first.horizon.max(known.through));
    let cursor = first.cursor;
    let rest = (!cursor.left.is_done()).then(|| Rest {
        reader: Arc::clone(reader),
        selection,
        cursor,
        is_contended,
    });
    let mut pages = known.into_pages();
    match (pages.next(), rest) {
        (None, None) => Events::of_page(observed, first.page),
        (None, Some(rest)) => Events::of_first_page(observed, first.page, rest.pages()),
        (Some(head), rest) => {
            let there = stream::iter(pages.chain(once(first.page)).map(Ok));
            let rest = stream::iter(rest).flat_map(Rest::pages);
            Events::of_first_page(observed, head, there.chain(rest))
        }
    }
}

/// What is left of a read.
struct Rest {
    reader: Arc<Reader>,
    selection: Selection,
    cursor: Cursor,
    is_contended: bool,
}

impl Rest {
    fn pages(self) -> impl Stream<Item = Result<Page, StoreError>> + Send {
        // The task is aborted when the events are dropped.
        stream::unfold((JoinSet::new(), Some(self)), |(mut task, rest)| async {
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
        })
    }

    /// Reads the next page in a task.
    fn start(mut self, task: &mut JoinSet<(Result<Page, Error>, Self)>) {
        task.spawn(async move {
            let Self { reader, selection, cursor, is_contended } = &mut self;
            let page = reader.next_page(selection, cursor, *is_contended).await;
            (page, self)
        });
    }
}
