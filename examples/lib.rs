//! Runnable stories, each also a test. `ticket-sale`, `web-service`, `read-models` and `order-fulfilment` are binaries of
//! their own. Most modules are a decider with scenarios, for a rule that most event-sourced systems need sooner or later;
//! [`live_board`] follows the log, [`payment`] appends within a transaction of the application's, and [`tables`] are what
//! the consumers of the binaries write. `tests/stories.rs` runs the modules on the stores.

pub mod account;
pub mod course_subscriptions;
pub mod duplicate_order;
pub mod invoice_number;
pub mod live_board;
pub mod opt_in_token;
pub mod payment;
pub mod product_price;
pub mod tables;
pub mod unique_username;
pub mod wallet;

/// The project's front page, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct FrontPage;

/// What comes after an append, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../docs/after-the-append.md")]
struct AfterTheAppend;

/// The chapter on consumers, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../docs/consumers.md")]
struct OnConsumers;
