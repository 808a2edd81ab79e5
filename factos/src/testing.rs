//! Tools for the tests of an application: scenarios of deciders, round trips of events, snapshots of schemas.
//!
//! None of them needs a store.
//!
//! ```
//! use factos::{Decider, Event, QueryFor, testing::scenario};
//!
//! #[derive(Debug, PartialEq, Event)]
//! enum Ticketing {
//!     TicketSold { #[tag] show: String },
//! }
//!
//! struct BoxOffice { seats: u32 }
//!
//! #[derive(Debug, PartialEq)]
//! struct SoldOut;
//!
//! impl Decider for BoxOffice {
//!     type Command = String;
//!     type Event = Ticketing;
//!     type State = u32;
//!     type Error = SoldOut;
//!
//!     fn initial(&self) -> u32 { 0 }
//!     fn evolve(&self, sold: u32, _: &Ticketing) -> u32 { sold + 1 }
//!     fn decide(&self, sold: &u32, show: &String) -> Result<Vec<Ticketing>, SoldOut> {
//!         if *sold >= self.seats { return Err(SoldOut) }
//!         Ok(vec![Ticketing::TicketSold { show: show.clone() }])
//!     }
//!     fn context(&self, show: &String) -> QueryFor<Ticketing> {
//!         Ticketing::query().show(show).into()
//!     }
//! }
//!
//! let office = BoxOffice { seats: 1 };
//! let sold = |show: &str| Ticketing::TicketSold { show: show.into() };
//! scenario(&office).given([sold("b")]).when(String::from("a")).then([sold("a")]).then_state(1);
//! scenario(&office).given([sold("a")]).when(String::from("a")).then_err(SoldOut);
//! ```

mod random;
mod recorded;
mod report;
mod round_trip;
mod scenario;
mod schema_snapshot;

pub use random::Random;
pub use recorded::recorded;
pub use round_trip::{assert_comes_back, assert_each_comes_back};
pub use scenario::{Outcome, Scenario, scenario};
pub use schema_snapshot::{BLESS, assert_schema_snapshot};
