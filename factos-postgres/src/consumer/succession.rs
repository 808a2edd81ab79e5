//! Which version of a consumer counts.

use factos_consumer::port::{ConsumerId, ConsumerState, PortError, Resize, Succession};
use sqlx::PgConnection;

use super::{
    condition::of_consumer,
    division::{self, Division},
    resize::{finish_resize, keep, resize_to},
    session::Operation,
    statement::execute,
    tables::{Tables, check_format},
    versions::{Version, Versions},
};

pub(super) async fn set_state(
    connection: &mut PgConnection,
    tables: &Tables,
    id: &ConsumerId,
    state: ConsumerState,
) -> Result<(), PortError> {
    let (consumer, is_it) = (&tables.consumer, of_consumer("c", id));
    let sql = format!("UPDATE {consumer} c SET state = '{}' WHERE {is_it}", state.as_str());
    execute(connection, sql).await.map(drop)
}

/// Has a version part with its partitions, and keep how many it is to have.
async fn part_with_partitions(
    connection: &mut PgConnection,
    tables: &Tables,
    version: &Version,
) -> Result<(), PortError> {
    let id = &version.id;
    Division::lock(connection, tables, &id.name, &[id.version]).await?;
    let present = Division::read(connection, tables, id).await?.len();
    division::remove(connection, tables, id).await?;
    keep_wanted(connection, tables, version, present).await
}

/// Keeps how many partitions a version is to have that has given away as many as this.
async fn keep_wanted(
    connection: &mut PgConnection,
    tables: &Tables,
    version: &Version,
    present: usize,
) -> Result<(), PortError> {
    let present = u32::try_from(present.max(1)).unwrap_or(u32::MAX);
    let partitions = version.resize.map_or(present, |resize| resize.partitions);
    keep(connection, tables, &version.id, Some(Resize { partitions, until: None })).await
}

/// Ends what waits for leases to end: taking over, and the changes of the number of partitions. The versions are locked.
pub(super) async fn finish(
    connection: &mut PgConnection,
    tables: &Tables,
    name: &str,
) -> Result<(), PortError> {
    let versions = Versions::read(connection, tables, name).await?;
    if let Some(live) = versions.live() {
        take_over(connection, tables, live, &versions).await?;
    }
    let versions = Versions::read(connection, tables, name).await?;
    for Version { id, resize, .. } in versions.iter() {
        if let Some(resize) = resize {
            finish_resize(connection, tables, id, *resize).await?;
        }
    }
    Ok(())
}

/// Gives the live version what a retired one has, once none of it is leased.
async fn take_over(
    connection: &mut PgConnection,
    tables: &Tables,
    live: &Version,
    versions: &Versions,
) -> Result<(), PortError> {
    if Division::read(connection, tables, &live.id).await?.len() > 0 {
        return Ok(());
    }
    for from in versions.iter().filter(|version| version.state == ConsumerState::Retired) {
        let division = Division::read(connection, tables, &from.id).await?;
        if division.len() == 0 {
            continue;
        }
        // Not to wait for a step before it is worth it.
        if division.is_free() && hand_over(connection, tables, from, live).await? {
            keep_wanted(connection, tables, from, division.len()).await?;
            // What it has waited with says into how many partitions it is to be divided.
            let wanted = live.resize.map_or(1, |wanted| wanted.partitions);
            let live = Version { resize: from.resize, ..live.clone() };
            resize_to(connection, tables, &live, wanted).await?;
        }
        return Ok(());
    }
    Ok(())
}

