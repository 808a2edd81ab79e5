//! Failovers of a real cluster: Patroni, etcd, HAProxy and PgBouncer, as scripts/with-cluster starts them.
//!
//! Left out of `cargo test`; scripts/failovers runs it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "cluster/asynchronous.rs"]
mod asynchronous;
#[path = "cluster/audit.rs"]
mod audit;
#[path = "cluster/boundaries.rs"]
mod boundaries;
#[path = "cluster/dispatching.rs"]
mod dispatching;
#[path = "cluster/fault.rs"]
mod fault;
#[path = "cluster/followers.rs"]
mod followers;
#[path = "cluster/ledger.rs"]
mod ledger;
#[path = "cluster/nodes.rs"]
mod nodes;
#[path = "cluster/patience.rs"]
mod patience;
#[path = "cluster/projection.rs"]
mod projection;
#[path = "cluster/pulse.rs"]
mod pulse;
#[path = "cluster/raw_appends.rs"]
mod raw_appends;
#[path = "cluster/replicas.rs"]
mod replicas;
#[path = "cluster/stray.rs"]
mod stray;
#[path = "cluster/synchronous.rs"]
mod synchronous;
#[path = "cluster/world.rs"]
mod world;
