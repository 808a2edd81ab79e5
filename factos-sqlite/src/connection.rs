//! Connections to SQLite.

pub(crate) mod lock_wait;
