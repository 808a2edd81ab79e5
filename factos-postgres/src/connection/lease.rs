use std::sync::Arc;

use sqlx::PgConnection;

use super::{
    kept::{BoundConnection, Kept},
    timeout::ping,
};
use crate::error::Error;

/// A connection for one statement. Closed when dropped, unless [`done`](Self::done) was called: the
/// statement may still be running on it.
#[derive(Debug)]
pub(crate) struct Lease {
    connection: Option<BoundConnection>,
    kept: Arc<Kept>,
    is_done: bool,
}

impl Lease {
    pub(super) fn new(connection: BoundConnection, kept: &Arc<Kept>) -> Self {
        Self { connection: Some(connection), kept: Arc::clone(kept), is_done: false }
    }

    /// The connection; it is there until the lease is dropped.
    pub(crate) fn connection(&mut self) -> Result<&mut PgConnection, Error> {
        self.connection.as_mut().and_then(BoundConnection::get).ok_or(Error::Closed)
    }

    /// The last statement has ended: the connection can be used again.
    pub(crate) fn done(mut self) {
        self.is_done = true;
    }

    pub(super) async fn works(&mut self) -> bool {
        let Ok(connection) = self.connection() else { return false };
        ping(connection).await.is_ok()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if self.is_done {
            self.kept.give_back(connection);
        } else {
            connection.close();
        }
    }
}
