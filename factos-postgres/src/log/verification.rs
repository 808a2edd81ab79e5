use sqlx::{Row, postgres::PgRow};

use super::open::Log;
use crate::{
    connection::Lease,
    error::{Error, sqlstate},
    wire,
};

/// What the server that answers tells of itself and of the log.
#[derive(Debug)]
pub(super) struct Found {
    /// When this run of the server was started.
    pub(super) server: wire::Time,
    pub(super) is_in_recovery: bool,
    pub(super) log_id: String,
    /// The last position; 0 if the log is empty.
    pub(super) head: u64,
    /// How many of the events that were asked for are not there.
    pub(super) missing: u64,
}

impl Found {
    fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        let number = |index| row.try_get(index).map(|number: i64| number.unsigned_abs());
        Ok(Self {
            server: row.try_get(0)?,
            is_in_recovery: row.try_get(1)?,
            log_id: row.try_get::<Option<_>, _>(2)?.unwrap_or_default(),
            head: number(3)?,
            missing: number(4)?,
        })
    }
}

impl Log {
    /// Verifies that the server behind this connection holds the log as the handle knows it. Later statements
    /// are sent to this run of it.
    pub(crate) async fn verify(&self, lease: &mut Lease) -> Result<(), Error> {
        let told = self.incarnation.told();
        let statement = sqlx::query(self.statements.incarnation.text());
        let statement = statement.bind(&told.positions).bind(&told.ids);
        let row = self.answered(statement.fetch_one(lease.connection()?)).await.flatten();
        match row.and_then(|row| Found::of(&row)) {
            Ok(found) => self.incarnation.adopt(&told, found),
            Err(error) if is_of_no_log(&error) => Err(self.incarnation.lose_all(&told)),
            Err(error) => Err(self.error(error)),
        }
    }
}

/// Whether there is no such schema, table or function: no log, or one of an older format.
fn is_of_no_log(error: &sqlx::Error) -> bool {
    matches!(sqlstate(error).as_deref(), Some("3F000" | "42P01" | "42883"))
}
