//! The test suite that every backend passes.
//!
//! **Exempt from semantic versioning**: a patch release may add a case, rename one, or make one stricter.
//!
//! # From nothing to a green run
//! 1. Make a crate, and add what it needs:
//!
//!    ```text
//!    cargo new --lib my-backend && cd my-backend
//!    cargo add factos --no-default-features --features backend
//!    cargo add async-trait
//!    cargo add --dev factos --features conformance
//!    cargo add --dev tempfile
//!    ```
//! 2. Write a type that implements the six functions of [`EventStore`](crate::EventStore) that have no default. The docs of
//!    that trait are the contract. [At the end of this page](#a-whole-backend) is a whole store over one
//!    append-only file, which passes every case; you may copy it and change it.
//! 3. Write `tests/conformance.rs`, which is a [`Fixture`] and one or two macro calls:
//!
//!    ```
//!    # mod my_backend {
//!    #     pub use factos_memory::MemoryStore as MyStore;
//!    #     pub async fn open(_: impl AsRef<std::path::Path>) -> Result<MyStore, std::io::Error> {
//!    #         Ok(MyStore::new())
//!    #     }
//!    # }
//!    use factos::conformance::{Fixture, ProcessFixture};
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
//!    # fn main() {}
//!    ```
//!
//!    A store that wraps yours, or yours with a hook, is another store: give it a fixture and a module in which
//!    the macro is called again. `Arc` and `Box` are wrappers of `factos`, which passes the suite through them.
//! 4. Run `cargo test`. It is easiest to make one family pass after the other, in the order of the table
//!    below: `cargo test --test conformance append::` and so on. The families up to `revisions` call the
//!    store from one task at a time, and mostly through one handle.
//!
//! [`conformance!`](crate::conformance!) makes one `#[test]` of each case, in one module for each family.
//! A module may call it once. Each test starts its own runtime, so that the crate of the backend needs
//! none, and a case that hangs fails. Every backend whose log outlives its process also calls
//! [`conformance_processes!`](crate::conformance_processes!).
//!
//! # What a failure means
//! Each function of a family is one case. If the case fails, the rule in the summary of the function does
//! not hold.
//!
//! | family | proves | a failure is most often |
//! |---|---|---|
//! | [`append`] | what is written, returned and refused | a column loses bytes; a batch is written before all of it was checked |
//! | [`limits`] | everything up to [`Limits::FLOOR`](crate::Limits::FLOOR) is accepted | a limit of the database on sizes or parameters |
//! | [`read`] | bounds, order, limit; one snapshot | `after` or `before` is taken as inclusive; later pages show events that were appended after the read began |
//! | [`query`] | the store selects the events for which [`Query::matches`](crate::Query::matches) is true | one tag of an item is enough, instead of all; names are compared with a collation |
//! | [`condition`] | when a condition holds, and what a refusal tells | `after` is ignored; only the first item is checked; the batch breaks its own condition |
//! | [`revisions`] | revisions of streams, and conditions on them | revisions are counted from what this handle knows, not from the log |
//! | [`handle`] | what handles, threads and runtimes see of one log | a cache is not invalidated by other handles; a task is bound to the first runtime |
//! | [`visibility`] | a follower misses nothing while others write | positions are given out before the order of commits is fixed |
//! | [`concurrency`] | boundaries are exact under contention | the condition is checked before the lock is taken, or in a weaker isolation level |
//! | [`absence`] | when two conditions hold at once: that something never existed, and a guard | the event that must not exist is looked for after the position of the guard only |
//! | [`follow`] | [`wait_past`](crate::EventStore::wait_past) wakes, and misses nothing | the head is looked at before the waiter has subscribed |
//! | [`subscription`] | [`subscribe`](crate::EventStoreExt::subscribe) gives out every event once, and says how far it is complete | `observed` is told of another moment than the records |
//! | [`faults`] | what is told and left behind when the engine fails | an error in the middle of a read is taken for its end; a statement that fails leaves the batch half written |
//! | [`durability`] | what was acknowledged was flushed, and outlives the handles of the log | an append is acknowledged before it is written, or before it is flushed |
//! | [`model`] | any list of operations has the same results as on a plain list of events | an interaction of two rules above; the shortest list of operations that fails is printed |
//! | [`process`] | boundaries between processes, and a log whose writers are killed | a lock that only threads of one process see; half a batch after a crash |
//!
//! # What may be declined
//! Each capability that a store may lack is declined by itself, with a reason. The tests of the cases that need it, and
//! no others, become `#[ignore = "reason"]`, and a run prints the reason. Declining what does not exist does not
//! compile.
//!
//! | capability | is declined in | by a store |
//! |---|---|---|
//! | `reopening` | [`conformance!`](crate::conformance!) | whose log is gone with its last handle; **its docs must say so** |
//! | `several_handles` | [`conformance!`](crate::conformance!) | that opens a log once at a time |
//! | `several_processes` | [`conformance_processes!`](crate::conformance_processes!) | whose log one process at a time can open |
//! | `killed_processes` | [`conformance_processes!`](crate::conformance_processes!) | that may lose what it acknowledged, or not open again, if its process is killed; **its docs must say so** |
//!
//! [`Case::needs`] tells which capability a case needs. A store may decline a single case as well, as
//! `family::case`. Then its docs must say that it does not keep that rule, or the reason says where the case is run.
//!
//! ## A store whose log is gone with its last handle
//! It declines `reopening`, does not call [`conformance_processes!`](crate::conformance_processes!), and its fixture
//! keeps the log alive: [`connect`](Fixture::connect) returns a clone of the one handle.
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
//! factos::conformance!(Memory, decline { reopening: "memory is gone with its last handle" });
//! # fn main() {}
//! ```
//!
//! ## A durable store of one process
//! Where `several_handles` is declined, the suite calls [`connect`](Fixture::connect) only while no handle is open, and
//! the cases share what it returned ([`OneHandle`]). So the fixture opens the log as usual, and keeps no handle itself:
//! reopening the log must open it. All other cases run, those of many tasks at once included. So does the case that
//! kills processes, for the log is open in one process at a time there.
//!
//! ```
//! # mod my_backend {
//! #     pub use factos_memory::MemoryStore as MyStore;
//! #     pub async fn open(_: impl AsRef<std::path::Path>) -> Result<MyStore, std::io::Error> {
//! #         Ok(MyStore::new())
//! #     }
//! # }
//! # use factos::conformance::{Fixture, ProcessFixture};
//! # use my_backend::{MyStore, open};
//! # use tempfile::TempDir;
//! # struct Log(TempDir);
//! # impl Fixture for Log {
//! #     type Store = MyStore;
//! #     async fn fresh() -> Self {
//! #         Self(tempfile::tempdir().unwrap())
//! #     }
//! #     async fn connect(&self) -> MyStore {
//! #         open(self.0.path().join("log")).await.unwrap()
//! #     }
//! # }
//! # impl ProcessFixture for Log {
//! #     fn address(&self) -> String {
//! #         self.0.path().join("log").to_str().unwrap().to_owned()
//! #     }
//! #     async fn reach(address: &str) -> MyStore {
//! #         open(address).await.unwrap()
//! #     }
//! # }
//! factos::conformance!(Log, decline { several_handles: "the engine locks its file" });
//! factos::conformance_processes!(Log, decline { several_processes: "the engine locks its file" });
//! # fn main() {}
//! ```
//!
//! If such a store closes its log in the background, `connect` and [`reach`](ProcessFixture::reach) wait until it has.
//! A lock of the kind of `flock` must be unlocked, and not only its file closed: while the test binary starts a process,
//! that has a copy of each file.
//!
//! # Flushes are counted
//! A store that leaves out `fsync` passes every other case: what a process wrote outlives it. So a fixture counts the
//! flushes of its log ([`Fixture::flushes`]), and two cases of [`durability`] see one for every append. A counter
//! around the call in the store is easily made; one outside of the store believes it nothing. `factos-sqlite` puts a
//! library before that of the system (`tests/flushes.rs`), and `factos-postgres` asks the server how far its
//! write-ahead log has been flushed. A fixture that cannot count is told in the output of the run: `not tested:
//! flushes, the fixture cannot count them`.
//!
//! # Random inputs
//! Some cases use random inputs. When such a case fails, it prints its seed. To repeat it, set the
//! environment variable `FACTOS_CONFORMANCE_SEED` to that number: the inputs are then the same, though the
//! threads may run in another order. `FACTOS_CONFORMANCE_CASES` sets how many lists of operations each case
//! of [`model`] runs. A variable of the suite that holds anything but a number fails what would use it,
//! as 0 lists do.
//!
//! # Faults and limits
//! A fixture may cause faults of the engine in its log ([`Fixture::inject`]) and tell the store's own limits
//! ([`Fixture::LIMITS`]). Without that the cases of [`faults`], and those of [`limits`] beyond the floor, pass with a
//! line `not tested: ...` in their output, which `cargo test -- --nocapture` shows: a backend that can have such
//! faults should cause them.
//!
//! # A busy machine
//! No case has to end within a time. A case counts as hanging if a call of the store does not end within
//! [`Fixture::PATIENCE`], or if no call ends for so long; what must not wait has [`Fixture::SOON`] from the last
//! call that ended. The environment variable `FACTOS_PATIENCE` multiplies both: `FACTOS_PATIENCE=10` for a machine
//! that does ten times as much as it can.
//!
//! # What the suite does not prove
//! - That an acknowledged append survives a power cut: after a process is killed, the operating system still
//!   has what the process wrote. What the suite proves is that the log was flushed before an append returned, if
//!   the fixture can count flushes ([`Fixture::flushes`]); not what was flushed, nor what the medium does.
//! - That a long read holds bounded memory: the bound depends on the backend, which tests it itself.
//!
//! # A whole backend
//! This store passes every case, as `cargo test --test file_store` shows in the repository of `factos`.
//! Besides `factos` with its feature `backend`, whose parts it is made of, and `async-trait` it needs `serde`
//! and `serde_json`.
//!
#![doc = concat!("```\n", include_str!("../tests/file_store/store.rs"), "# fn main() {}\n```")]
#![expect(clippy::unwrap_used, reason = "a case fails by panicking")]

mod any_log;
mod case;
mod case_list;
mod difference;
mod fixture;
mod guarded;
mod not_tested;
mod one_handle;
mod pages;
mod parallel;
mod progress;
mod random;
mod sample_values;
mod setting;
mod store_calls;
mod watched;

pub mod absence;
pub mod append;
pub mod concurrency;
pub mod condition;
pub mod durability;
pub mod faults;
pub mod follow;
pub mod handle;
pub mod limits;
pub mod model;
pub mod process;
pub mod query;
pub mod read;
pub mod revisions;
pub mod subscription;
pub mod visibility;

pub use case::Case;
#[doc(hidden)]
pub use case_list::case_of;
pub use case_list::cases;
#[doc(hidden)]
pub use fixture::Settings;
pub use fixture::{Boxed, FAULTY, Fault, Fixture, ProcessFixture, Shared};
pub use guarded::Guarded;
pub use one_handle::OneHandle;
pub use process::{process_cases, work};
pub use subscription::{Follower, Subscribe, Subscriber, Word, subscriber_cases};
