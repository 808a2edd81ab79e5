//! The log in a schema: how it is created, checked and opened, and what is known of it while it is open. Knows
//! nothing of appends and reads.

mod check;
mod create;
mod event_view;
mod functions;
mod incarnation;
mod lock_check;
mod open;
mod requirements;
mod server;
mod transaction;
mod verification;

pub(crate) use open::Log;
