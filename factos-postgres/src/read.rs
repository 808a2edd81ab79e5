//! Reading.

pub(crate) mod grouped;
pub(crate) mod pages;
pub(crate) mod queue;
pub(crate) mod reader;
