//! The event store of [`factos`] on a PostgreSQL server, for many processes.
//!
//! ```no_run
//! use factos::{Decider, Event, decider_fn, dispatch};
//! use factos_postgres::{Config, PostgresStore};
//!
//! #[derive(Debug, Event)]
//! enum Ticketing {
//!     Sold { #[tag] show: String },
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), factos::Error<&'static str>> {
//!     let url = "postgres://app@localhost/shop";
//!     let store: PostgresStore = Config::new().create(true).connect(url).await?;
//!     let office = decider_fn(
//!         || 0,
//!         |sold, _: &Ticketing| sold + 1,
//!         |sold, show: &String| {
//!             if *sold >= 100 { return Err("sold out") }
//!             Ok(vec![Ticketing::Sold { show: show.clone() }])
//!         },
//!     )
//!     .with_context(|show: &String| Ticketing::query().show(show).into());
//!
//!     let done = dispatch(&store, &office).run(&"rust-conf".to_owned()).await?;
//!     println!("sold ticket {} at position {}", done.state, done.records[0].position);
//!     Ok(())
//! }
//! ```
//!
//! [`Config::open`] shares a pool of the application. [`PostgresStore::append_in`] appends within the
//! application's own transaction. [`PostgresStore::with_hook`] runs a function of the application's in the
//! transaction of each append.
//!
//! People see the events of a log at a SQL prompt with `SELECT * FROM factos.event_view`, where `factos` is the
//! log's schema. JSON in a payload is read with `payload::jsonb ->> 'seat'`.

mod append;
mod checkpoint;
mod config;
mod connection;
#[cfg(feature = "consumer")]
mod consumer;
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

pub use append::HookFuture;
pub use checkpoint::{Checkpoint, CheckpointTable};
pub use config::{Config, InvalidSchemaName};
#[cfg(feature = "consumer")]
pub use consumer::PostgresConsumers;
pub use durability::Durability;
pub use error::Error;
pub use mode::Mode;
pub use sqlx;
pub use store::PostgresStore;

/// The program of the README, compiled as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
