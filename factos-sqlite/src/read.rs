//! Reads: threads read pages of one snapshot.

pub(crate) mod pages;
pub(crate) mod reader;
pub(crate) mod threads;
