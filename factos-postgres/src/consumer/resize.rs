//! Changes of the number of partitions.

use factos::Anchor;
use factos_consumer::port::{ConsumerId, PortError, Resize};
use sqlx::PgConnection;

use super::{
    condition::of_consumer,
    division::{self, Division},
    literal::{nullable, number},
    statement::execute,
    tables::Tables,
    versions::Version,
};

/// Begins a change of the number of partitions, or ends one that is not wanted any more. The version is locked.
pub(super) async fn resize_to(
    connection: &mut PgConnection,
    tables: &Tables,
    version: &Version,
    wanted: u32,
) -> Result<(), PortError> {
    let id = &version.id;
    let present = Division::read(connection, tables, id).await?;
    if present.len() == 0 {
        // It waits to take over, and changes the number then.
        let waiting = Resize { partitions: wanted, until: None };
        return keep(connection, tables, id, Some(waiting)).await;
    }
    if present.len() == wanted as usize {
        return match version.resize {
            Some(_) => keep(connection, tables, id, None).await,
            None => Ok(()),
        };
    }
    if version.resize.is_some_and(|resize| resize.partitions == wanted) {
        return Ok(());
    }
    Division::lock(connection, tables, &id.name, &[id.version]).await?;
    let present = Division::read(connection, tables, id).await?;
    let until = present.highest().map(Anchor::position);
    division::end_leases(connection, tables, id).await?;
    keep(connection, tables, id, Some(Resize { partitions: wanted, until })).await
}

/// Ends a change, if every partition has come to where it stops and none is leased.
pub(super) async fn finish_resize(
    connection: &mut PgConnection,
    tables: &Tables,
    id: &ConsumerId,
    resize: Resize,
) -> Result<(), PortError> {
    // Not to wait for a step before it is worth it.
    if !Division::read(connection, tables, id).await?.is_drained(resize.until) {
        return Ok(());
    }
    Division::lock(connection, tables, &id.name, &[id.version]).await?;
    let drained = Division::read(connection, tables, id).await?;
    if !drained.is_drained(resize.until) {
        return Ok(());
    }
    division::remove(connection, tables, id).await?;
    let (highest, token) = (drained.highest(), drained.last_token());
    division::divide(connection, tables, id, resize.partitions, highest, token).await?;
    keep(connection, tables, id, None).await
}

/// Keeps the change that is to come.
pub(super) async fn keep(
    connection: &mut PgConnection,
    tables: &Tables,
    id: &ConsumerId,
    resize: Option<Resize>,
) -> Result<(), PortError> {
    let until = resize.and_then(|resize| resize.until);
    let sql = format!(
        "UPDATE {} c SET resize_to = {}, resize_until = {} WHERE {}",
        tables.consumer,
        nullable(resize.map(|resize| resize.partitions)),
        nullable(until.map(number)),
        of_consumer("c", id)
    );
    execute(connection, sql).await.map(drop)
}
