use std::time::Duration;

use factos::backend::Head;
use sqlx::PgPool;

use super::{check::check, create::migrate, incarnation::Incarnation, lock_check::check_locks};
use crate::{
    config::Config,
    connection::{Connections, Lease, answered},
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
    /// How long the server may take to answer a statement. After that its connection is lost.
    answer_timeout: Duration,
    pub(crate) head: Head,
}

impl Log {
    pub(crate) async fn open(config: &Config, pool: PgPool) -> Result<Self, Error> {
        if config.create {
            migrate(config, &pool).await?;
        }
        let failed = |error| Error::of(error, Sent::No, config.lock_timeout);
        let mut connection = pool.acquire().await.map_err(failed)?;
        let found = check(config, &mut connection).await?;
        drop(connection);
        let is_keyed = found.mode == Mode::Keyed;
        if is_keyed {
            check_locks(config, &pool).await?;
        }
        let head = Head::new();
        let (log_id, server) = (found.log_id, found.server);
        Ok(Self {
            incarnation: Incarnation::new(&config.schema, is_keyed, log_id, server, head.clone()),
            is_keyed,
            connections: Connections::new(pool, config.held),
            statements: Statements::of(&config.schema),
            lock_timeout: config.lock_timeout,
            durability: config.durability,
            answer_timeout: config.lock_timeout.saturating_add(config.socket_timeout),
            head,
        })
    }

    /// A connection, unless the log was found to be another one than the handle knows.
    pub(crate) async fn lease(&self) -> Result<Lease, Error> {
        self.incarnation.check()?;
        self.connections.lease().await.map_err(|error| self.error(error))
    }

    /// The answer to a statement, or the error of a lost connection.
    pub(crate) async fn answered<T>(
        &self,
        answer: impl Future<Output = T>,
    ) -> Result<T, sqlx::Error> {
        answered(self.answer_timeout, answer).await
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
