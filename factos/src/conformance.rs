//! The suite that every backend passes. **Exempt from semantic versioning**: a patch release may add a
//! case, rename one, or make one stricter.
//!
//! A backend's whole test file is a [`Fixture`] and one macro call:
//!
//! ```
//! use factos::conformance::{Boxed, Fixture, Shared};
//! use factos_memory::MemoryStore;
//!
//! struct Memory(MemoryStore);
//!
//! impl Fixture for Memory {
//!     type Store = MemoryStore;
//!
//!     async fn fresh() -> Self {
//!         Self(MemoryStore::new())
//!     }
//!
//!     async fn connect(&self) -> MemoryStore {
//!         self.0.clone()
//!     }
//! }
//!
//! factos::conformance!(Memory, decline {
//!     durability::reopening_finds_every_acknowledged_event: "memory is gone with its last handle",
//! });
//!
//! mod behind_an_arc {
//!     use super::*;
//!     factos::conformance!(Shared<Memory>);
//! }
//! # fn main() {}
//! ```
//!
//! The macro makes one `#[test]` per case, in one module per family: `append`, `read` and so on. It
//! stands once in a module. Each test brings its own runtime, so that the backend's crate needs none,
//! and a case that hangs fails. A declined case becomes `#[ignore = "reason"]`; declining a case that
//! does not exist does not compile.
//!
//! # What each family proves
//! Each function of a family is one case, and its summary is the rule.
//! - [`append`]: what is written, returned and refused; all or nothing.
//! - [`limits`]: every store accepts [`Limits::FLOOR`](crate::Limits::FLOOR).
//! - [`read`]: bounds, order and limit; one snapshot, however long the read is.
//! - [`query`]: what [`Query::matches`](crate::Query::matches) says is what the store does.
//! - [`condition`]: when a condition holds, and what a refusal tells.
//! - [`stream`]: revisions, and conditions on them.
//! - [`handle`]: what several handles, threads and runtimes see of one log.
//! - [`visibility`]: a follower misses nothing while others write.
//! - [`concurrency`]: boundaries are exact under contention.
//! - [`follow`]: [`wait_past`](crate::EventStore::wait_past) wakes, and misses nothing.
//! - [`durability`]: what was acknowledged outlives its handles.
//!
//! # Generated cases
//! Some cases roll dice. When one fails, it prints its seed; the environment variable
//! `FACTOS_CONFORMANCE_SEED` set to that number repeats it.

#![expect(clippy::unwrap_used, reason = "a case fails by panicking")]

mod case;
mod crowd;
mod dice;
mod fixture;
mod list;
mod sample;
mod step;

pub mod append;
pub mod concurrency;
pub mod condition;
pub mod durability;
pub mod follow;
pub mod handle;
pub mod limits;
pub mod model;
pub mod process;
pub mod query;
pub mod read;
pub mod stream;
pub mod visibility;

pub use case::{Case, cases};
pub use fixture::{Boxed, Fixture, Shared};
pub use process::{ProcessFixture, process_cases, work};
