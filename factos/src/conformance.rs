//! The suite that every backend passes. **Exempt from semantic versioning**: a patch release may add a
//! case, rename one, or make one stricter.
//!
//! # From nothing to a green run
//! 1. A crate, and what it needs:
//!
//!    ```text
//!    cargo new --lib my-backend && cd my-backend
//!    cargo add factos --no-default-features
//!    cargo add async-trait
//!    cargo add --dev factos --features conformance
//!    cargo add --dev tempfile
//!    ```
//! 2. A type that implements the five functions of [`EventStore`](crate::EventStore). Its docs are the
//!    contract. [At the end of this page](#a-whole-backend) stands a whole store over one append-only file,
//!    which passes everything here; it may be copied and changed.
//! 3. `tests/conformance.rs`, which is a [`Fixture`] and one or two macro calls:
//!
//!    ```
//!    # mod my_backend {
//!    #     pub use factos_memory::MemoryStore as MyStore;
//!    #     pub async fn open(_: impl AsRef<std::path::Path>) -> Result<MyStore, std::io::Error> {
//!    #         Ok(MyStore::new())
//!    #     }
//!    # }
//!    use factos::conformance::{Boxed, Fixture, ProcessFixture, Shared};
//!    use my_backend::{MyStore, open};
//!    use tempfile::TempDir;
//!
//!    struct Log(TempDir);
//!
//!    impl Fixture for Log {
//!        type Store = MyStore;
//!
//!        async fn fresh() -> Self {
//!            Self(tempfile::tempdir().unwrap())
//!        }
//!
//!        async fn connect(&self) -> MyStore {
//!            open(self.0.path().join("log")).await.unwrap()
//!        }
//!    }
//!
//!    impl ProcessFixture for Log {
//!        fn address(&self) -> String {
//!            self.0.path().join("log").to_str().unwrap().to_owned()
//!        }
//!
//!        async fn reach(address: &str) -> MyStore {
//!            open(address).await.unwrap()
//!        }
//!    }
//!
//!    factos::conformance!(Log);
//!    factos::conformance_processes!(Log);
//!
//!    mod behind_an_arc {
//!        use super::*;
//!        factos::conformance!(Shared<Log>);
//!    }
//!
//!    mod in_a_box {
//!        use super::*;
//!        factos::conformance!(Boxed<Log>);
//!    }
//!    # fn main() {}
//!    ```
//! 4. `cargo test`. One family after the other: `cargo test --test conformance append::` and so on, in
//!    the order of the table below. Everything up to `revisions` can be made green with one handle and one
//!    thread.
//!
//! [`conformance!`](crate::conformance!) makes one `#[test]` per case, in one module per family. It
//! stands once in a module. Each test brings its own runtime, so that the backend's crate needs none,
//! and a case that hangs fails. A backend that several processes share also calls
//! [`conformance_processes!`](crate::conformance_processes!).
//!
//! # What a failure means
//! Each function of a family is one case, and its summary is the rule that does not hold.
//!
//! | family | proves | a failure is most often |
//! |---|---|---|
//! | [`append`] | what is written, returned and refused | a column that loses bytes; a batch that is written before all of it was checked |
//! | [`limits`] | every store accepts [`Limits::FLOOR`](crate::Limits::FLOOR) | a limit of the database on sizes or parameters |
//! | [`read`] | bounds, order, limit; one snapshot | `after` or `before` taken as inclusive; pages read from a log that grows |
//! | [`query`] | what [`Query::matches`](crate::Query::matches) says is what the store does | any tag instead of all tags; names compared with a collation |
//! | [`condition`] | when a condition holds, and what a refusal tells | `after` ignored; only the first item looked at; the batch counted against itself |
//! | [`revisions`] | revisions, and conditions on them | revisions counted from what this handle knows |
//! | [`handle`] | what handles, threads and runtimes see of one log | a cache that other handles do not invalidate; a task bound to the first runtime |
//! | [`visibility`] | a follower misses nothing while others write | positions handed out before the order of commits is fixed |
//! | [`concurrency`] | boundaries are exact under contention | the condition checked before the lock, or in a weaker isolation |
//! | [`follow`] | [`wait_past`](crate::EventStore::wait_past) wakes, and misses nothing | the head looked at before listening |
//! | [`durability`] | what was acknowledged outlives its handles | acknowledged before it is written |
//! | [`model`] | whatever is done in whatever order, a plain log comes to the same | two rules above that meet; the shortest list of operations is printed |
//! | [`process`] | the same between processes, also killed ones | a lock that only threads see; half a batch after a crash |
//!
//! # What may be declined
//! A store that lacks a capability declines its cases, each with a reason; they become
//! `#[ignore = "reason"]`, and the run prints it. Declining a case that does not exist does not compile.
//! There is one such capability: to outlive its last handle. A store without it declines [`durability`]
//! and [`model::random_reopening_agrees_with_a_plain_log`], and does not call
//! [`conformance_processes!`](crate::conformance_processes!):
//!
//! ```
//! use factos::conformance::Fixture;
//! use factos_memory::MemoryStore;
//!
//! struct Memory(MemoryStore);
//!
//! impl Fixture for Memory {
//!     type Store = MemoryStore;
//!     const MODEL_CASES: u32 = 2_000;
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
//! # fn main() {}
//! ```
//!
//! Whatever else is declined is a rule that the store does not keep, and its docs must say so.
//!
//! # Generated cases
//! Some cases use random inputs. When one fails, it prints its seed; the environment variable
//! `FACTOS_CONFORMANCE_SEED` set to that number repeats it, as far as threads allow.
//! `FACTOS_CONFORMANCE_CASES` is how many lists of operations each case of [`model`] plays.
//!
//! # What the suite does not prove
//! - That an acknowledged append survives a power cut: a killed process leaves the operating system
//!   with what it wrote.
//! - That a long read holds bounded memory: what is bounded depends on the backend, which tests it.
//!
//! # A whole backend
//! `cargo test --test file_store` runs everything above on it. Besides `factos` and `async-trait` it needs
//! `serde`, `serde_json` and `tokio`, the last with its feature `time`.
//!
#![doc = concat!("```\n", include_str!("../tests/file_store/store.rs"), "# fn main() {}\n```")]
#![expect(clippy::unwrap_used, reason = "a case fails by panicking")]

mod case;
mod case_list;
mod fixture;
mod pages;
mod parallel;
mod random;
mod sample_values;
mod store_calls;

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
pub mod revisions;
pub mod visibility;

pub use case::Case;
pub use case_list::cases;
pub use fixture::{Boxed, Fixture, ProcessFixture, Shared};
pub use process::{process_cases, work};
