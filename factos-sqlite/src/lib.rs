//! The embedded, durable event store of [`factos`], on SQLite.

mod append;
mod arms;
mod busy;
mod config;
mod error;
mod follow;
mod pages;
mod pool;
mod queue;
mod read;
mod row;
mod schema;
mod store;
mod terms;
mod writer;

pub use config::{Config, Durability};
pub use error::Error;
pub use store::SqliteStore;
