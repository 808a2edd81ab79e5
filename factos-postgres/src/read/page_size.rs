use std::sync::atomic::{AtomicU64, Ordering};

use factos::{Bytes, ReadCursor, Recorded};

/// The most records of a first page, and of a later one.
pub(super) const FIRST_PAGE: u64 = 256;
pub(super) const LATER_PAGE: u64 = 4096;

/// The most records of a first page for each of several reads of the whole log that share it.
pub(super) const SHARED_PAGE: u64 = 1024;

/// About the most bytes of a page.
const PAGE_BYTES: u64 = 4 << 20;

/// The most bytes that are taken of a page whose records are larger than those before.
pub(super) const MOST_BYTES: u64 = 4 * PAGE_BYTES;

/// About how many bytes a record takes besides its payload.
const RECORD_BYTES: u64 = 200;

/// How many records to ask for, so that a page takes about [`PAGE_BYTES`].
#[derive(Debug, Default)]
pub(super) struct PageSize {
    /// About how many bytes a record of the last page took; 0 if there was none.
    record_bytes: AtomicU64,
}

impl PageSize {
    /// For the next page of a read, of at most `most` records. A power of two if there is no other limit: reads that want the
    /// same page want as many records of it.
    pub(super) fn of(&self, left: &ReadCursor, most: u64) -> u64 {
        let fitting = PAGE_BYTES / self.record_bytes.load(Ordering::Relaxed).max(1);
        let fitting = 1 << fitting.max(4).ilog2();
        let most = usize::try_from(most.min(fitting)).unwrap_or(usize::MAX);
        left.page_size(most) as u64
    }

    /// A page of so many records took so many bytes.
    pub(super) fn learn(&self, bytes: u64, records: u64) {
        if let Some(bytes) = bytes.checked_div(records) {
            self.record_bytes.store(bytes, Ordering::Relaxed);
        }
    }
}

/// About how many bytes a record takes.
pub(super) fn bytes_of(record: &Recorded<Bytes>) -> u64 {
    record.event.len() as u64 + RECORD_BYTES
}
