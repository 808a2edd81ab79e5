//! Appends whose handle has a hook: a transaction of the store's, in which one statement appends the group, and then the
//! hook runs.

use std::time::{Duration, Instant};

use factos::{AppendError, backend::Verdict};
use sqlx::{Connection, PgConnection, raw_sql};
use tokio::time::timeout;

use super::{
    attempt::{Cause, Committed, Failed, Reply},
    batch::Batch,
    guard::{self, Guard, Passed},
    hook::{Failing, Hook, HookError},
    hook_pace::HookPace,
    pipeline::{Begun, Pipeline, Session},
    statement::{self, Locks, Place},
};
use crate::{
    connection::{answered, transaction},
    deadline::Deadline,
    error::{Error, Sent, rolls_back, sqlstate},
    log::Log,
};

/// How long the hooks of several appends may run in all. After that each append is tried with fewer others.
const MOST_TOGETHER: Duration = Duration::from_millis(250);

/// How long to try to end a session whose hook takes too long.
const END_OF_SESSION: Duration = Duration::from_secs(2);

const SERIALIZATION: &str = "40001";

/// What a group is sent with.
#[derive(Debug)]
pub(super) struct Hooked<'a> {
    pub(super) log: &'a Log,
    pub(super) hook: &'a Hook,
    pub(super) pace: &'a HookPace,
    pub(super) batches: &'a [&'a Batch],
    pub(super) deadline: Deadline,
    pub(super) pipeline: Option<&'a Pipeline>,
}

