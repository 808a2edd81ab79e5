//! The commands of the page on operations.

use std::{env, process::Command};

use crate::cluster::Cluster;

const PAGE: &str = include_str!("../../../docs/operations.md");

/// Runs those for one log.
pub(crate) async fn dump_and_restore(schema: &str, from: &Cluster, to: &Cluster) {
    let (_, commands) = PAGE.split_once("```sh\npg_dump").unwrap();
    let (commands, _) = commands.split_once("```").unwrap();
    let path = format!("{}:{}", to.programs(), env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command.args(["-euc", &format!("pg_dump{commands}")]);
    command.envs([("SCHEMA", schema), ("FILE", &from.path("log.dump")), ("PATH", &path)]);
    command.envs([("FROM", from.url()), ("TO", to.url())]);
    let status = tokio::task::spawn_blocking(move || command.status()).await.unwrap().unwrap();
    assert!(status.success(), "{schema}");
}
