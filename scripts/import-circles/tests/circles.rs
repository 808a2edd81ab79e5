//! Circles that were made on purpose are found, and what is no circle is not.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, process::Command};

/// Whether the check passes on a crate of these files, and what it prints.
fn check(files: &[(&str, &str)]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let root = folder.path().join("lib.rs");
    let output = Command::new(env!("CARGO_BIN_EXE_import-circles")).arg(root).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn assert_circle(files: &[(&str, &str)], told: &[&str]) {
    let (passes, text) = check(files);
    assert!(!passes, "{text}");
    for told in told {
        assert!(text.contains(told), "{told} is not in:\n{text}");
    }
}

fn assert_no_circle(files: &[(&str, &str)]) {
    let (passes, text) = check(files);
    assert!(passes, "{text}");
}

#[test]
fn two_files_that_import_one_another_are_found() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::B;\npub struct A(B);"),
        ("b.rs", "pub struct B;\nuse crate::{a::{self, A}};"),
    ];
    assert_circle(&files, &["files import one another", "a.rs:1 imports", "b.rs:2 imports"]);
}

#[test]
fn a_longer_circle_is_found() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod free;"),
        ("a.rs", "pub use crate::b::B;"),
        ("b.rs", "pub struct B; fn f() { crate::c::f() }"),
        ("c.rs", "pub fn f() -> super::a::A { loop {} }"),
        ("free.rs", "use crate::a::A;"),
    ];
    assert_circle(&files, &["a.rs:1", "b.rs:1", "c.rs:1"]);
    assert!(!check(&files).1.contains("free.rs:1 imports"));
}

#[test]
fn a_child_and_its_parent_that_import_one_another_are_found() {
    let parent = "mod child; pub struct Own; fn f() { child::g() }";
    let files = [("lib.rs", "mod a;"), ("a.rs", parent), ("a/child.rs", "use super::*;")];
    assert_circle(&files, &["a.rs:1", "child.rs:1"]);
}

#[test]
fn the_root_counts_as_a_file() {
    let files = [("lib.rs", "mod a; pub use a::A;"), ("a.rs", "pub struct A; use crate::A as B;")];
    assert_circle(&files, &["lib.rs:1", "a.rs:1"]);
}

#[test]
fn rooms_that_import_one_another_are_found() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "mod one; mod two;"),
        ("a/one.rs", "use crate::b::one::B;"),
        ("a/two.rs", "pub struct A;"),
        ("b.rs", "pub mod one; mod two;"),
        ("b/one.rs", "pub struct B;"),
        ("b/two.rs", "use crate::a::two::A;"),
    ];
    assert_circle(&files, &["rooms import one another"]);
    assert!(!check(&files).1.contains("files import one another"));
}

#[test]
fn what_goes_one_way_or_is_tested_within_a_file_is_no_circle() {
    let tested = "pub struct A; #[cfg(test)] mod tests { use crate::b::B; use super::*; }";
    let files = [
        ("lib.rs", "mod a; mod b; mod inline { pub struct C; } pub use a::A;"),
        ("a.rs", tested),
        ("b.rs", "use crate::{a::A, inline::C}; use std::fmt; pub(super) struct B;"),
    ];
    assert_no_circle(&files);
}
