use factos::EventId;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::{
    config::Config,
    connection::lock_wait::failure,
    error::Error,
    log::check::{APPLICATION_ID, Content, FORMAT, content},
};

const SCHEMA: &str = include_str!("../sql/schema.sql");

const UPGRADE: &str = include_str!("../sql/upgrade_1.sql");

/// Creates the log in an empty file, or upgrades an older one.
pub(crate) fn create_or_upgrade(connection: &mut Connection, config: &Config) -> Result<(), Error> {
    let path = &*config.path;
    let sqlite = |error| failure(path, error);
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
    // Checked again under the lock: another process may have been faster.
    match content(&transaction, path)? {
        Content::Nothing => create(&transaction).map_err(sqlite)?,
        Content::OlderLog(_) => transaction.execute_batch(UPGRADE).map_err(sqlite)?,
        Content::Log => {}
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(sqlite)?;
    transaction.pragma_update(None, "user_version", FORMAT).map_err(sqlite)?;
    transaction.commit().map_err(sqlite)
}

fn create(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(SCHEMA)?;
    transaction.execute_batch(UPGRADE)?;
    let id = EventId::new().to_string();
    let insert = "INSERT INTO info (key, value) VALUES
                  ('log_id', ?1), ('created_at', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))";
    transaction.execute(insert, [id]).map(drop)
}
