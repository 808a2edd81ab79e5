//! The one thread that writes: many appends, each with its own verdict, share one commit.

use std::sync::Arc;

use crossbeam_channel::Receiver;
use factos::StoreError;
use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use crate::{
    append::{Batch, Transaction, Verdict},
    busy,
    config::Config,
    error::Error,
    follow::Head,
    read::HEAD,
    schema,
    terms::Terms,
};

const LOG_ID: &str = "SELECT value FROM info WHERE key = 'log_id'";

/// The most appends, and about the most bytes, that share one commit.
const GROUP: usize = 256;
const GROUP_BYTES: usize = 16 << 20;

#[derive(Debug)]
pub(crate) enum Request {
    Append(Append),
    /// Answers once the file is closed.
    Close(oneshot::Sender<Result<(), Error>>),
}

#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) batch: Batch,
    pub(crate) reply: oneshot::Sender<Verdict>,
}

#[derive(Debug)]
pub(crate) struct Writer {
    config: Config,
    /// None after a failed commit, until it could be opened again.
    connection: Option<Connection>,
    terms: Terms,
    queue: Receiver<Request>,
    head: Head,
}

/// Why a group could not be written as one. Except after a failed commit, nothing was written.
enum Failure {
    /// The lock was not to be had, or the file not to be opened: nobody's fault in the group.
    Begin(Error),
    /// A statement failed.
    Statement(Error),
    /// The commit failed, and is known to have written nothing.
    Undone(Error),
    /// The commit failed after these verdicts.
    Unknown(Error, Vec<Verdict>),
}

impl Writer {
    pub(crate) fn open(
        config: Config,
        queue: Receiver<Request>,
        head: Head,
    ) -> Result<Self, Error> {
        let connection = Some(schema::open_writer(&config)?);
        Ok(Self { config, connection, terms: Terms::default(), queue, head })
    }

    pub(crate) fn log_id(&self) -> Result<String, Error> {
        let Some(connection) = &self.connection else { return Err(Error::Closed) };
        connection.query_row(LOG_ID, [], |row| row.get(0)).map_err(|error| self.error(error))
    }

    /// Serves requests until it is told to close, or nobody is left to ask.
    pub(crate) fn run(mut self) {
        let mut close = None;
        while close.is_none() {
            match self.queue.recv() {
                Ok(Request::Append(first)) => close = self.serve(first),
                Ok(Request::Close(done)) => close = Some(done),
                Err(_) => break,
            }
        }
        self.refuse_queued();
        let outcome = self.close();
        if let Some(done) = close {
            drop(done.send(outcome));
        }
    }

    /// Answers what was asked for after the request to close.
    fn refuse_queued(&self) {
        for request in self.queue.try_iter() {
            match request {
                Request::Append(append) => {
                    drop(append.reply.send(Err(StoreError::from(Error::Closed).into())));
                }
                Request::Close(done) => drop(done.send(Ok(()))),
            }
        }
    }

    fn close(self) -> Result<(), Error> {
        let Self { config, connection, .. } = self;
        let Some(connection) = connection else { return Ok(()) };
        let sqlite = |error| Error::of(&config.path, busy::waited(), error);
        // Answers "busy" in its row, not as an error, where another process still reads.
        let truncated = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let closed = connection.close().map_err(|(_, error)| error);
        truncated.and(closed).map_err(sqlite)
    }

    /// Writes the group that begins with this append. Returns a request to close that came meanwhile.
    fn serve(&mut self, first: Append) -> Option<oneshot::Sender<Result<(), Error>>> {
        let mut group = Group::new(first);
        match self.write(&mut group, true) {
            // One of several may be the cause: each is tried alone.
            Err(Failure::Statement(_)) if group.appends.len() > 1 => {
                for append in group.appends {
                    let mut alone = Group::new(append);
                    let outcome = self.write(&mut alone, false);
                    answer(alone.appends, outcome);
                }
            }
            outcome => {
                if matches!(outcome, Err(Failure::Begin(_))) {
                    // They have waited as long, and would wait again.
                    while group.take(&self.queue) {}
                }
                answer(group.appends, outcome);
            }
        }
        group.close
    }

