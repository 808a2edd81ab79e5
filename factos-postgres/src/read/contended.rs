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
        let run = reader.log.incarnation.verified();
        let low = options.after.map_or(0, SequencePosition::get);
        let known = reader.recent_records.after(low, selection, run).unwrap_or_default();
        let low = low.max(known.through);
        let rest = options.after(SequencePosition::new(low));
        let first = self.first_page(selection, names, rest, deadline).await?;
        if reader.log.incarnation.verified() != run {
            // What another run of the server holds is read from it.
            let whole = self.first_page(selection, names, options, deadline).await?;
            return Ok((Known::default(), whole));
        }
        reader.learn(selection, run, (low, first.cursor.reached()), &first.page);
        Ok((known, first))
    }
}

impl Reader {
    /// Whether others read the selection as well: see [`RecentRecords::is_wanted`].
    ///
    /// [`RecentRecords::is_wanted`]: super::recent_records::RecentRecords::is_wanted
    pub(crate) fn is_wanted(&self, selection: &Selection) -> bool {
        self.recent_records.is_wanted(selection)
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
