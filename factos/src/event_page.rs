use bytes::Bytes;

use crate::{
    dispatch::is_nothing,
    event::Event,
    event_error::DecodeError,
    events::Page,
    page_cursor::{Edge, Order, PageCursor},
    position::SequencePosition,
    read_options::ReadOptions,
    recorded::Recorded,
    typed_events::Unknown,
};

/// One page of a history, with the cursors of the next page and the previous one.
///
/// Read by [`EventStoreExt::page`](crate::EventStoreExt::page).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventPage<E = Bytes> {
    /// The records of the page, in the order of the history.
    pub records: Vec<Recorded<E>>,
    /// The page after this one; `None` if there was none when this one was read.
    pub next: Option<PageCursor>,
    /// The page before this one; `None` for the first page.
    pub previous: Option<PageCursor>,
}

impl EventPage {
    /// The same page, decoded. An event that only remembers a command without events is left out.
    ///
    /// # Errors
    /// [`DecodeError`] of the first record that does not decode. One of a type that `E` does not know may be left out
    /// instead, by [`Unknown::Skip`].
    pub fn decode<E: Event>(self, unknown: Unknown) -> Result<EventPage<E>, DecodeError> {
        let records = self.records.into_iter().filter(|record| !is_nothing(record));
        let records: Result<_, _> =
            records.filter_map(|record| unknown.decode(record).transpose()).collect();
        Ok(EventPage { records: records?, next: self.next, previous: self.previous })
    }
}

/// A page that is to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WantedPage {
    cursor: PageCursor,
    size: usize,
}

impl WantedPage {
    pub(crate) fn new(cursor: PageCursor, size: usize) -> Self {
        Self { cursor, size: size.max(1) }
    }

    /// Whether the events are read from the far end of the page to the near one.
    const fn is_turned(self) -> bool {
        matches!(self.cursor.edge, Edge::Before(_))
    }

    /// One record more than the page has shows whether there is another page.
    pub(crate) fn options(self) -> ReadOptions {
        let is_ascending = matches!(self.cursor.order, Order::OldestFirst) != self.is_turned();
        let options = ReadOptions::all().limit((self.size as u64).saturating_add(1));
        match self.cursor.edge {
            Edge::Start if is_ascending => options,
            Edge::Start => options.backwards(),
            Edge::Past(position) | Edge::Before(position) if is_ascending => {
                options.after(position)
            }
            Edge::Past(position) | Edge::Before(position) => options.before(position).backwards(),
        }
    }

    pub(crate) fn page(self, mut records: Page, log_id: &str) -> EventPage {
        let has_more = records.len() > self.size;
        records.truncate(self.size);
        if self.is_turned() {
            records.reverse();
        }
        let (has_next, has_previous) = match self.cursor.edge {
            Edge::Start => (has_more, false),
            Edge::Past(_) => (has_more, true),
            Edge::Before(_) => (true, has_more),
        };
        let cursor = |has: bool, record: Option<&Recorded<Bytes>>, edge: fn(_) -> Edge| {
            let at = |position: SequencePosition| self.cursor.at(edge(position), log_id);
            record.filter(|_| has).map(|record| at(record.position))
        };
        let next = cursor(has_next, records.last(), Edge::Past);
        let previous = cursor(has_previous, records.first(), Edge::Before);
        EventPage { records, next, previous }
    }
}
