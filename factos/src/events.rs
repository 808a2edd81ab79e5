use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll, ready},
    vec,
};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt;

use crate::{position::SequencePosition, recorded::Recorded, store_error::StoreError};

/// One page of records, filled by a store.
pub type Page = Vec<Recorded<Bytes>>;

type Pages<'a> = Pin<Box<dyn Stream<Item = Result<Page, StoreError>> + Send + 'a>>;

/// The records of one read, in order, all from one snapshot of the log.
///
/// A [`Stream`] that is filled page by page: memory is bounded however long the log is. After an error
/// it has ended. Dropping it before its end releases what it holds.
#[must_use = "a stream does nothing unless polled"]
pub struct Events<'a> {
    observed: Option<SequencePosition>,
    page: vec::IntoIter<Recorded<Bytes>>,
    more: Option<Pages<'a>>,
}

impl<'a> Events<'a> {
    /// For stores: all records of a read at once, and the position up to which they are complete.
    pub fn of_page(observed: Option<SequencePosition>, page: Page) -> Self {
        Self { observed, page: page.into_iter(), more: None }
    }

    /// For stores: the records of a read page by page. An empty page is allowed; an error ends the read.
    pub fn of_pages(
        observed: Option<SequencePosition>,
        pages: impl Stream<Item = Result<Page, StoreError>> + Send + 'a,
    ) -> Self {
        Self { observed, page: Vec::new().into_iter(), more: Some(Box::pin(pages)) }
    }

    /// For stores: a first page that is there already, and the pages that follow it.
    pub fn of_first_page(
        observed: Option<SequencePosition>,
        first: Page,
        rest: impl Stream<Item = Result<Page, StoreError>> + Send + 'a,
    ) -> Self {
        Self { observed, page: first.into_iter(), more: Some(Box::pin(rest)) }
    }

    /// The position up to which the snapshot is complete, `None` for an empty log; known before the first
    /// record.
    ///
    /// No event matching this read's query ever appears at or below it later, so it is sound as the
    /// `after` of a condition with that query, also when nothing matched. It describes the
    /// snapshot, whatever `before` and `limit` are: a read that they cut short has not returned everything
    /// up to it.
    #[must_use]
    pub const fn observed(&self) -> Option<SequencePosition> {
        self.observed
    }

    /// The next record; `None` when the read is complete.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails between two pages; the read has then ended.
    ///
    /// # Cancellation
    /// Safe: a record is never lost.
    pub async fn next(&mut self) -> Option<Result<Recorded<Bytes>, StoreError>> {
        StreamExt::next(self).await
    }

    /// Moves records of the page that is there already, at most so many.
    pub(crate) fn take_ready(&mut self, most: usize, records: &mut Page) {
        if records.is_empty() && self.page.len() <= most {
            *records = mem::take(&mut self.page).collect();
        } else {
            records.extend(self.page.by_ref().take(most));
        }
    }

    /// All records that are left.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails between two pages.
    pub async fn collect(mut self) -> Result<Page, StoreError> {
        if self.more.is_none() {
            return Ok(self.page.collect());
        }
        let mut records = Vec::new();
        while let Some(record) = self.next().await {
            records.push(record?);
        }
        Ok(records)
    }
}

impl Stream for Events<'_> {
    type Item = Result<Recorded<Bytes>, StoreError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(record) = self.page.next() {
                return Poll::Ready(Some(Ok(record)));
            }
            let Some(more) = &mut self.more else {
                return Poll::Ready(None);
            };
            match ready!(more.as_mut().poll_next(cx)) {
                Some(Ok(page)) => self.page = page.into_iter(),
                Some(Err(error)) => {
                    self.more = None;
                    return Poll::Ready(Some(Err(error)));
                }
                None => self.more = None,
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let here = self.page.len();
        (here, self.more.is_none().then_some(here))
    }
}

impl fmt::Debug for Events<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("observed", &self.observed)
            .field("ready", &self.page.len())
            .field("complete", &self.more.is_none())
            .finish()
    }
}
