//! The log in its file: how it is created, checked and opened, which numbers stand for names, and where
//! the events of a query are found.

pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod create;
pub(crate) mod dictionary;
pub(crate) mod file_identity;
pub(crate) mod known_log;
pub(crate) mod last_look;
pub(crate) mod open;
pub(crate) mod position_select;
pub(crate) mod query_plan;
pub(crate) mod settings;
pub(crate) mod write_ahead_log;
