use std::path::Path;

use factos::EventId;
use rusqlite::{Connection, TransactionBehavior};

use crate::{
    connection::lock_wait::failure,
    error::Error,
    log::check::{APPLICATION_ID, FORMAT, check_file},
};

const SCHEMA: &str = include_str!("../sql/schema.sql");

/// Creates the log in an empty file.
pub(crate) fn create(connection: &mut Connection, path: &Path) -> Result<(), Error> {
    let sqlite = |error| failure(path, error);
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
    // Checked again under the lock: another process may have created the log meanwhile.
    if check_file(&transaction, path)? {
        transaction.execute_batch(SCHEMA).map_err(sqlite)?;
        transaction
            .execute(
                "INSERT INTO info (key, value) VALUES
                 ('log_id', ?1), ('created_at', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
                [EventId::new().to_string()],
            )
            .map_err(sqlite)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(sqlite)?;
        transaction.pragma_update(None, "user_version", FORMAT).map_err(sqlite)?;
    }
    transaction.commit().map_err(sqlite)
}
