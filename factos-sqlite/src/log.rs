//! The file: how it is created and opened, the numbers that stand for names, and how events are found.

pub(crate) mod check;
pub(crate) mod create;
pub(crate) mod dictionary;
pub(crate) mod head;
pub(crate) mod open;
pub(crate) mod query_plan;
pub(crate) mod settings;
