//! The test suite that every port passes.
//!
//! **Exempt from semantic versioning**: a patch release may add a case, rename one, or make one stricter.
//!
//! A backend writes a [`PortFixture`] and calls [`conformance!`](crate::conformance!), which makes one `#[test]` of each
//! case, in one module for each family. A module may call it once. If a case fails, the rule in the summary of its
//! function does not hold.
//!
//! | family | proves |
//! |---|---|
//! | [`registration`] | how versions become known, and what they are to one another |
//! | [`leases`] | who may write, and until when |
//! | [`steps`] | a step is kept whole, once, and in order |
//! | [`parked`] | what waits behind what, and what an administrator decides |
//! | [`resize`] | a change of the number of partitions keeps the order of each key |
//! | [`promote`] | the switch between versions, and what is retired |
//! | [`take_over`] | what one version has in hand is ended before the next one goes on |
//! | [`concurrency`] | what many workers write is what was accepted |
//! | [`model`] | random operations have the same results as on plain lists |
//!
//! # Time
//! No case has to end within a time: it counts as hanging if none of its calls ends within [`PortFixture::PATIENCE`],
//! which the environment variable `FACTOS_PATIENCE` multiplies. A lease that must have run out is waited for, and one
//! that must not is long.
//!
//! # Random inputs
//! A case with random inputs prints its seed when it fails; `FACTOS_CONFORMANCE_SEED` set to that repeats the inputs.
//! `FACTOS_CONFORMANCE_CASES` sets how many lists of operations the cases of [`model`] run. A variable that
//! holds anything but a number fails what would use it, as 0 lists do.
#![expect(clippy::unwrap_used, reason = "a case fails by panicking")]

mod case;
mod case_list;
mod fixture;
mod handle;
mod parallel;
mod port_calls;
mod progress;
mod random;
mod sample_values;
mod script;
mod setting;
mod tables;

pub mod concurrency;
pub mod leases;
pub mod model;
pub mod parked;
pub mod promote;
pub mod registration;
pub mod resize;
pub mod steps;
pub mod take_over;

pub use case::Case;
#[doc(hidden)]
pub use case_list::case_of;
pub use case_list::cases;
pub use fixture::PortFixture;
pub use tables::Tables;
