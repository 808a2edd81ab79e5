//! The sale as a newcomer runs it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::Path,
    process::{Command, Output},
};

fn ticket_sale(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ticket-sale"));
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    ticket_sale(arguments).output().unwrap()
}

fn text(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

/// The summary line, which must be there exactly once.
fn summary(output: &Output) -> &str {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\n{}", text(output));
    let mut lines = text(output).lines().filter(|line| line.contains(" attempts: "));
    let line = lines.next().unwrap();
    assert_eq!(lines.next(), None);
    line
}

fn store_at(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

#[test]
fn the_defaults_sell_every_seat_once_and_say_where_the_log_lies() {
    let folder = tempfile::tempdir().unwrap();
    let output = ticket_sale(&[]).env("TMPDIR", folder.path()).output().unwrap();
    assert_eq!(summary(&output), "300 attempts: 100 accepted, 200 sold out, 100 recorded");
    let log = text(&output).lines().find_map(|line| line.strip_prefix("log: ")).unwrap();
    assert!(Path::new(log).starts_with(folder.path()) && Path::new(log).is_file(), "{log}");
    for line in ["elapsed: ", "conflicts retried: "] {
        assert!(text(&output).contains(line), "{}", text(&output));
    }
}

#[test]
fn a_second_sale_on_the_same_file_is_sold_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_at(&folder.path().join("tickets.db"));
    let first = run(&["--store", &store]);
    assert_eq!(summary(&first), "300 attempts: 100 accepted, 200 sold out, 100 recorded");
    let second = run(&["--store", &store]);
    assert_eq!(summary(&second), "300 attempts: 0 accepted, 300 sold out, 100 recorded");
}

#[test]
fn memory_sells_too_and_verbose_shows_each_effect() {
    let output =
        run(&["--store", "memory", "--buyers", "30", "--seats", "7", "--concurrency", "16", "-v"]);
    assert_eq!(summary(&output), "30 attempts: 7 accepted, 23 sold out, 7 recorded");
    let mut positions: Vec<u32> = text(&output)
        .lines()
        .filter_map(|line| line.strip_prefix("ticket sold to buyer-"))
        .map(|rest| rest.split_once(" at position ").unwrap().1.parse().unwrap())
        .collect();
    positions.sort_unstable();
    assert_eq!(positions, [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn fewer_buyers_than_seats_all_get_one() {
    let output = run(&["--store", "memory", "--buyers", "5", "--seats", "9"]);
    assert_eq!(summary(&output), "5 attempts: 5 accepted, 0 sold out, 5 recorded");
}

#[test]
fn three_processes_on_one_file_sell_the_seats_together() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_at(&folder.path().join("tickets.db"));
    let children: Vec<_> = (0..3)
        .map(|_| {
            let mut command = ticket_sale(&["--store", &store, "--buyers", "100"]);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    let mut accepted = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        let words: Vec<_> = summary(&output).split(' ').collect();
        assert_eq!(words[0], "100");
        accepted += words[2].parse::<u32>().unwrap();
    }
    assert_eq!(accepted, 100);
    let output = run(&["--store", &store, "--buyers", "1"]);
    assert_eq!(summary(&output), "1 attempts: 0 accepted, 1 sold out, 100 recorded");
}

#[test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
fn three_processes_on_one_database_sell_the_seats_together() {
    let url = std::env::var("FACTOS_POSTGRES_URL").expect(
        "FACTOS_POSTGRES_URL is not set: run this test through scripts/with-postgres, \
         or set it to a database that may be filled with test schemas",
    );
    let store = format!("{url}?schema=ticket_sale_{}", std::process::id());
    let children: Vec<_> = (0..3)
        .map(|_| {
            let mut command = ticket_sale(&["--store", &store, "--buyers", "100"]);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    let mut accepted = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        let words: Vec<_> = summary(&output).split(' ').collect();
        assert_eq!(words[0], "100");
        accepted += words[2].parse::<u32>().unwrap();
    }
    assert_eq!(accepted, 100);
    let output = run(&["--store", &store, "--buyers", "1"]);
    assert_eq!(summary(&output), "1 attempts: 0 accepted, 1 sold out, 100 recorded");
}

#[test]
fn wrong_options_are_told_with_the_usage() {
    for arguments in [
        &["--store", "mysql"][..],
        &["--store", "sqlite:"],
        &["--buyers", "0"],
        &["--buyers", "many"],
        &["--seats", "1.5"],
        &["--concurrency", "0"],
        &["--sets", "5"],
    ] {
        let output = run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert!(errors.starts_with("error: ") && errors.contains("--help"), "{errors}");
        assert!(errors.contains(arguments[0]), "{errors}");
    }
}

#[test]
fn a_log_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no/tickets.db");
    let output = run(&["--store", &store_at(&missing)]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!("error: the folder of {} does not exist: create it first\n", missing.display())
    );
}
