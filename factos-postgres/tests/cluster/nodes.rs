//! The cluster, as scripts/cluster shows and breaks it.

use std::env;

use factos_postgres::sqlx::{Connection, PgConnection, query_scalar};
use tokio::process::Command;

use crate::patience::patience;

pub(crate) fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this by scripts/failovers"))
}

/// The address that leads to the leader, through PgBouncer.
pub(crate) fn pool_url() -> String {
    variable("FACTOS_CLUSTER_POOL")
}

/// The same without PgBouncer.
pub(crate) fn write_url() -> String {
    variable("FACTOS_CLUSTER_WRITE")
}

/// The address that leads to the standbys.
pub(crate) fn read_url() -> String {
    variable("FACTOS_CLUSTER_READ")
}

/// The address of one node.
pub(crate) fn node_url(node: &str) -> String {
    let nodes = variable("FACTOS_CLUSTER_NODES");
    let url = nodes.split(' ').find_map(|entry| entry.strip_prefix(node)?.strip_prefix('='));
    url.unwrap().to_owned()
}

/// Runs scripts/cluster, and returns what it prints.
pub(crate) async fn cluster(arguments: &[&str]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/cluster");
    let mut command = Command::new(script);
    let output = command.args(arguments).kill_on_drop(true).output();
    let output = tokio::time::timeout(patience(), output).await;
    let output = output.unwrap_or_else(|_| panic!("never: scripts/cluster {arguments:?}")).unwrap();
    assert!(output.status.success(), "scripts/cluster {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub(crate) async fn leader() -> String {
    cluster(&["leader"]).await
}

/// How often another node was made the leader, as the leader counts it; none if it cannot be asked.
pub(crate) async fn timeline() -> Option<u32> {
    let timeline = "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)";
    let mut connection = PgConnection::connect(&write_url()).await.ok()?;
    let timeline: String = query_scalar(timeline).fetch_one(&mut connection).await.ok()?;
    u32::from_str_radix(&timeline, 16).ok()
}