    /// Writes a group in one transaction, and takes in what is asked for meanwhile if it is `open`.
    fn write(&mut self, group: &mut Group, open: bool) -> Result<Vec<Verdict>, Failure> {
        let head = self.begin().map_err(Failure::Begin)?;
        let Some(connection) = &self.connection else { return Err(Failure::Begin(Error::Closed)) };
        let mut transaction = Transaction { connection, terms: &mut self.terms, head };
        let mut verdicts = Vec::with_capacity(group.appends.len());
        while let Some(append) = group.appends.get(verdicts.len()) {
            match transaction.append(&append.batch) {
                Ok(verdict) => verdicts.push(verdict),
                Err(error) => {
                    let error = self.error(error);
                    self.roll_back();
                    return Err(Failure::Statement(error));
                }
            }
            if open {
                group.take(&self.queue);
            }
        }
        let head = transaction.head;
        if let Err(error) = self.commit() {
            return Err(self.failed_commit(error, verdicts));
        }
        self.head.publish(head);
        Ok(verdicts)
    }

    /// Takes the write lock, and only then reads the head: another process may have appended.
    fn begin(&mut self) -> Result<u64, Error> {
        let connection = match &self.connection {
            Some(connection) => connection,
            None => self.connection.insert(schema::open_writer(&self.config)?),
        };
        let begun = connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut s| s.execute([]));
        let head = begun.and_then(|_| {
            connection.prepare_cached(HEAD)?.query_row([], |row| row.get::<_, i64>(0))
        });
        match head {
            Ok(head) => Ok(u64::try_from(head).unwrap_or_default()),
            Err(error) => {
                let error = self.error(error);
                self.roll_back();
                Err(error)
            }
        }
    }

    fn commit(&mut self) -> rusqlite::Result<()> {
        let Some(connection) = &self.connection else { return Ok(()) };
        connection.prepare_cached("COMMIT")?.execute([])?;
        self.terms.commit();
        Ok(())
    }

    fn failed_commit(&mut self, error: rusqlite::Error, verdicts: Vec<Verdict>) -> Failure {
        if is_undone(&error) {
            let error = self.error(error);
            self.roll_back();
            return Failure::Undone(error);
        }
        // A failed flush may report its error once only, so there is no second try on this connection.
        self.terms.roll_back();
        self.connection = None;
        let (path, source) = (self.config.path.clone(), Arc::new(error));
        Failure::Unknown(Error::CommitFailed { path, source }, verdicts)
    }

    fn roll_back(&mut self) {
        self.terms.roll_back();
        let Some(connection) = &self.connection else { return };
        // SQLite rolls back by itself on a full disk or an I/O error.
        if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
            self.connection = None;
        }
    }

    fn error(&self, error: rusqlite::Error) -> Error {
        Error::of(&self.config.path, busy::waited(), error)
    }
}

/// Whether a failed commit is known to have written nothing: the lock was refused before anything was
/// written, or there was no room for the frame that makes a transaction count, which is its last.
fn is_undone(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DiskFull))
}

/// Appends that share a commit.
struct Group {
    appends: Vec<Append>,
    bytes: usize,
    close: Option<oneshot::Sender<Result<(), Error>>>,
}

impl Group {
    fn new(first: Append) -> Self {
        Self { bytes: first.batch.bytes(), appends: vec![first], close: None }
    }

    /// Takes in one more, if there is one and room for it.
    fn take(&mut self, queue: &Receiver<Request>) -> bool {
        let is_full = self.appends.len() >= GROUP || self.bytes >= GROUP_BYTES;
        if is_full || self.close.is_some() {
            return false;
        }
        match queue.try_recv() {
            // Its caller is gone: nothing of it is written.
            Ok(Request::Append(append)) if append.reply.is_closed() => true,
            Ok(Request::Append(append)) => {
                self.bytes += append.batch.bytes();
                self.appends.push(append);
                true
            }
            Ok(Request::Close(done)) => {
                self.close = Some(done);
                false
            }
            Err(_) => false,
        }
    }
}

fn answer(appends: Vec<Append>, outcome: Result<Vec<Verdict>, Failure>) {
    let verdicts = match outcome {
        Ok(verdicts) => verdicts,
        Err(Failure::Begin(error) | Failure::Statement(error) | Failure::Undone(error)) => {
            appends.iter().map(|_| Err(StoreError::from(error.clone()).into())).collect()
        }
        Err(Failure::Unknown(error, verdicts)) => {
            verdicts.iter().map(|verdict| Err(unknown(verdict, &error).into())).collect()
        }
    };
    for (append, verdict) in appends.into_iter().zip(verdicts) {
        // Nobody listens if the caller dropped its future.
        drop(append.reply.send(verdict));
    }
}

/// What a failed commit makes of a verdict: a refusal may have been due to events that were lost with it.
fn unknown(verdict: &Verdict, error: &Error) -> StoreError {
    match verdict {
        Ok(_) => error.clone().into(),
        Err(_) => Error::CheckedInFailedCommit.into(),
    }
}
