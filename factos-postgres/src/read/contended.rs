//! Reads of boundaries that commands compete for.

use std::sync::Arc;

use factos::{Page, ReadOptions, SequencePosition};

use super::{
    queue::ReadQueue,
    reader::Reader,
    recent_records::{Known, TERM},
    selection::{FirstPage, Selection},
};
use crate::{deadline::Deadline, error::Error, lock_names::LockNames, wire};

impl ReadQueue {
    /// What is known of the read, and the first page of the rest.
    pub(crate) async fn first_page_after_known(
        self: &Arc<Self>,
        selection: &Selection,
        names: Option<&LockNames>,
        options: ReadOptions,
        deadline: Deadline,
    ) -> Result<(Known, FirstPage), Error> {
        let reader = self.reader();
        let (run, low) = (reader.log.incarnation.verified(), number(options.after));
        let known = reader.recent_records.after(low, selection, run).unwrap_or_default();
        let mut rest = options;
        rest.after = SequencePosition::new(low.max(known.through));
        let first = self.first_page(selection, names, rest, deadline).await?;
        if reader.log.incarnation.verified() != run {
            // What another run of the server holds is read from it.
            let whole = self.first_page(selection, names, options, deadline).await?;
            return Ok((Known::default(), whole));
        }
        let through = if first.cursor.left.is_done() { first.horizon } else { last(&first.page) };
        reader.learn(selection, run, (number(rest.after), through), &first.page);
        Ok((known, first))
    }
}

impl Reader {
    /// Whether many have read the selection a moment ago.
    pub(crate) fn is_read_by_many(&self, selection: &Selection) -> bool {
        self.recent_records.is_read_by_many(selection)
    }

    /// Keeps for a moment what was read.
    pub(super) fn learn(
        self: &Arc<Self>,
        selection: &Selection,
        run: wire::Time,
        window: (u64, u64),
        page: &Page,
    ) {
        if !self.recent_records.learn(selection, run, window, page) {
            return;
        }
        let reader = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(TERM).await;
            if let Some(reader) = reader.upgrade() {
                reader.recent_records.forget_old();
            }
        });
    }
}

fn number(position: Option<SequencePosition>) -> u64 {
    position.map_or(0, SequencePosition::get)
}

/// The position of the last record.
pub(super) fn last(page: &Page) -> u64 {
    number(page.last().map(|last| last.position))
}