impl Hooked<'_> {
    /// Sends the group, in the transaction that has begun if one has, and says what is left of its session.
    pub(super) async fn send(
        &self,
        connection: &mut PgConnection,
        locks: Locks<'_>,
        begun: Option<Begun>,
    ) -> Result<(Reply, Session), Failed> {
        let begun = match begun {
            Some(begun) => begun,
            None => self.begin(connection).await?,
        };
        match self.work(connection, &begun, locks).await {
            Ok(Worked::Nothing(reply)) => Ok((reply, begun.end(connection, self.deadline).await)),
            Ok(Worked::Again) => Ok((Reply::Again, Session::Changed)),
            Ok(Worked::ToCommit { committed, place, after }) => {
                let commit = self.answered(transaction::commit(connection)).await;
                commit.map_err(|error| failed_commit(self.log, error))?;
                // It was a savepoint of the hook's that was released.
                if connection.is_in_transaction() {
                    let cause = Cause::Hook(Failing::LeftTransactionOpen.into());
                    return Err(Failed { cause, is_usable: false });
                }
                let session = self.session(connection, &place, after).await;
                Ok((Reply::Committed(committed), session))
            }
            Ok(Worked::Passed { committed, session }) => Ok((Reply::Committed(committed), session)),
            Err(stopped) => {
                let is_open = connection.is_in_transaction();
                let rolled_back = if stopped.is_at_rest() {
                    self.answered(transaction::roll_back(connection)).await
                } else {
                    Err(sqlx::Error::WorkerCrashed)
                };
                Err(self.stop(connection, stopped, rolled_back.map(|()| is_open)).await)
            }
        }
    }

    async fn begin(&self, connection: &mut PgConnection) -> Result<Begun, Failed> {
        let guard = Guard::new();
        let begun = transaction::begin(connection, guard.begin());
        self.answered(begun).await.map_err(not_committed)?;
        Ok(Begun { guard, session: None, groups: 0 })
    }

    async fn answered<T>(
        &self,
        answer: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        answered(self.deadline.answer(), answer).await.flatten()
    }

    async fn restored_session(&self, connection: &mut PgConnection) -> Result<String, sqlx::Error> {
        self.answered(guard::restored_session(connection)).await
    }

    /// What is left of a session that looks like this after the commit.
    async fn session(
        &self,
        connection: &mut PgConnection,
        place: &Place,
        after: String,
    ) -> Session {
        let is_clean = place.session == after
            || self.restored_session(connection).await.is_ok_and(|now| now == place.session);
        if is_clean { Session::Clean } else { Session::Changed }
    }

    /// All but the commit.
    async fn work(
        &self,
        connection: &mut PgConnection,
        begun: &Begun,
        locks: Locks<'_>,
    ) -> Result<Worked, Stopped> {
        let log = self.log;
        let append = &log.statements.append_with_timeouts;
        let locks = Locks { later_statements: Some(self.deadline.answer()), ..locks };
        let run = log.incarnation.verified();
        let answer = statement::run(connection, append, self.batches, locks, run);
        let answer = match self.answered(answer).await {
            // The hooks of earlier groups may have changed the session.
            Err(_) if begun.session.is_some() => return Ok(Worked::Again),
            answer => answer.map_err(Stopped::Statement)?,
        };
        if begun.session.is_some() && begun.session != answer.session {
            return Ok(Worked::Again);
        }
        if let Some(held) = answer.held {
            return Ok(Worked::Nothing(Reply::Held(held)));
        }
        let verdicts = answer.verdicts(self.batches);
        if verdicts.iter().any(|verdict| matches!(verdict, Err(AppendError::Store(_)))) {
            return Err(Stopped::Answer);
        }
        let (head, run) = (answer.head(), answer.run);
        let is_refused = verdicts.iter().all(Result::is_err);
        let committed = Committed { verdicts, head, run };
        if is_refused {
            return Ok(Worked::Nothing(Reply::Committed(committed)));
        }
        let Some(place) = answer.place else { return Err(Stopped::Answer) };
        let hooks = self.run_hooks(connection, &committed.verdicts).await;
        if let Err(error) = hooks {
            return Err(Stopped::Hook(error, place));
        }
        if transaction::has_no_savepoint(connection)
            && self.pipeline.is_some_and(|pipeline| pipeline.is_worth_a_begin(begun.groups))
        {
            let session = self.pass_on(connection, begun, place).await?;
            return Ok(Worked::Passed { committed, session });
        }
        let lowered = begun.guard.lower(connection, log.durability);
        match self.answered(lowered).await {
            Err(error) => Err(Stopped::Guard(error, place)),
            // There is nothing to commit for the driver.
            Ok(_) if !connection.is_in_transaction() => {
                Err(Stopped::Hook(Failing::EndedTransaction.into(), place))
            }
            Ok(after) => Ok(Worked::ToCommit { committed, place, after }),
        }
    }

    /// Commits, and begins the transaction of the next group.
    async fn pass_on(
        &self,
        connection: &mut PgConnection,
        begun: &Begun,
        place: Place,
    ) -> Result<Session, Stopped> {
        let (guard, mut passed) = (Guard::new(), Passed::default());
        let answer = begun.guard.pass_on(connection, self.log.durability, &guard, &mut passed);
        match self.answered(answer).await {
            Ok(()) => {
                let (session, groups) = (Some(place.session), begun.groups + 1);
                Ok(Session::Begun(Begun { guard, session, groups }))
            }
            Err(_) if passed.is_committed() => Ok(Session::Changed),
            // The server leaves out the rest of a message that failed.
            Err(error) if !passed.is_lowered() && error.as_database_error().is_some() => {
                Err(Stopped::Guard(error, place))
            }
            Err(error) => Err(Stopped::Commit(error)),
        }
    }

    /// Runs the hook for the accepted appends.
    async fn run_hooks(
        &self,
        connection: &mut PgConnection,
        verdicts: &[Verdict],
    ) -> Result<(), HookError> {
        let is_alone = self.batches.len() == 1;
        let answer = self.deadline.answer();
        let most = if is_alone { answer } else { answer.min(MOST_TOGETHER) };
        let appends: Vec<_> = verdicts.iter().flatten().map(Vec::as_slice).collect();
        let (begun, mut ran) = (Instant::now(), 0);
        let outcome = timeout(most, self.hook.run(connection, &appends, &mut ran)).await;
        self.pace.took(ran, begun.elapsed());
        outcome.unwrap_or_else(|_| Err(Failing::TookTooLong(most.as_millis()).into()))
    }

    /// Why it was stopped, once it is rolled back. That tells whether the transaction was still open for the driver.
    async fn stop(
        &self,
        connection: &mut PgConnection,
        stopped: Stopped,
        rolled_back: Result<bool, sqlx::Error>,
    ) -> Failed {
        let (error, place) = match stopped {
            Stopped::Statement(error) => {
                let is_usable =
                    rolled_back.is_ok() && self.restored_session(connection).await.is_ok();
                return Failed { cause: Cause::Statement(error, Sent::No), is_usable };
            }
            Stopped::Answer => {
                let error =
                    Error::Answer("a record without a place, or a refusal without a reason");
                return Failed { cause: Cause::Store(error), is_usable: false };
            }
            Stopped::Commit(error) => return failed_commit(self.log, error),
            Stopped::Hook(error, place) => (error, place),
            Stopped::Guard(error, place) => match Failing::of(&error) {
                Some(failing) => (failing.into(), place),
                None => return not_committed(error),
            },
        };
        let ended = match rolled_back {
            Ok(is_open) => {
                let ended = ended(connection, &place, is_open);
                self.answered(ended).await.ok()
            }
            Err(_) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            // Where that fails, the session ends with its statement timeout.
            None => timeout(END_OF_SESSION, self.end_session(&place)).await.ok().flatten().into(),
        };
        match ended.status.as_deref() {
            Some("aborted") => {
                let is_usable = ended.is_clean && !error.is::<Failing>();
                Failed { cause: Cause::Hook(error), is_usable }
            }
            // The store has sent no commit.
            Some("in progress") | None if !ended.is_of_session => {
                Failed { cause: Cause::Hook(error), is_usable: false }
            }
            _ => {
                let cause = Cause::Store(Error::EndedByHook { status: ended.status });
                Failed { cause, is_usable: false }
            }
        }
    }

    /// Ends a session that is lost, or still at work on a statement of a hook's: it holds the locks of the group. What
    /// the server then says of its transaction.
    async fn end_session(&self, place: &Place) -> Option<String> {
        let deadline = self.log.deadline();
        let mut lease = self.log.lease(deadline).await.ok()?;
        let connection = lease.connection().ok()?;
        let ended = async {
            guard::end_session(connection, place).await?;
            guard::status(connection, place.transaction).await
        };
        let status = answered(deadline.answer(), ended).await.flatten().ok()?;
        lease.done();
        status
    }
}

