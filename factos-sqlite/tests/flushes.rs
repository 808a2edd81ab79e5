//! An append is acknowledged after a flush. The flushes are counted outside of the store: this binary runs its cases in
//! a process where a small library stands before the system's `fsync` and `fdatasync`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env,
    fs::{File, metadata},
    path::Path,
    process::{Command, Output},
};

use factos::conformance::{Case, Fixture, durability};
use factos_sqlite::{Config, Durability, SqliteStore};
use tempfile::TempDir;

/// A log in a folder with a file that has a byte for each flush.
struct Counted<const FULL: bool>(TempDir);

impl<const FULL: bool> Fixture for Counted<FULL> {
    type Store = SqliteStore;

    async fn fresh() -> Self {
        let folder = tempfile::tempdir().unwrap();
        File::create(folder.path().join("flushes")).unwrap();
        Self(folder)
    }

    async fn connect(&self) -> SqliteStore {
        let durability = if FULL { Durability::Full } else { Durability::LoseLatestOnPowerCut };
        let config = Config::new(self.0.path().join("log.db")).durability(durability);
        config.open().await.unwrap()
    }

    async fn flushes(&self) -> Option<u64> {
        Some(metadata(self.0.path().join("flushes")).unwrap().len())
    }
}

fn cases<const FULL: bool>() -> [Case; 2] {
    [
        Case::new(
            "one after the other",
            durability::an_acknowledged_append_was_flushed::<Counted<FULL>>,
        ),
        Case::new("at once", durability::appends_at_once_were_flushed::<Counted<FULL>>),
    ]
}

#[test]
#[ignore = "a process of acknowledged_appends_were_flushed"]
fn flushed_cases() {
    cases::<true>().iter().for_each(Case::run);
}

#[test]
#[ignore = "a process of appends_that_a_power_cut_may_lose_were_not"]
fn unflushed_cases() {
    let passed: Vec<_> =
        cases::<false>().into_iter().filter(|case| case.verdict().is_ok()).collect();
    assert!(passed.is_empty(), "flushes are counted that there are not: {passed:?}");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "not tested: flushes are counted on Linux only")]
fn acknowledged_appends_were_flushed() {
    counted("flushed_cases");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "not tested: flushes are counted on Linux only")]
fn appends_that_a_power_cut_may_lose_were_not() {
    counted("unflushed_cases");
}

/// Runs an ignored test in a process whose flushes are counted.
fn counted(test: &str) {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("counter.so");
    build(&library);
    let mut run = Command::new(env::current_exe().unwrap());
    run.args(["--exact", test, "--ignored"]).env("LD_PRELOAD", &library);
    let output = succeeds(&mut run);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("test result: ok. 1 passed"), "{told}");
}

fn build(library: &Path) {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/flushes/counter.c");
    succeeds(Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(library).arg(source));
}

fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?}: {told}{printed}");
    output
}