/// Gives what one version has to another, unless some of it is leased by now.
async fn hand_over(
    connection: &mut PgConnection,
    tables: &Tables,
    from: &Version,
    to: &Version,
) -> Result<bool, PortError> {
    let (from, to) = (&from.id, &to.id);
    let Tables { consumer, partition, parked, .. } = tables;
    Division::lock(connection, tables, &from.name, &[from.version, to.version]).await?;
    let division = Division::read(connection, tables, from).await?;
    if !division.is_free() {
        return Ok(false);
    }
    let last_token = division.last_token();
    let (of_from, of_to) = (|row| of_consumer(row, from), |row| of_consumer(row, to));
    let (source, target) = (of_from("c"), of_to("c"));
    let sql = format!(
        "DELETE FROM {parked} k WHERE {};
         UPDATE {partition} p SET version = {to}, owner = NULL, leased_until = NULL,
             token = GREATEST(p.token, (SELECT c.last_token FROM {consumer} c WHERE {target}))
           WHERE {};
         UPDATE {parked} k SET version = {to} WHERE {};
         UPDATE {consumer} c SET resize_to = s.resize_to, resize_until = s.resize_until
           FROM {consumer} s WHERE {target} AND {};
         UPDATE {consumer} c SET last_token = GREATEST(c.last_token, {last_token}) WHERE {source}",
        of_to("k"),
        of_from("p"),
        of_from("k"),
        of_from("s"),
        to = to.version,
    );
    execute(connection, sql).await?;
    Ok(true)
}

/// Ends what waits for leases of a consumer to end.
#[derive(Debug)]
pub(super) struct Finish<'a>(pub(super) &'a str);

impl Operation for Finish<'_> {
    type Output = ();

    async fn run(self, connection: &mut PgConnection, tables: &Tables) -> Result<(), PortError> {
        Versions::lock(connection, tables, self.0).await?;
        finish(connection, tables, self.0).await
    }
}

/// Makes a version the live one.
#[derive(Debug)]
pub(super) struct Promote<'a>(pub(super) &'a ConsumerId);

impl Operation for Promote<'_> {
    type Output = ();

    async fn run(self, connection: &mut PgConnection, tables: &Tables) -> Result<(), PortError> {
        let id = self.0;
        check_format(connection, tables).await?;
        let versions = Versions::lock(connection, tables, &id.name).await?;
        let Version { state, succession, .. } = *versions.get(id)?;
        let live = versions.live().map(|live| &live.id).filter(|live| *live != id);
        match (succession, live) {
            (Succession::Rebuild, _) if state == ConsumerState::Retired => {
                return Err(PortError::IsRetired(id.clone()));
            }
            (Succession::Rebuild, Some(live)) => {
                set_state(connection, tables, live, ConsumerState::Beside).await?;
            }
            (Succession::TakeOver, Some(live)) => {
                set_state(connection, tables, live, ConsumerState::Retired).await?;
                // One without partitions waits for those that the target still has.
                if Division::read(connection, tables, live).await?.len() > 0 {
                    part_with_partitions(connection, tables, versions.get(id)?).await?;
                }
            }
            (_, None) => {}
        }
        set_state(connection, tables, id, ConsumerState::Live).await
    }
}

/// Retires a version.
#[derive(Debug)]
pub(super) struct Retire<'a>(pub(super) &'a ConsumerId);

impl Operation for Retire<'_> {
    type Output = ();

    async fn run(self, connection: &mut PgConnection, tables: &Tables) -> Result<(), PortError> {
        let id = self.0;
        check_format(connection, tables).await?;
        let versions = Versions::lock(connection, tables, &id.name).await?;
        match versions.get(id)?.state {
            ConsumerState::Live => return Err(PortError::IsLive(id.clone())),
            // It may have something to hand over.
            ConsumerState::Retired => return Ok(()),
            _ => {}
        }
        Division::lock(connection, tables, &id.name, &[id.version]).await?;
        division::remove(connection, tables, id).await?;
        let parked = &tables.parked;
        execute(connection, format!("DELETE FROM {parked} k WHERE {}", of_consumer("k", id)))
            .await?;
        keep(connection, tables, id, None).await?;
        set_state(connection, tables, id, ConsumerState::Retired).await
    }
}
