//! Runs of consumers, on the log and the port in memory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod counting;
mod effects;
mod leases;
mod many_parked;
mod projections;
mod rebuild;
mod shop;
mod start;
#[cfg(feature = "tracing")]
mod tracing;
mod unreadable;
