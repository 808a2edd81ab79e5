use std::{io, time::Duration};

use sqlx::{Connection, PgConnection};
use tokio::time::timeout;

/// How long the answer to a ping may take.
const PING: Duration = Duration::from_secs(2);

/// Whether the connection still works: a network may have dropped it without a word.
pub(super) async fn ping(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    answered(PING, connection.ping()).await?
}

/// The answer to a statement, or the error of a lost connection if it takes longer than `most`.
pub(crate) async fn answered<T>(
    most: Duration,
    answer: impl Future<Output = T>,
) -> Result<T, sqlx::Error> {
    timeout(most, answer).await.map_err(|_| {
        let message = format!("no answer came within {} ms", most.as_millis());
        sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, message))
    })
}
