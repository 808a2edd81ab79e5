//! Runnable stories, each also a test. `ticket-sale` is a binary of its own. Each module is a decider with
//! scenarios, for a rule that most event-sourced systems need sooner or later. `tests/stories.rs` runs the
//! modules on the stores.

pub mod account;
pub mod course_subscriptions;
pub mod duplicate_order;
pub mod invoice_number;
pub mod opt_in_token;
pub mod product_price;
pub mod unique_username;

/// The project's front page, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct FrontPage;
