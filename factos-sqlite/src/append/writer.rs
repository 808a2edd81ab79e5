//! The thread that writes. Appends that wait at the same time share one commit (group commit); each has
//! its own verdict.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use factos::{
    StoreError,
    backend::{AppendRequest, Group, Head, Queue, Verdict, Weight},
};
use rusqlite::{Connection, ErrorCode, config::DbConfig};
use tokio::sync::oneshot;

use crate::{
    append::{
        batch::Batch,
        checkpointer::{Checkpointer, UNKNOWN},
        group::{Failure, GROUP, answer},
        lent::Lent,
        line::{Line, Work, WriteJob},
        page_cache::PageCache,
        transaction::{Failed, Transaction},
        triggers::Triggers,
    },
    config::Config,
    connection::{guard::Guard, lock_wait::failure},
    error::Error,
    files::side_file,
    log::{
        dictionary::Dictionary,
        known_log::{Anchor, KnownLog},
        open::{OpenedLog, open_checkpointer, open_log, open_writer},
    },
};

/// Commented, so that no caller finds it in the cache by the text of its own.
const COMMIT: &str = "COMMIT /* of the log */";

/// The thread that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: Arc<Queue<Work>>,
    thread: Mutex<Option<JoinHandle<Result<(), Error>>>>,
}

impl Writer {
    /// Starts the thread, and waits until it has opened the file and created the log if there was none.
    /// Also returns what is known of the log.
    pub(crate) async fn start(config: &Config, head: Head) -> Result<(Self, OpenedLog), Error> {
        let queue = Arc::new(Queue::new());
        let (opened, answer) = oneshot::channel();
        let (config, requests) = (config.clone(), Arc::clone(&queue));
        let thread =
            thread::Builder::new().name("factos-sqlite-writer".to_owned()).spawn(move || {
                match State::open(config, head) {
                    Ok((state, log)) => {
                        // Ends at once if the caller dropped its future: the queue is closed then.
                        drop(opened.send(Ok(log)));
                        state.run(&requests)
                    }
                    Err(error) => {
                        drop(opened.send(Err(error)));
                        Ok(())
                    }
                }
            });
        let thread = thread.map_err(Error::thread)?;
        let writer = Self { queue, thread: Mutex::new(Some(thread)) };
        let log = answer.await.unwrap_or(Err(Error::Closed))?;
        Ok((writer, log))
    }

    /// Appends a batch, in a commit that it may share with others.
    pub(crate) async fn append(&self, batch: Batch) -> Verdict {
        let (request, reply) = AppendRequest::new(batch);
        self.push(Work::Append(request))?;
        reply.verdict_or(|| StoreError::from(Error::WriterGone).into()).await
    }

    /// Adds to what the thread is to do.
    pub(crate) fn push(&self, work: Work) -> Result<(), StoreError> {
        self.queue.push(work).map_err(|_| Error::Closed.into())
    }

    /// Ends the thread once it has written what is in the queue, and closes the file. Only the first call
    /// returns the error of that.
    pub(crate) fn stop(&self) -> Result<(), Error> {
        self.queue.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        thread.map_or(Ok(()), |thread| thread.join().unwrap_or(Err(Error::WriterGone)))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // A drop cannot report an error; `SqliteStore::close` does.
        drop(self.stop());
    }
}

/// What the thread works with.
struct State {
    config: Config,
    known: KnownLog,
    /// None after a failed commit or a panic, until the next group opens the file again.
    connection: Option<Connection>,
    page_cache: PageCache,
    checkpointer: Checkpointer,
    dictionary: Dictionary,
    triggers: Triggers,
    guard: Guard,
    head: Head,
}

impl State {
    fn open(config: Config, head: Head) -> Result<(Self, OpenedLog), Error> {
        let (mut connection, log) = open_log(&config)?;
        let guard = Guard::default();
        guard.install(&mut connection).map_err(|error| failure(&config.path, error))?;
        let (connection, known) = (Some(connection), log.known.clone());
        let (dictionary, triggers) = (Dictionary::default(), Triggers::default());
        let page_cache = PageCache::default();
        let writes = !config.read_only;
        let checkpointer = writes.then(|| open_checkpointer(&config, &known)).transpose()?;
        let checkpointer = Checkpointer::new(checkpointer);
        let state = Self {
            config,
            known,
            connection,
            page_cache,
            checkpointer,
            dictionary,
            triggers,
            guard,
            head,
        };
        Ok((state, log))
    }

    /// Serves the queue until it is closed and empty, then closes the file.
    fn run(mut self, queue: &Queue<Work>) -> Result<(), Error> {
        let mut line = Line::of(queue);
        while let Some(work) = line.pop() {
            if work.is_abandoned() {
                continue;
            }
            let serve = || match work {
                Work::Append(first) => self.serve(first, &mut line),
                Work::Write(job) => self.serve_write(job, &mut line),
            };
            // A panic fails this group only. The outcome is unknown, and its callers are told so.
            if catch_unwind(AssertUnwindSafe(serve)).is_err() {
                self.dictionary.roll_back();
                self.connection = None;
            }
            if let Some(connection) = &self.connection {
                self.checkpointer.look(connection);
            }
        }
        self.close()
    }

