use std::time::Duration;

use factos::backend::Head;
use sqlx::{Connection, PgPool};
use tokio::time::timeout;

use super::{check::check, create::migrate, lock_check::check_locks, transaction::begin};
use crate::{
    config::Config,
    connection::{Connections, Lease},
    deadline::Deadline,
    error::{Error, Sent},
    mode::Mode,
    sql::Statements,
};

/// An open log.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) id: String,
    pub(crate) is_keyed: bool,
    pub(crate) connections: Connections,
    pub(crate) statements: Statements,
    pub(crate) lock_timeout: Duration,
    /// How long an answer may take beside the waits for locks. After that its connection is lost.
    socket_timeout: Duration,
    pub(crate) head: Head,
}

impl Log {
    pub(crate) async fn open(config: &Config, pool: PgPool) -> Result<Self, Error> {
        if config.create {
            migrate(config, &pool).await?;
        }
        let failed = |error| Error::of(error, Sent::No, config.lock_timeout);
        let mut connection = pool.acquire().await.map_err(failed)?;
        let mut transaction = begin(config, &mut connection).await.map_err(failed)?;
        let found = check(config, &mut transaction).await;
        transaction.rollback().await.map_err(failed)?;
        let found = found?;
        // The check has prepared some, unless the connections of this pool are to keep none.
        let are_kept = connection.cached_statements_size() > 0;
        drop(connection);
        let is_keyed = found.mode == Mode::Keyed.as_str();
        if is_keyed {
            check_locks(config, &pool).await?;
        }
        Ok(Self {
            id: found.log_id,
            is_keyed,
            connections: Connections::new(pool, config.held),
            statements: Statements::of(&config.schema, are_kept),
            lock_timeout: config.lock_timeout,
            socket_timeout: config.socket_timeout,
            head: Head::new(),
        })
    }

    /// Until when a call that begins now may wait.
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::new(self.lock_timeout, self.socket_timeout)
    }

    /// A connection, before the deadline.
    pub(crate) async fn lease(&self, deadline: Deadline) -> Result<Lease, Error> {
        let lease = timeout(deadline.answer(), self.connections.lease()).await;
        lease.map_err(|_| Error::PoolExhausted)?.map_err(|error| self.error(error))
    }

    /// The error of a statement that writes nothing.
    pub(crate) fn error(&self, error: sqlx::Error) -> Error {
        Error::of(error, Sent::No, self.lock_timeout)
    }
}
