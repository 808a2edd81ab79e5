//! Named consumers of a [`factos`] log, run by as many processes as there are.
//!
//! - A [`Projection`] writes a read model, in the transaction in which its position is kept: each event counts exactly once.
//! - A [`Reaction`] says which effects an event has, and an [`EffectHandler`] carries them out, outside of every transaction:
//!   at least once, under a [`DeliveryId`] by which the receiver tells a repeat.
//!
//! [`Consumers`] runs them and shows how they stand. What must not be forgotten is kept by a [`Port`](port::Port), the feature
//! `consumer` of a backend: `factos_sqlite::SqliteConsumers`, `factos_postgres::PostgresConsumers`, and
//! `factos_memory::MemoryConsumers` for tests.
//!
//! ```
//! use factos::{AppendCondition, Event, EventStore, QueryFor, Reactor, Recorded, encode};
//! use factos_consumer::{Consumers, Delivery, EffectHandler, OnError, Outcome, PartitionKey, Reaction};
//! use factos_memory::{MemoryConsumers, MemoryStore};
//!
//! #[derive(Debug, Event)]
//! enum Ticketing {
//!     Sold { #[tag] buyer: String },
//! }
//!
//! struct Tickets;
//!
//! impl Reactor for Tickets {
//!     type Event = Ticketing;
//!     type Effect = String;
//!
//!     fn react(&self, record: &Recorded<Ticketing>) -> Vec<String> {
//!         let Ticketing::Sold { buyer } = &record.event;
//!         vec![format!("a ticket for {buyer}")]
//!     }
//! }
//!
//! impl Reaction for Tickets {
//!     const NAME: &'static str = "tickets";
//!
//!     fn query(&self) -> QueryFor<Ticketing> {
//!         Ticketing::query().into()
//!     }
//!
//!     fn key(&self, record: &Recorded<Ticketing>) -> Option<PartitionKey> {
//!         let Ticketing::Sold { buyer } = &record.event;
//!         Some(PartitionKey::from(buyer.as_str()))
//!     }
//! }
//!
//! struct Printer;
//!
//! impl EffectHandler for Printer {
//!     type Effect = String;
//!
//!     async fn run(&self, delivery: Delivery<'_, String>) -> Outcome {
//!         println!("{}: {}", delivery.id, delivery.effect);
//!         Outcome::Done
//!     }
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (store, port) = (MemoryStore::new(), MemoryConsumers::new());
//! let sold = encode(&Ticketing::Sold { buyer: "ann".into() })?;
//! let sold = store.append(vec![sold], AppendCondition::None).await?[0].position;
//!
//! let consumers = Consumers::new(store, port)
//!     .react(Tickets, Printer, OnError::ParkKey)
//!     .partitions(4);
//! // A service ends it at SIGTERM. Here it is over once the ticket is printed.
//! let printed = async { consumers.wait_for("tickets", sold, std::time::Duration::from_secs(5)).await };
//! let mut outcome = Ok(());
//! consumers.run_until(async { outcome = printed.await }).await?;
//! outcome?;
//! # Ok(())
//! # }
//! ```
//!
//! # What holds
//! - **Order**: events of one [`PartitionKey`] are handled one after the other, in the order of the log, also across failures,
//!   kills, moves of a partition, and another number of partitions.
//! - **Leases** are rows with a fencing token, compared in the transaction that writes: who has lost one changes nothing.
//!   Time is that of the database.
//! - **Failures** are told: [`OnError::Stop`] ends the run with a [`RunError`] that names the event; parked events are
//!   listed with their reasons, tried again or skipped by [`ParkedEvents`].
//! - **Versions**: a higher one of a projection is built beside the live one and [promoted](Consumers::promote); a higher one
//!   of a reaction goes on where the one before it stands.
//! - **Cancellation**: see [`Consumers::run_until`].
//!
//! # Features
//! `tracing`: spans of steps and effects. `conformance`: the suite that every port passes, exempt from semantic versioning.

#[cfg(feature = "conformance")]
pub mod conformance;
mod consumer;
mod consumers;
mod effect;
mod handler;
mod options;
mod orders;
mod panic;
mod parked_events;
mod partition_key;
pub mod port;
mod progress;
mod projection;
mod run_error;
mod runner;
mod status;
mod trace;
mod why;
mod worker;

pub use consumers::{Consumers, PromoteError, WaitError};
pub use effect::{Delivery, DeliveryId, EffectHandler, InvalidDeliveryId, Outcome, Reaction};
pub use options::{Attempts, OnError, Options, Start};
pub use panic::panic_error;
pub use parked_events::ParkedEvents;
pub use partition_key::PartitionKey;
pub use projection::Projection;
pub use run_error::RunError;
pub use status::{PartitionStatus, Status};

/// The program of the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