    fn close(self) -> Result<(), Error> {
        let Self { config, known, connection, checkpointer, .. } = self;
        // Before the connection that copies all and removes the write-ahead log, as the last one.
        checkpointer.stop();
        let Some(connection) = connection else { return Ok(()) };
        // What stands beside the path by now may be that of another log.
        let is_own = !known.is_replaced();
        let is_to_be_removed = is_own && (!config.read_only || is_write_ahead_log_empty(&config));
        let leave =
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !is_to_be_removed);
        leave.map_err(|error| failure(&config.path, error))?;
        if config.read_only || !is_own {
            return connection.close().map_err(|(_, error)| failure(&config.path, error));
        }
        // While another process reads, this returns a row that says "busy", and no error.
        let truncated = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let closed = connection.close().map_err(|(_, error)| error);
        truncated.and(closed).map_err(|error| failure(&config.path, error))
    }

    /// Writes the group that begins with this append.
    fn serve(&mut self, first: AppendRequest<Batch>, line: &mut Line<'_>) {
        let mut group = Group::new(GROUP);
        group.push(first);
        match self.write(&mut group, Some(line)) {
            // One batch may be the cause: each is tried in a transaction of its own.
            Err(Failure::Statement(_) | Failure::Hook(_)) if group.len() > 1 => {
                for request in group.into_requests() {
                    let mut alone = Group::new(GROUP);
                    alone.push(request);
                    let outcome = self.write(&mut alone, None);
                    answer(alone, outcome);
                }
            }
            Err(Failure::Begin(error)) => fail_all(&error, group, line),
            outcome => answer(group, outcome),
        }
    }

    /// Writes a group in one transaction. Appends that arrive in the queue meanwhile join the group.
    fn write(
        &mut self,
        group: &mut Group<Batch>,
        mut line: Option<&mut Line<'_>>,
    ) -> Result<(), Failure> {
        let last = self.begin().map_err(Failure::Begin)?;
        let Some(connection) = &self.connection else { return Err(Failure::Begin(Error::Closed)) };
        let mut transaction = Transaction {
            connection,
            dictionary: &mut self.dictionary,
            triggers: &mut self.triggers,
            guard: &self.guard,
            is_written: false,
            are_triggers_chosen: false,
            last,
        };
        while let Some(batch) = group.next() {
            self.page_cache.write(connection, batch.bytes());
            self.checkpointer.write(batch.events().len() as u64);
            match transaction.append(batch) {
                Ok(verdict) => group.record(verdict),
                Err(Failed::Statement(error)) => {
                    let error = self.error(error);
                    self.roll_back();
                    return Err(Failure::Statement(error));
                }
                Err(Failed::Hook(error)) => {
                    self.roll_back();
                    return Err(Failure::Hook(error));
                }
            }
            if let Some(line) = &mut line {
                group.take(|| line.try_append());
            }
        }
        let Transaction { is_written, last, .. } = transaction;
        self.commit().map_err(|error| self.failed_commit(error))?;
        self.committed(is_written, last)
    }

    /// Has a caller work in a transaction of its own.
    fn serve_write(&mut self, mut job: Box<dyn WriteJob>, line: &mut Line<'_>) {
        match self.lend() {
            Ok(lent) => {
                let (lent, commits) = job.run(lent);
                let last = lent.last;
                self.take_back(lent);
                let outcome = if commits {
                    let commit = self.commit();
                    let commit = commit.map_err(|error| self.failed_commit(error));
                    commit.and_then(|()| self.committed(true, last))
                } else {
                    self.roll_back();
                    Ok(())
                };
                job.finish(outcome);
            }
            Err(Failure::Begin(error)) => {
                job.finish(Err(Failure::Begin(error.clone())));
                fail_all(&error, Group::new(GROUP), line);
            }
            Err(failure) => job.finish(Err(failure)),
        }
    }

    /// Opens a transaction, and gives it away.
    fn lend(&mut self) -> Result<Lent, Failure> {
        let last = self.begin().map_err(Failure::Begin)?;
        let Some(connection) = &self.connection else { return Err(Failure::Begin(Error::Closed)) };
        self.page_cache.write_much(connection);
        self.checkpointer.write(UNKNOWN);
        if let Err(error) = self.triggers.choose(connection) {
            let error = self.error(error);
            self.roll_back();
            return Err(Failure::Statement(error));
        }
        let Some(connection) = self.connection.take() else {
            return Err(Failure::Begin(Error::Closed));
        };
        Ok(Lent {
            connection,
            dictionary: mem::take(&mut self.dictionary),
            triggers: mem::take(&mut self.triggers),
            guard: self.guard.clone(),
            path: self.config.path.clone(),
            last,
        })
    }

    fn take_back(&mut self, lent: Lent) {
        let Lent { connection, dictionary, triggers, .. } = lent;
        self.connection = Some(connection);
        (self.dictionary, self.triggers) = (dictionary, triggers);
    }

    /// Makes known what was committed, if it was to the file at the path.
    fn committed(&self, is_written: bool, last: Option<Anchor>) -> Result<(), Failure> {
        if is_written && let Err(error) = self.known.check_path() {
            let (path, source) = (self.config.path.clone(), Arc::new(error));
            return Err(Failure::Unknown(Error::CommitFailed { path, source }));
        }
        self.known.told_of(last);
        self.head.publish(last.map(|last| last.position));
        Ok(())
    }

    /// Takes the write lock, and only then looks for the last event: another process may have appended.
    fn begin(&mut self) -> Result<Option<Anchor>, Error> {
        if self.config.read_only {
            return Err(Error::OpenedReadOnly { path: self.config.path.clone() });
        }
        self.known.check()?;
        let anchor = self.known.anchor();
        let connection = match &self.connection {
            Some(connection) => connection,
            None => {
                self.triggers = Triggers::default();
                self.page_cache = PageCache::default();
                let mut connection = open_writer(&self.config, &self.known)?;
                let installed = self.guard.install(&mut connection);
                installed.map_err(|error| failure(&self.config.path, error))?;
                self.connection.insert(connection)
            }
        };
        self.page_cache.end(connection);
        let begun = connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut s| s.execute([]));
        let begun = begun.map_err(|error| failure(&self.config.path, error));
        begun.and_then(|_| self.known.last_event(connection, anchor)).inspect_err(|_| {
            self.dictionary.roll_back();
        })
    }

    fn commit(&mut self) -> rusqlite::Result<()> {
        let Some(connection) = &self.connection else { return Ok(()) };
        connection.prepare_cached(COMMIT)?.execute([])?;
        self.dictionary.commit();
        Ok(())
    }

    fn failed_commit(&mut self, error: rusqlite::Error) -> Failure {
        if is_undone(&error) {
            let error = self.error(error);
            self.roll_back();
            return Failure::Undone(error);
        }
        // The log has no constraint that waits for the commit: a table of the caller's has.
        if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) {
            self.roll_back();
            return Failure::Hook(error.into());
        }
        // The system may report a failed flush only once: COMMIT is not tried again on this connection.
        self.dictionary.roll_back();
        self.connection = None;
        let (path, source) = (self.config.path.clone(), Arc::new(error));
        Failure::Unknown(Error::CommitFailed { path, source })
    }

    fn roll_back(&mut self) {
        self.dictionary.roll_back();
        let Some(connection) = &self.connection else { return };
        // SQLite rolls back by itself on a full disk or an I/O error.
        if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
            self.connection = None;
        }
    }

    fn error(&self, error: rusqlite::Error) -> Error {
        failure(&self.config.path, error)
    }
}

