use rusqlite::Connection;

use crate::log::settings::WRITE_CACHE;

/// The page cache of the writer for transactions that write much, in KiB.
///
/// It is not worth it for the others: a commit that has split pages of an index looks at every page of the cache
/// (`sqlite3PcacheTruncate`, as such a page had a number beyond the end of the file for a moment). With 16 MiB this
/// took a tenth of the time of the writer, where 64 clients append.
const LARGE: usize = 16_384;

/// With so many bytes of events, a transaction writes much: they are some hundred pages.
const MUCH: usize = 64 << 10;

/// The size of the page cache of the writer, which follows its transactions.
#[derive(Debug, Default)]
pub(super) struct PageCache {
    is_large: bool,
    /// What the transaction has written, in bytes of events.
    written: usize,
}

impl PageCache {
    /// The transaction writes so many bytes more.
    pub(super) fn write(&mut self, connection: &Connection, bytes: usize) {
        self.written = self.written.saturating_add(bytes);
        if !self.is_large && self.written >= MUCH {
            self.set(connection, LARGE);
            self.is_large = true;
        }
    }

    /// The transaction writes what a caller has it write: how much is not known.
    pub(super) fn write_much(&mut self, connection: &Connection) {
        self.write(connection, MUCH);
    }

    /// The transaction is over. If it wrote little, the next one is taken to do so as well.
    pub(super) fn end(&mut self, connection: &Connection) {
        if self.is_large && self.written < MUCH {
            self.set(connection, WRITE_CACHE);
            self.is_large = false;
        }
        self.written = 0;
    }

    /// A cache of another size is slower, and nothing else.
    fn set(&self, connection: &Connection, kibibytes: usize) {
        drop(connection.execute_batch(&format!("PRAGMA cache_size = -{kibibytes}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(connection: &Connection) -> i64 {
        connection.query_row("PRAGMA cache_size", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn the_cache_follows_what_transactions_write() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(&format!("PRAGMA cache_size = -{WRITE_CACHE}")).unwrap();
        let mut cache = PageCache::default();
        let mut transaction = |parts: &[usize]| {
            parts.iter().for_each(|bytes| cache.write(&connection, *bytes));
            let during = size(&connection);
            cache.end(&connection);
            (during, size(&connection))
        };
        assert_eq!(transaction(&[MUCH - 1]), (-2048, -2048));
        assert_eq!(transaction(&[1, MUCH / 2, MUCH / 2]), (-16_384, -16_384));
        assert_eq!(transaction(&[MUCH]), (-16_384, -16_384), "it stays for the next large one");
        assert_eq!(transaction(&[1]), (-16_384, -2048));
        assert_eq!(transaction(&[]), (-2048, -2048));
    }
}
