//! The in-memory event store of [`factos`]: fast, and the executable specification of a store.
//!
//! ```
//! use factos::{Decider, Event, decider_fn, dispatch};
//! use factos_memory::MemoryStore;
//!
//! #[derive(Debug, Event)]
//! enum Ticketing {
//!     Sold { #[tag] show: String },
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), factos::Error<&'static str>> {
//!     let store = MemoryStore::new();
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
//!     Ok(())
//! }
//! ```
//!
//! - **Isolation**: condition and append happen under one lock, so boundaries are exact.
//! - **Locking**: one short lock around the log; reads hold it only to collect a page.
//! - **Durability**: none. The log is gone with its last handle.
//! - **Cancellation**: an append is done at its first poll; a dropped future leaves all or nothing.
//! - **Limits**: only [`Limits`](factos::Limits) of the whole: memory.

#[cfg(feature = "consumer")]
mod consumer;
mod log;
mod select;
mod store;

#[cfg(feature = "consumer")]
pub use consumer::{MemoryConsumers, MemoryTransaction};
pub use store::MemoryStore;

/// The program of the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
