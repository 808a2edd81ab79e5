//! The embedded, durable event store of [`factos`], in one SQLite file.
//!
//! ```
//! use factos::{Decider, Event, decider_fn, dispatch};
//! use factos_sqlite::SqliteStore;
//!
//! #[derive(Debug, Event)]
//! enum Ticketing {
//!     Sold { #[tag] show: String },
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), factos::Error<&'static str>> {
//! #   let folder = tempfile::tempdir().expect("a folder");
//! #   let path = folder.path().join("tickets.db");
//!     let store = SqliteStore::open(&path).await?;
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
//!     assert_eq!(done.state, 1);
//!     store.close().await?;
//!     Ok(())
//! }
//! ```
//!
//! - **Isolation**: one writer at a time, also across processes; a condition is checked in the transaction
//!   that appends. A read is one snapshot, up to the head that it began with.
//! - **Locking**: one thread writes. Appends that wait at the same time share one commit (group commit),
//!   each with its own verdict. The store waits for a lock of another process up to
//!   [`Config::busy_timeout`], then the answer is [`Error::Locked`], of the kind `Busy`. Reads do not wait
//!   for appends.
//! - **Durability**: an append returns once the write-ahead log was flushed; see [`Durability`] for less.
//!   If the commit itself fails, the answer is of the kind `OutcomeUnknown`: append the batch again with
//!   the same ids.
//! - **Cancellation**: an append whose future is dropped is written as a whole or not at all. It is not
//!   written if it was still in the writer's queue.
//! - **The append's own transaction**: [`SqliteStore::write`] runs SQL and appends of the application's together, and
//!   commands in it ([`TransactionalStore`](factos::TransactionalStore)); [`SqliteStore::with_hook`] runs a function
//!   with each append. Both hold the lock that all writers wait for, and are to be short. They use [`rusqlite`] as this
//!   crate exports it: any version from 0.39 to 0.43, by the application's lock file.
//! - **Positions** are dense: no gaps.
//! - **The same log**: every call compares what stands at the path, and the last event that the handle was told
//!   of; a file that was swapped, removed or restored is an error, and nothing is written to it.
//! - **Limits**: [`SqliteStore::LIMITS`]. WAL needs shared memory, so no network file systems.
//! - **Runtimes**: any; the store has threads of its own.
//!
//! How it is built: `docs/design.md` in the repository. People can read the file too, with
//! `SELECT * FROM event_view`. JSON in a payload is read with `json_extract(payload, '$.seat')`.

mod append;
mod checkpoint;
mod config;
mod connection;
#[cfg(feature = "consumer")]
mod consumer;
mod durability;
mod error;
mod files;
mod log;
mod read;
mod store;
mod wire;
mod write;

pub use checkpoint::{Checkpoint, CheckpointTable};
pub use config::Config;
#[cfg(feature = "consumer")]
pub use consumer::SqliteConsumers;
pub use durability::Durability;
pub use error::Error;
/// The driver, in the version that the lock file has, 0.39 to 0.43: only one can be in a program, as only one may link
/// SQLite. What differs between these versions is not hidden.
pub use rusqlite;
pub use store::SqliteStore;
pub use write::{at_once::at_once, transaction::WriteTransaction, write_error::WriteError};

/// The program of the README, compiled as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
