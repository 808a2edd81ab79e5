use sqlx::{Row, postgres::PgRow};

use crate::wire;

/// What the server that answers tells of itself and of the log.
#[derive(Debug)]
pub(super) struct Server {
    /// When this run of the server was started.
    pub(super) started: wire::Time,
    pub(super) is_in_recovery: bool,
    pub(super) log_id: String,
    /// The last position; 0 if the log is empty.
    pub(super) head: u64,
    /// How many of the events that were asked for are not there.
    pub(super) missing: u64,
}

impl Server {
    pub(super) fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        let number = |index| row.try_get(index).map(|number: i64| number.unsigned_abs());
        Ok(Self {
            started: row.try_get(0)?,
            is_in_recovery: row.try_get(1)?,
            log_id: row.try_get::<Option<_>, _>(2)?.unwrap_or_default(),
            head: number(3)?,
            missing: number(4)?,
        })
    }
}