/// What the transaction has come to before the commit.
enum Worked {
    /// All were refused, or nothing was done.
    Nothing(Reply),
    /// A hook of an earlier group has changed the session.
    Again,
    ToCommit {
        committed: Committed,
        place: Place,
        /// What the session looks like after the hooks.
        after: String,
    },
    /// Committed, and the transaction of the next group has begun.
    Passed { committed: Committed, session: Session },
}

/// Why the transaction is not to be committed.
enum Stopped {
    Statement(sqlx::Error),
    /// The answer of a statement cannot be understood.
    Answer,
    Hook(HookError, Place),
    /// The guard could not be lowered.
    Guard(sqlx::Error, Place),
    /// The commit that the next transaction follows failed, or its answer was lost.
    Commit(sqlx::Error),
}

/// What is left of a transaction after a rollback.
struct Ended {
    status: Option<String>,
    /// Whether the session is as before.
    is_clean: bool,
    /// Whether its own session has told that.
    is_of_session: bool,
}

impl From<Option<String>> for Ended {
    fn from(status: Option<String>) -> Self {
        Self { status, is_clean: false, is_of_session: false }
    }
}

impl Stopped {
    /// Whether the connection has nothing to do.
    fn is_at_rest(&self) -> bool {
        match self {
            Self::Statement(error) => error.as_database_error().is_some(),
            Self::Answer | Self::Commit(_) => false,
            // A statement of the hook ends with its timeout at the latest.
            Self::Hook(error, _) => !matches!(error.downcast_ref(), Some(Failing::TookTooLong(_))),
            Self::Guard(error, _) => Failing::of(error).is_some(),
        }
    }
}

/// What a transaction that was rolled back has left.
async fn ended(
    connection: &mut PgConnection,
    place: &Place,
    was_open: bool,
) -> Result<Ended, sqlx::Error> {
    let is_as_begun = was_open && !connection.is_in_transaction();
    if !is_as_begun {
        // The hook has begun and ended transactions that the driver knows nothing of, or that it forgot.
        raw_sql("ROLLBACK").execute(&mut *connection).await?;
    }
    let status = guard::status(connection, place.transaction).await?;
    let session = guard::restored_session(connection).await?;
    let is_clean = is_as_begun && session == place.session;
    Ok(Ended { status, is_clean, is_of_session: true })
}

fn not_committed(error: sqlx::Error) -> Failed {
    Failed { cause: Cause::Statement(error, Sent::No), is_usable: false }
}

/// The commit failed. The log has no constraint that waits for it: a table of the caller's has.
fn failed_commit(log: &Log, error: sqlx::Error) -> Failed {
    let cause = if rolls_back(&error) && sqlstate(&error).as_deref() == Some(SERIALIZATION) {
        Cause::Statement(error, Sent::Yes)
    } else {
        match Error::of(error, Sent::Yes, log.lock_timeout) {
            Error::Postgres(cause) => Cause::Hook(cause.into()),
            error => Cause::Store(error),
        }
    };
    Failed { cause, is_usable: false }
}
