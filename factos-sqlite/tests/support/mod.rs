//! What the tests of this crate share: events, and child processes that run the test binary again.

#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use factos::{AppendCondition, EventType, NewEvent, Query, QueryItem, StoreError, Tag};
use rusqlite::Connection;

pub(crate) const SOLD: EventType = EventType::from_static("TicketSold");

pub(crate) fn sold(show: &str) -> NewEvent {
    let mut event = NewEvent::new(SOLD, "{}");
    event.tags.insert(&show_tag(show));
    event
}

pub(crate) fn show_tag(show: &str) -> Tag {
    Tag::new("show", show).unwrap()
}

pub(crate) fn of_show(show: &str) -> Query {
    Query::item(QueryItem::with_tag(show_tag(show)))
}

pub(crate) fn unless_sold(show: &str) -> AppendCondition {
    AppendCondition::fail_if_events_match(of_show(show))
}

/// Whether SQLite finds nothing wrong with a file.
pub(crate) fn is_whole(path: &Path) -> bool {
    let connection = Connection::open(path).unwrap();
    let told: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    told == "ok"
}

/// The error of this backend within.
pub(crate) fn cause(error: &StoreError) -> &factos_sqlite::Error {
    error.downcast_ref().unwrap()
}

const LOG: &str = "FACTOS_TEST_LOG";
const ARGUMENT: &str = "FACTOS_TEST_ARGUMENT";

/// The ignored test `name` of this binary, to be run as a process of its own on the log at `path`.
pub(crate) fn child(name: &str, path: &Path, argument: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(child_arguments(name));
    with_environment(&mut command, path, argument);
    command
}

/// The same child, started by a shell that runs `before` first.
pub(crate) fn child_after(before: &str, name: &str, path: &Path, argument: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{before} && exec \"$0\" \"$@\"")]);
    command.arg(env::current_exe().unwrap()).args(child_arguments(name));
    with_environment(&mut command, path, argument);
    command
}

fn child_arguments(name: &str) -> [&str; 5] {
    ["--exact", name, "--ignored", "--nocapture", "--test-threads=1"]
}

fn with_environment(command: &mut Command, path: &Path, argument: &str) {
    command.env(LOG, path).env(ARGUMENT, argument);
    command.stdout(Stdio::piped()).stderr(Stdio::inherit());
}

/// In a child: the path of the log, and the argument.
pub(crate) fn task() -> (PathBuf, String) {
    let log = env::var_os(LOG).expect("this test is run by another one, as a process of its own");
    (log.into(), env::var(ARGUMENT).unwrap())
}

/// The lines of a child's output that begin with `prefix`, without it.
pub(crate) fn lines<'a>(output: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    // The test harness may print before a line without ending its own.
    output.lines().filter_map(move |line| line.split_once(prefix).map(|(_, rest)| rest))
}
