//! Appends: a thread checks and writes them, several in one commit.

pub(crate) mod transaction;
pub(crate) mod writer;
