use std::time::Duration;

use factos::backend::Head;
use sqlx::{Connection, PgPool};
use tokio::time::timeout;

use super::{
    check::{Found, check},
    create::migrate,
    incarnation::Incarnation,
    lock_check::check_locks,
    transaction::begin,
};
use crate::{
    config::Config,
    connection::{Connections, Lease},
    deadline::Deadline,
    durability::Durability,
    error::{Error, Sent},
    mode::Mode,
    sql::Statements,
};

/// An open log.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) incarnation: Incarnation,
    pub(crate) is_keyed: bool,
    pub(crate) connections: Connections,
    pub(crate) statements: Statements,
    pub(crate) lock_timeout: Duration,
    pub(crate) durability: Durability,
    /// How long an answer may take beside the waits for locks. After that its connection is lost.
    pub(crate) socket_timeout: Duration,
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
        if let Ok(Found { mode: Mode::Keyed, .. }) = found {
            check_locks(config, transaction, &pool).await?;
        } else {
            transaction.rollback().await.map_err(failed)?;
        }
        let found = found?;
        // The check has prepared some, unless the connections of this pool are to keep none.
        let are_kept = connection.cached_statements_size() > 0;
        drop(connection);
        let is_keyed = found.mode == Mode::Keyed;
        let head = Head::new();
        let (log_id, server) = (found.log_id, found.server);
        Ok(Self {
            incarnation: Incarnation::new(&config.schema, is_keyed, log_id, server, head.clone()),
            is_keyed,
            connections: Connections::new(pool, config.held),
            statements: Statements::of(&config.schema, are_kept),
            lock_timeout: config.lock_timeout,
            durability: config.durability,
            socket_timeout: config.socket_timeout,
            head,
        })
    }

    /// Until when a call that begins now may wait.
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::new(self.lock_timeout, self.socket_timeout)
    }

    /// A connection, before the deadline, unless the log was found to be another one than the handle knows.
    pub(crate) async fn lease(&self, deadline: Deadline) -> Result<Lease, Error> {
        self.incarnation.check()?;
        let lease = timeout(deadline.answer(), self.connections.lease()).await;
        lease.map_err(|_| Error::PoolExhausted)?.map_err(|error| self.error(error))
    }

    /// A connection was lost, and the others that are kept may be as well. What is behind the address may be
    /// another server by now.
    pub(crate) fn connection_lost(&self) {
        self.connections.close_kept();
        self.incarnation.doubt();
    }

    /// The error of a statement that writes nothing.
    pub(crate) fn error(&self, error: sqlx::Error) -> Error {
        Error::of(error, Sent::No, self.lock_timeout)
    }
}
