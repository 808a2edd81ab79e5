//! Consumers whose state is in memory.

mod data;
mod port;
mod resize;
mod succession;
mod transaction;

pub use port::MemoryConsumers;
pub use transaction::MemoryTransaction;
