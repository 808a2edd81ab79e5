//! The read model: a row for each item.

use factos_sqlite::rusqlite::{self, Connection};

use crate::warehouse::{Counts, Warehouse};

pub(crate) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS stock (item TEXT PRIMARY KEY, count INTEGER NOT NULL)",
    )
}

pub(crate) fn apply(connection: &Connection, event: &Warehouse) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO stock VALUES (?1, ?2) ON CONFLICT (item) DO UPDATE SET count = count + excluded.count",
    )?;
    upsert.execute(event.change()).map(drop)
}

pub(crate) fn counts(connection: &Connection) -> rusqlite::Result<Counts> {
    let mut rows = connection.prepare("SELECT item, count FROM stock")?;
    rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Prints what was compared, and fails if the two differ.
pub(crate) fn compare(model: &Counts, fold: &Counts) -> anyhow::Result<()> {
    anyhow::ensure!(model == fold, "the read model has {model:?}, a fold of the log {fold:?}");
    let all: i64 = model.values().sum();
    println!("the read model equals a fold of the log: {all} pieces of {} items", model.len());
    Ok(())
}
