//! The read models as a newcomer runs them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

fn run(arguments: &[&str]) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_read-models")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (told, errors) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{errors}\n{told}");
    assert!(told.contains("the read model equals a fold of the log: "), "{told}");
    (told, errors)
}

#[test]
fn one_is_written_with_each_append() {
    let (told, _) = run(&["inline", "--commands", "600"]);
    assert!(told.starts_with("600 commands of 8 tasks"), "{told}");
}

#[test]
fn one_follows_and_is_killed() {
    let (told, _) = run(&["following", "--kills", "3"]);
    assert!(told.contains("the follower was killed 3 times"), "{told}");
}

#[test]
fn one_goes_on_in_the_same_folder() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["following", "--kills", "1", "--folder", folder.path().to_str().unwrap()];
    let (first, _) = run(&arguments);
    assert_ne!(first, run(&arguments).0, "there is more in the log after the second time");
}

#[test]
fn one_shows_how_far_it_is() {
    let (told, shown) = run(&["catching-up", "--events", "20000"]);
    assert!(told.starts_with("20000 events in "), "{told}");
    let shown: Vec<_> = shown.lines().collect();
    assert!(shown.len() > 2 && shown.last().unwrap().starts_with("20000 of 20000, "), "{shown:?}");
    assert!(shown.iter().all(|line| line.contains(" a second, ") && line.ends_with(" s left")));
}
