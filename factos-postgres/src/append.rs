//! Appending.

pub(crate) mod group;
pub(crate) mod statement;
pub(crate) mod writer;
