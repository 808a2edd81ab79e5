use factos_consumer::port::PortError;
use sqlx::{PgConnection, Row};

use super::{
    literal::Text,
    session::{Begin, Operation},
    statement::{execute, failed, fetch_one},
    tables::{Tables, check_format},
};

/// Two processes that make the tables at once would fail one another; the first of the two numbers of its lock.
const LOCK: i32 = 1_178_796_036;

/// Makes the tables if they are not there.
#[derive(Debug)]
pub(super) struct Migration;

impl Operation for Migration {
    type Output = ();

    const BEGIN: Begin = Begin::Patient;

    async fn run(self, connection: &mut PgConnection, tables: &Tables) -> Result<(), PortError> {
        let schema = Text(&tables.schema);
        let lock = format!(
            "SELECT pg_catalog.pg_advisory_xact_lock({LOCK}, pg_catalog.hashtext({schema}))"
        );
        execute(connection, lock).await?;
        let name = format!("'{}'", tables.format);
        let is_there = format!("SELECT pg_catalog.to_regclass({name}) IS NOT NULL");
        let is_there: bool = fetch_one(connection, is_there).await?.try_get(0).map_err(failed)?;
        if is_there {
            return check_format(connection, tables).await;
        }
        execute(connection, tables.sql()).await.map(drop)
    }
}
