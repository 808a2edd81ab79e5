//! Appends: one thread checks and writes them, several in one commit.

pub(crate) mod batch;
mod checkpointer;
pub(crate) mod group;
pub(crate) mod hook;
pub(crate) mod lent;
pub(crate) mod line;
mod page_cache;
pub(crate) mod transaction;
pub(crate) mod triggers;
pub(crate) mod writer;
