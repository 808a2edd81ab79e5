//! Copies the write-ahead log into the file on a thread of its own. Within a commit that took as long as ten commits, and all
//! who waited for that one waited for it.
//!
//! The thread copies in rounds while the writer goes on, until little is left. The rest is copied by the writer between two
//! groups: only a log that is copied to its end begins anew, with the next write.

use std::{
    sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel},
    thread::{self, JoinHandle},
};

use rusqlite::Connection;

/// About how many frames are copied at once. SQLite copies within a commit once there are
/// [many more](crate::log::settings::MOST_FRAMES).
const FRAMES: u64 = 4000;

/// So many frames are left to the writer, or what comes during the last round.
const FEW: u64 = 300;
const ROUNDS: usize = 4;

/// After how many events they are copied for the first time, and at least afterwards.
const FIRST: u64 = 512;
const LEAST: u64 = 64;

/// How a transaction counts whose writes are a caller's.
pub(super) const UNKNOWN: u64 = 16;

#[derive(Debug)]
pub(super) struct Checkpointer {
    pace: Pace,
    /// The connection of the thread, until there is one; none for a log that is only read.
    connection: Option<Connection>,
    thread: Option<Thread>,
}

#[derive(Debug)]
struct Thread {
    asks: SyncSender<()>,
    /// How many frames there were as each request was served; none if they could not be copied.
    answers: Receiver<Option<u64>>,
    handle: JoinHandle<()>,
}

/// When to copy: by the number of events, as the number of frames is known to nobody but SQLite.
#[derive(Debug)]
struct Pace {
    /// Since the write-ahead log began.
    events: u64,
    /// The thread is asked at this number of events.
    next: u64,
    /// How many there were as it was asked, until it has answered.
    asked_at: Option<u64>,
}

impl Checkpointer {
    /// Copies through this connection, once there is much to copy.
    pub(super) const fn new(connection: Option<Connection>) -> Self {
        Self { pace: Pace::new(), connection, thread: None }
    }

    /// So many events are written.
    pub(super) const fn write(&mut self, events: u64) {
        self.pace.events += events;
    }

    /// Has the thread copy, or copies what it has left. To be called between two transactions of the writer, which is this
    /// connection.
    pub(super) fn look(&mut self, writer: &Connection) {
        if self.pace.is_due() {
            self.ask();
        } else if let Some(answer) = self.answer() {
            if answer.is_some() {
                // Whatever it cannot copy is copied later.
                drop(checkpoint(writer));
            }
            self.pace.copied(answer);
        }
    }

    fn ask(&mut self) {
        if self.thread.is_none() {
            self.thread =
                self.connection.take().and_then(|connection| Thread::start(connection).ok());
        }
        if let Some(thread) = &self.thread {
            self.pace.asked_at = thread.asks.try_send(()).is_ok().then_some(self.pace.events);
        }
    }

    /// What the thread has done, if it was asked and has answered.
    fn answer(&self) -> Option<Option<u64>> {
        let thread = self.thread.as_ref().filter(|_| self.pace.asked_at.is_some())?;
        match thread.answers.try_recv() {
            Ok(frames) => Some(frames),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(None),
        }
    }

    /// Ends the thread, and closes its connection.
    pub(super) fn stop(self) {
        if let Some(Thread { asks, handle, .. }) = self.thread {
            drop(asks);
            drop(handle.join());
        }
    }
}

impl Thread {
    fn start(connection: Connection) -> std::io::Result<Self> {
        let (asks, asked) = sync_channel(1);
        let (answer, answers) = channel();
        let name = "factos-sqlite-checkpoints".to_owned();
        let handle =
            thread::Builder::new().name(name).spawn(move || run(&connection, &asked, &answer))?;
        Ok(Self { asks, answers, handle })
    }
}

fn run(connection: &Connection, asked: &Receiver<()>, answer: &Sender<Option<u64>>) {
    while asked.recv().is_ok() {
        if answer.send(copy_most(connection).ok()).is_err() {
            return;
        }
    }
}

