//! Waiting for a lock that another process holds.

use std::{
    cell::Cell,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use crate::error::Error;

thread_local! {
    static TIMEOUT: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Makes the connection wait up to `timeout` for a lock. A connection stays on the thread that this
/// was called on.
///
/// SQLite's own handler sleeps up to 100 ms at a time, and so loses the lock to a busy neighbour for
/// most of a second; a commit takes a fraction of a millisecond, and so does a sleep here.
pub(crate) fn wait_for_locks(
    connection: &mut Connection,
    timeout: Duration,
) -> rusqlite::Result<()> {
    TIMEOUT.set(timeout);
    connection.busy_handler(Some(wait as fn(i32) -> bool))
}

/// How long the wait took that just failed.
pub(crate) fn waited() -> Duration {
    SINCE.get().map_or(Duration::ZERO, |since| since.elapsed())
}

/// The error of a call on the log at `path` that failed on this thread.
pub(crate) fn failure(path: &Path, error: rusqlite::Error) -> Error {
    Error::of(path, waited(), error)
}

/// Tries `f` again while the database is busy, for the calls that the handler is not asked in.
pub(crate) fn retry<T>(mut f: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let mut tries = 0;
    loop {
        match f() {
            Err(error) if is_busy(&error) && wait(tries) => tries += 1,
            outcome => return outcome,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}

fn wait(tries: i32) -> bool {
    if tries == 0 {
        SINCE.set(Some(Instant::now()));
    }
    if waited() >= TIMEOUT.get() {
        return false;
    }
    let step = u64::from(tries.clamp(0, 5).unsigned_abs());
    thread::sleep(Duration::from_micros(50 << step));
    true
}
