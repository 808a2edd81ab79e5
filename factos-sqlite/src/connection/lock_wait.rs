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

/// Makes the connection wait up to `timeout` for a lock. The connection must stay on the thread that
/// calls this.
///
/// SQLite's own handler sleeps up to 100 ms at a time, so a process that commits again and again can keep
/// it from the lock for most of a second. A commit takes a fraction of a millisecond, and so does a sleep
/// here.
pub(crate) fn wait_for_locks(
    connection: &mut Connection,
    timeout: Duration,
) -> rusqlite::Result<()> {
    TIMEOUT.set(timeout);
    connection.busy_handler(Some(wait as fn(i32) -> bool))
}

/// How long this thread waited for the lock that it just did not get.
pub(crate) fn waited() -> Duration {
    SINCE.get().map_or(Duration::ZERO, |since| since.elapsed())
}

/// The error of a call on the log at `path` that failed on this thread.
pub(crate) fn failure(path: &Path, error: rusqlite::Error) -> Error {
    Error::of(path, waited(), error)
}

/// Calls `f` until the database is not busy, within the timeout. For calls that never ask the handler.
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
