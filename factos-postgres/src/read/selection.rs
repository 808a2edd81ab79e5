use std::sync::Arc;

use factos::{Page, Query, ReadCursor, ReadOptions, StreamName};

use crate::wire::Items;

/// What a read asks for, as it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Selection {
    All,
    Items(Arc<Items>),
    Stream(StreamName),
}

impl Selection {
    pub(crate) fn of_query(query: &Query) -> Self {
        let Some(query) = query.items() else { return Self::All };
        let mut items = Items::default();
        query.iter().for_each(|item| items.push(item));
        Self::Items(Arc::new(items))
    }

    /// The items of a query that has any.
    pub(super) fn items(&self) -> Option<&Items> {
        match self {
            Self::Items(items) => Some(items),
            Self::All | Self::Stream(_) => None,
        }
    }

    pub(super) fn stream(&self) -> Option<&str> {
        match self {
            Self::Stream(stream) => Some(stream.as_str()),
            Self::All | Self::Items(_) => None,
        }
    }
}

/// The first page of a read, and how the read goes on.
#[derive(Debug, Clone)]
pub(crate) struct FirstPage {
    /// How far the log is complete for this read.
    pub(crate) horizon: u64,
    pub(crate) page: Page,
    pub(crate) cursor: Cursor,
}

impl FirstPage {
    /// The read may go on if the page is full.
    pub(super) fn new(options: ReadOptions, horizon: u64, page: Page, is_full: bool) -> Self {
        let mut cursor = Cursor { left: ReadCursor::new(options, horizon), revision: None };
        cursor.turn_page(&page, is_full);
        Self { horizon, page, cursor }
    }
}

/// Where a read goes on.
#[derive(Debug, Clone)]
pub(crate) struct Cursor {
    pub(super) left: ReadCursor,
    /// The revision that the last page of a stream ended with.
    pub(super) revision: Option<u64>,
}

impl Cursor {
    /// How far the read has come: all that it returns up to there was returned, unless it has a limit or goes backwards.
    pub(super) fn reached(&self) -> u64 {
        if self.left.is_done() { self.left.high() } else { self.left.low() }
    }

    /// Goes on after this page, or ends the read if the page is not full.
    pub(super) fn turn_page(&mut self, page: &Page, is_full: bool) {
        self.left.turn_page(page, is_full);
        self.revision = page.last().and_then(|last| last.revision);
    }
}
