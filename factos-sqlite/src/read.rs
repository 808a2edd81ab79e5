//! Reads: threads read pages of one snapshot, and ahead of their use.

pub(crate) mod pages;
pub(crate) mod reader;
pub(crate) mod selection;
pub(crate) mod shared;
pub(crate) mod threads;
