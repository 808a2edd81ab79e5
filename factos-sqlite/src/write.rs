//! Transactions of a caller's on the thread that writes: appends, reads, and SQL of its own.

pub(crate) mod at_once;
pub(crate) mod job;
pub(crate) mod transaction;
pub(crate) mod write_error;
