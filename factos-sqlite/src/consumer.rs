//! Consumers whose state is in the file of a log.

mod clock;
#[cfg(test)]
mod cost;
mod division;
mod error;
mod lease;
mod parked;
mod port;
mod row;
mod schema;
mod step;
mod succession;
mod tables;
mod work;

pub use port::SqliteConsumers;
