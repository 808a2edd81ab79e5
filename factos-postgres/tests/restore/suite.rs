//! The suite, on a server that was restored.

use std::{
    env,
    process::{Command, Output, Stdio},
};

use factos_postgres::Mode;

use crate::cluster::Cluster;

/// Set where the suite is to be run on each server that was restored, which takes minutes: `scripts/on-versions` does.
const ASKED: &str = "FACTOS_SUITE_ON_RESTORED";

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/run-tests");

/// Runs the suite in this mode on the server, if that is asked for. The server is started anew for it.
pub(crate) async fn passes_on(server: &Cluster, mode: Mode) {
    if env::var_os(ASKED).is_none() {
        println!("{mode}: the suite is not run on the restored server, as {ASKED} is not set");
        return;
    }
    server.shut_down();
    server.set("max_connections = 200\n");
    server.start();
    let mut command = Command::new(SCRIPT);
    command.args(["factos-postgres", "conformance", "--", "--include-ignored"]);
    command.args([&format!("{mode}::"), "--skip", "with_a_hook"]);
    command.env("FACTOS_POSTGRES_URL", server.url()).stdin(Stdio::null());
    let suite = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(suite.status.success(), "{mode}: {}", told(&suite));
    let passed: usize = told(&suite).lines().filter_map(count).sum();
    println!("{mode}: {passed} cases of the suite pass on the restored server");
    assert!(passed > 140, "{mode}: only {passed} cases were run: {}", told(&suite));
}

fn told(suite: &Output) -> String {
    [&suite.stdout[..], &suite.stderr[..]].map(String::from_utf8_lossy).concat()
}

/// How many cases passed, in the line that tells it.
fn count(line: &str) -> Option<usize> {
    line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse().ok()
}
