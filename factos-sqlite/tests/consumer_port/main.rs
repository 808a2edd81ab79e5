//! Consumers in the file of a log: the suite of ports, and what is particular here.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod clock;
mod crash;
mod file;
mod tables;
mod work;

#[path = "../support/mod.rs"]
mod support;

factos_consumer::conformance!(file::File);
