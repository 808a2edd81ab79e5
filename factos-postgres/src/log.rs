//! The log.

pub(crate) mod create;
pub(crate) mod lock_check;
