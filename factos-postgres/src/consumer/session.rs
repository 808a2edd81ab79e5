//! A transaction of a call.

use std::time::Duration;

use factos_consumer::port::PortError;
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, PgPool, Postgres, Transaction, pool::PoolConnection,
};
use tokio::runtime::Handle;

use super::{
    guard::{Failing, Guard},
    statement::failed,
    tables::Tables,
};
use crate::error::{Error, Sent, rolls_back};

/// How long a call waits for a lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long one does that is made again anyway.
const LITTLE_PATIENCE: Duration = Duration::from_millis(500);

/// A client that stops in the middle of a transaction holds its locks for so long.
const SILENCE: Duration = Duration::from_secs(60);

/// What a transaction does, besides what it locks: its calls are ended by its [`Begin`].
pub(super) trait Operation: Send {
    type Output: Send;

    const BEGIN: Begin = Begin::Short;

    fn run(
        self,
        connection: &mut PgConnection,
        tables: &Tables,
    ) -> impl Future<Output = Result<Self::Output, PortError>> + Send;
}

/// How a transaction begins: what the role, the database or the pool have as defaults does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    /// It waits for a lock for half a second.
    Brief,
    /// It waits for a lock for 5 s.
    Short,
    /// It waits for a lock as long as the pool's connections do.
    Patient,
}

impl Begin {
    /// Its statements, with what keeps the caller's work from ending the transaction.
    fn sql(self, guard: Option<&Guard>) -> String {
        let patience = match self {
            Self::Brief => Some(LITTLE_PATIENCE),
            Self::Short => Some(PATIENCE),
            Self::Patient => None,
        };
        let lock_timeout = patience.map(|patience| patience.as_millis());
        let lock_timeout = lock_timeout.map(|most| format!("SET LOCAL lock_timeout = {most}; "));
        let lock_timeout = lock_timeout.unwrap_or_default();
        let silence = SILENCE.as_millis();
        // A lease that was told and then lost by a crash would be given twice under one token.
        format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {lock_timeout}\
             SELECT pg_catalog.set_config('idle_in_transaction_session_timeout', CASE
                 WHEN pg_catalog.current_setting('idle_in_transaction_session_timeout')
                   OPERATOR(pg_catalog.=) '0' THEN '{silence}'
                 ELSE pg_catalog.current_setting('idle_in_transaction_session_timeout') END, true),
               pg_catalog.set_config('synchronous_commit', CASE
                 WHEN pg_catalog.current_setting('synchronous_commit')
                   OPERATOR(pg_catalog.=) ANY (ARRAY['off', 'local']) THEN 'on'
                 ELSE pg_catalog.current_setting('synchronous_commit') END, true); {}",
            guard.map(Guard::raise).unwrap_or_default()
        )
    }
}

/// A connection of the pool. It is closed when it is dropped in the middle of something, as with the future of a call.
#[derive(Debug)]
pub(super) struct Session {
    connection: Option<PoolConnection<Postgres>>,
    is_at_rest: bool,
    runtime: Handle,
}

impl Session {
    pub(super) async fn of(pool: &PgPool) -> Result<Self, PortError> {
        let connection = pool.acquire().await.map_err(failed)?;
        Ok(Self { connection: Some(connection), is_at_rest: true, runtime: Handle::current() })
    }

    /// The connection, which is closed unless the caller is [`done`](Self::done) with it.
    pub(super) fn connection(&mut self) -> Result<&mut PgConnection, PortError> {
        self.is_at_rest = false;
        self.connection.as_deref_mut().ok_or_else(|| failed(sqlx::Error::PoolClosed))
    }

    pub(super) async fn begin(
        &mut self,
        begin: Begin,
        guard: Option<&Guard>,
    ) -> Result<Transaction<'_, Postgres>, PortError> {
        let sql = AssertSqlSafe(begin.sql(guard));
        self.connection()?.begin_with(sql).await.map_err(failed)
    }

    /// Whether the commit that was sent was one: else a savepoint of the caller's was released.
    pub(super) fn is_in_transaction(&self) -> bool {
        self.connection.as_deref().is_some_and(PgConnection::is_in_transaction)
    }

    /// Gives it back to the pool if nothing is left on it.
    pub(super) fn done(mut self, is_at_rest: bool) {
        self.is_at_rest = is_at_rest;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Outside of a runtime the pool would panic when it takes the connection back.
        let _inside = self.runtime.enter();
        if let Some(mut connection) = self.connection.take()
            && !self.is_at_rest
        {
            connection.close_on_drop();
        }
    }
}

/// Runs an operation in a transaction of its own.
pub(super) async fn run<O: Operation>(
    pool: &PgPool,
    tables: &Tables,
    operation: O,
) -> Result<O::Output, PortError> {
    let mut session = Session::of(pool).await?;
    let mut transaction = session.begin(O::BEGIN, None).await?;
    let outcome = operation.run(&mut transaction, tables).await;
    let (outcome, is_at_rest) = end(transaction, outcome).await;
    session.done(is_at_rest);
    outcome
}

/// Commits what went well, and tells whether nothing is left on the connection.
pub(super) async fn end<T>(
    transaction: Transaction<'_, Postgres>,
    outcome: Result<T, PortError>,
) -> (Result<T, PortError>, bool) {
    match outcome {
        // There is nothing to commit for the driver.
        Ok(_) if !transaction.is_in_transaction() => (Err(Failing::EndedTransaction.into()), false),
        Ok(output) => match transaction.commit().await {
            Ok(()) => (Ok(output), true),
            Err(error) => (Err(not_committed(error)), false),
        },
        Err(error) => (Err(error), transaction.rollback().await.is_ok()),
    }
}

/// The error of a commit, after which it may be unknown what became of the transaction.
fn not_committed(error: sqlx::Error) -> PortError {
    let is_of_server = rolls_back(&error);
    match Error::of(error, Sent::Yes, Duration::ZERO) {
        // A constraint that is checked at the end. None of these tables has one: one of the application's has.
        Error::Postgres(cause) if is_of_server => PortError::Work(cause.into()),
        error => PortError::Database(error.into()),
    }
}
