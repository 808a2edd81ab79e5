use factos_consumer::port::{ConsumerState, PortError, Registration, Succession};
use sqlx::PgConnection;

use super::{
    condition::{EQ, LE, NOW},
    division,
    literal::{Text, nullable},
    resize::resize_to,
    row::name_of,
    session::Operation,
    statement::{execute, failed},
    succession::{finish, set_state},
    tables::{Tables, check_format},
    versions::Versions,
};

/// A name whose first versions are made by several processes at once is looked at again so often.
const TRIES: u32 = 8;

/// Makes a version known.
#[derive(Debug)]
pub(super) struct Register<'a>(pub(super) &'a Registration);

impl Operation for Register<'_> {
    type Output = ConsumerState;

    async fn run(
        self,
        connection: &mut PgConnection,
        tables: &Tables,
    ) -> Result<ConsumerState, PortError> {
        let Registration { consumer: id, partitions, succession, .. } = self.0;
        check_format(connection, tables).await?;
        for _ in 0..TRIES {
            let versions = Versions::lock(connection, tables, &id.name).await?;
            versions.check_kind(id, *succession)?;
            let Ok(version) = versions.get(id) else {
                self.insert(connection, tables, &versions).await?;
                continue;
            };
            if version.state != ConsumerState::Retired {
                resize_to(connection, tables, version, (*partitions).max(1)).await?;
            }
            finish(connection, tables, &id.name).await?;
            forget_processes(connection, tables).await?;
            return Ok(version.state);
        }
        Err(failed(sqlx::Error::RowNotFound))
    }
}

impl Register<'_> {
    /// Makes the row of a version, unless another process has made one meanwhile that counts.
    async fn insert(
        &self,
        connection: &mut PgConnection,
        tables: &Tables,
        versions: &Versions,
    ) -> Result<(), PortError> {
        let Registration { consumer: id, partitions, succession, start } = self.0;
        let live = versions.live().map(|live| &live.id);
        let state = match (live, succession) {
            (None, _) => ConsumerState::Live,
            (Some(_), Succession::Rebuild) => ConsumerState::Beside,
            // It becomes live once the other one is not.
            (Some(_), Succession::TakeOver) => ConsumerState::Retired,
        };
        // It is retired, or waits for what the live one has.
        let waits = live.filter(|_| *succession == Succession::TakeOver);
        let sql = format!(
            "INSERT INTO {} (name, version, state, succession, resize_to)
             VALUES ({}, {}, '{}', '{}', {}) ON CONFLICT DO NOTHING",
            tables.consumer,
            Text(&id.name),
            id.version,
            state.as_str(),
            name_of(*succession),
            nullable(waits.map(|_| (*partitions).max(1)))
        );
        if execute(connection, sql).await? == 0 {
            return Ok(());
        }
        match waits {
            Some(live) if live.version < id.version => {
                set_state(connection, tables, live, ConsumerState::Retired).await?;
                set_state(connection, tables, id, ConsumerState::Live).await
            }
            Some(_) => Ok(()),
            None => division::divide(connection, tables, id, *partitions, start.as_ref(), 0).await,
        }
    }
}

/// Forgets processes that are alive no more. It waits for none that is about to say that it is.
async fn forget_processes(connection: &mut PgConnection, tables: &Tables) -> Result<(), PortError> {
    let process = &tables.process;
    let sql = format!(
        "DELETE FROM {process} r WHERE r.process {EQ} ANY (ARRAY(
             SELECT d.process FROM {process} d WHERE d.alive_until {LE} {NOW} FOR UPDATE SKIP LOCKED))"
    );
    execute(connection, sql).await.map(drop)
}