/// Tells the group, and what is in the queue, that the lock could not be taken: it has waited for it as long, and
/// would wait again.
fn fail_all(error: &Error, mut group: Group<Batch>, line: &mut Line<'_>) {
    loop {
        while group.take(|| line.try_append()) {}
        match line.take_held() {
            Some(job) => job.finish(Err(Failure::Begin(error.clone()))),
            None => break,
        }
    }
    answer(group, Err(Failure::Begin(error.clone())));
}

/// Whether nothing would be copied into the file if the write-ahead log were removed.
fn is_write_ahead_log_empty(config: &Config) -> bool {
    side_file(&config.path, "-wal").metadata().is_ok_and(|file| file.len() == 0)
}

/// Whether a failed commit is known to have written nothing: the lock was refused before the first frame
/// was written, or the disk was full before the last one, which is the frame that commits.
fn is_undone(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DiskFull))
}

#[cfg(test)]
mod tests {
    use factos::{AppendCondition, EventType, Limits, NewEvent};

    use super::*;
    use crate::log::open::open_reader;

    #[test]
    fn an_append_that_is_abandoned_in_the_queue_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::new(folder.path().join("log.db"));
        let (state, _) = State::open(config.clone(), Head::new()).unwrap();
        let event = NewEvent::new(EventType::from_static("A"), "");
        let batch = Batch::new(vec![event], AppendCondition::None, &Limits::FLOOR).unwrap();
        let (request, reply) = AppendRequest::new(batch);
        drop(reply);
        let queue = Queue::new();
        queue.push(Work::Append(request)).unwrap();
        queue.close();
        state.run(&queue).unwrap();
        let store = open_reader(&config).unwrap();
        let events = store.query_row("SELECT count(*) FROM event", [], |row| row.get(0));
        assert_eq!(events, Ok(0_i64));
    }
}
