//! What the consumers of `factos-consumer` must not forget, in tables of the application's.
//!
//! **Rows are locked in one order**, so that calls wait for one another in no circle: the versions of a name by number,
//! then partitions by name, version and number, then parked events, then processes. Parked events are changed by who has
//! their partition locked. Whoever leases a partition or decides on parked events shares the row of the version; a step
//! locks no version, and a beat waits for no partition.

mod beat;
mod condition;
mod decision;
mod division;
mod guard;
mod key_order;
mod lease;
mod literal;
mod migration;
mod parked;
mod port;
mod readiness;
mod register;
mod resize;
mod row;
mod session;
mod statement;
mod step;
mod steps;
mod succession;
mod tables;
mod versions;

pub use port::PostgresConsumers;
