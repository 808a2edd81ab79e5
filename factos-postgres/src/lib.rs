//! The event store of [`factos`] on a PostgreSQL server, for many processes.
//!
//! People see the events of a log at a SQL prompt with `SELECT * FROM factos.event_view`, where `factos` is the
//! log's schema. JSON in a payload is read with `payload::jsonb ->> 'seat'`.

mod append;
mod config;
mod connection;
mod contention;
mod deadline;
mod durability;
mod error;
mod grants;
mod lock_names;
mod log;
mod mode;
mod pace;
mod poll;
mod read;
mod sql;
mod store;
mod wire;
mod work_queue;

pub use config::{Config, InvalidSchemaName};
pub use durability::Durability;
pub use error::Error;
pub use mode::Mode;
pub use sqlx;
pub use store::PostgresStore;
