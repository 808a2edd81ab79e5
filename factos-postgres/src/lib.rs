//! The event store of [`factos`] on a PostgreSQL server, for many processes.

mod append;
mod config;
mod connections;
mod error;
mod follow;
mod gate;
mod group;
mod names;
mod pages;
mod probe;
mod read;
mod read_many;
mod read_queue;
mod row;
mod schema;
mod sql;
mod store;
mod wire;
mod workers;
mod writer;

pub use config::{Config, InvalidSchemaName, Mode};
pub use error::Error;
pub use sqlx;
pub use store::PostgresStore;