/// Copies all but little. How many frames there were at first.
fn copy_most(connection: &Connection) -> rusqlite::Result<u64> {
    let first = checkpoint(connection)?;
    let mut copied = first;
    for _ in 1..ROUNDS {
        let frames = checkpoint(connection)?;
        if frames.saturating_sub(copied) <= FEW {
            break;
        }
        copied = frames;
    }
    Ok(first)
}

/// Commented, so that no caller finds it in the cache by the text of its own.
const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE) /* of the log */";

/// Copies what nobody has to be waited for. How many frames the write-ahead log has.
fn checkpoint(connection: &Connection) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached(CHECKPOINT)?;
    // It is -1 if the file has none, or another process copies.
    let frames = statement.query_row([], |row| row.get::<_, i64>(1))?;
    Ok(u64::try_from(frames).unwrap_or(0))
}

impl Pace {
    const fn new() -> Self {
        Self { events: 0, next: FIRST, asked_at: None }
    }

    const fn is_due(&self) -> bool {
        self.asked_at.is_none() && self.events >= self.next
    }

    /// The thread has copied: there were so many frames as it was asked, if it could. The next time is when there will be
    /// as many as there should be, if events take as many frames as these did.
    fn copied(&mut self, frames: Option<u64>) {
        if let (Some(events), Some(frames)) = (self.asked_at, frames) {
            let next = events.saturating_mul(FRAMES) / frames.max(1);
            self.next = next.clamp(LEAST, events.max(LEAST).saturating_mul(4));
        }
        (self.events, self.asked_at) = (0, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Config, log::open::open_checkpointer, log::open::open_log};

    #[test]
    fn the_pace_follows_how_many_frames_events_take() {
        let mut pace = Pace::new();
        let mut copied = |events, frames| {
            pace.events = events;
            let is_due = pace.is_due();
            pace.asked_at = is_due.then_some(events);
            assert!(!pace.is_due(), "it is asked, or need not be");
            pace.copied(frames);
            (is_due, pace.next)
        };
        assert_eq!(copied(511, Some(9)), (false, 512));
        assert_eq!(copied(512, Some(2000)), (true, 1024));
        assert_eq!(copied(1024, Some(8000)), (true, 512));
        assert_eq!(copied(512, None), (true, 512), "it could not copy");
        assert_eq!(copied(512, Some(0)), (true, 2048), "four times as many, not more");
        assert_eq!(copied(10_000, Some(80_000_000)), (true, LEAST));
    }

    /// Writes a page and more in a transaction of its own.
    fn write(writer: &Connection, checkpointer: &mut Checkpointer) {
        writer.execute("INSERT INTO filler VALUES (randomblob(6000))", []).unwrap();
        checkpointer.write(1);
        checkpointer.look(writer);
    }

    #[test]
    fn the_write_ahead_log_is_copied_beside_the_writer_and_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::new(folder.path().join("log.db"));
        let (writer, log) = open_log(&config).unwrap();
        writer.execute_batch("CREATE TABLE filler (blob); PRAGMA synchronous = OFF").unwrap();
        let own = open_checkpointer(&config, &log.known).unwrap();
        let mut checkpointer = Checkpointer::new(Some(own));
        let wal = folder.path().join("log.db-wal");
        // How often it has begun anew.
        let beginnings = || {
            let header = std::fs::read(&wal).unwrap()[12..16].try_into().unwrap();
            u32::from_be_bytes(header)
        };
        let (before, mut cycles) = (beginnings(), 0);
        for _ in 0..1_000_000 {
            let was_asked = checkpointer.pace.asked_at.is_some();
            write(&writer, &mut checkpointer);
            cycles += u32::from(was_asked && checkpointer.pace.asked_at.is_none());
            if cycles == 4 {
                break;
            }
        }
        write(&writer, &mut checkpointer);
        assert!(cycles == 4 && beginnings() - before >= 4, "{cycles} cycles, {}", beginnings());
        checkpointer.stop();
        let rows = writer.query_row("SELECT count(*) FROM filler", [], |row| row.get::<_, i64>(0));
        assert!(rows.unwrap() > 2000);
        let check = writer.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
        assert_eq!(check.unwrap(), "ok");
    }
}
