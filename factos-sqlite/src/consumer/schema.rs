use std::path::Path;

use factos::{StoreError, StoreErrorKind};
use factos_consumer::port::PortError;
use rusqlite::{Connection, OptionalExtension};

use super::error::{failed, unread};

/// The format of the tables.
pub(super) const FORMAT: i64 = 1;

/// Makes the tables. May run again.
pub(super) const SQL: &str = include_str!("../sql/consumer.sql");

const ARE_THERE: &str = "SELECT EXISTS (SELECT * FROM sqlite_schema \
     WHERE type = 'table' AND name = 'factos_consumer_format')";
const READ: &str = "SELECT format FROM factos_consumer_format";

/// The tables were never made.
#[derive(Debug, thiserror::Error)]
#[error("{path} has no tables of consumers: SqliteConsumers::migrate makes them")]
struct NoTables {
    path: String,
}

/// Makes the tables if they are not there, within a transaction.
pub(super) fn migrate(connection: &Connection, path: &Path) -> Result<(), PortError> {
    if are_there(connection, path)? && format(connection, path)?.is_some_and(|it| it != FORMAT) {
        return check(connection, path);
    }
    connection.execute_batch(SQL).map_err(|error| failed(path, error))?;
    check(connection, path)
}

/// An error if the tables are not those that this version knows.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), PortError> {
    match format(connection, path) {
        Ok(Some(FORMAT)) => Ok(()),
        Ok(Some(found)) => Err(PortError::Format { found, known: FORMAT }),
        Ok(None) => Err(PortError::Damaged { what: "factos_consumer_format".to_owned() }),
        Err(_) if !are_there(connection, path)? => {
            let none = NoTables { path: path.display().to_string() };
            Err(StoreError::new(StoreErrorKind::Incompatible, none).into())
        }
        Err(error) => Err(error),
    }
}

fn are_there(connection: &Connection, path: &Path) -> Result<bool, PortError> {
    let are_there = connection.query_row(ARE_THERE, [], |row| row.get(0));
    are_there.map_err(|error| failed(path, error))
}

fn format(connection: &Connection, path: &Path) -> Result<Option<i64>, PortError> {
    let read = connection.prepare_cached(READ);
    let read = read.and_then(|mut read| read.query_row([], |row| row.get(0)).optional());
    read.map_err(|error| unread(path, &"factos_consumer_format", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sql_makes_the_format_that_is_known() {
        let connection = Connection::open_in_memory().unwrap();
        let path = Path::new("memory");
        migrate(&connection, path).unwrap();
        migrate(&connection, path).unwrap();
        assert_eq!(format(&connection, path).unwrap(), Some(FORMAT));
    }
}
