//! Runs of consumers, on the log and the port in memory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod effects;
mod leases;
mod projections;
mod rebuild;
mod shop;
#[cfg(feature = "tracing")]
mod tracing;
