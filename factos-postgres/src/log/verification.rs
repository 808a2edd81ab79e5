use super::{open::Log, server::Server};
use crate::{
    connection::{Lease, answered},
    deadline::Deadline,
    error::{Error, sqlstate},
    wire,
};

impl Log {
    /// Verifies that the server behind this connection holds the log as the handle knows it. Later statements
    /// are sent to this run of it.
    pub(crate) async fn verify(&self, lease: &mut Lease, deadline: Deadline) -> Result<(), Error> {
        let told = self.incarnation.told();
        let statement = self.statements.incarnation.query();
        let statement = statement.bind(&told.positions).bind(&told.ids);
        let statement = statement.bind(wire::milliseconds(deadline.locks()));
        let row = answered(deadline.answer(), statement.fetch_one(lease.connection()?));
        let row = row.await.flatten();
        match row.and_then(|row| Server::of(&row)) {
            Ok(server) => {
                let adopted = self.incarnation.adopt(&told, server);
                if adopted.as_ref().is_err_and(Error::is_of_connection) {
                    self.connection_lost();
                }
                adopted
            }
            Err(error) if is_of_no_log(&error) => Err(self.incarnation.lose_all(&told)),
            Err(error) => Err(self.error(error)),
        }
    }

    /// The error of a statement within a transaction of the caller's. The transaction has failed; if another server
    /// answers than before, the next one finds it verified.
    pub(crate) async fn failed_in_transaction(&self, error: Error, deadline: Deadline) -> Error {
        if !matches!(error, Error::OtherServer) {
            return error;
        }
        // Those that are kept lead to the server before.
        self.connection_lost();
        let verified = async { self.verify(&mut self.lease(deadline).await?, deadline).await };
        verified.await.err().unwrap_or(error)
    }
}

/// Whether there is no such schema, table or function: no log, or one of an older format.
fn is_of_no_log(error: &sqlx::Error) -> bool {
    matches!(sqlstate(error).as_deref(), Some("3F000" | "42P01" | "42883"))
}
