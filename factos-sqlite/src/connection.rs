//! Connections to SQLite: how one is opened, and how it waits for a lock.

pub(crate) mod connect;
pub(crate) mod guard;
pub(crate) mod lock_wait;
