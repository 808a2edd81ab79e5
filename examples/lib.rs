//! Runnable stories, each a test as well: `ticket-sale` is a binary of its own, the modules are rules that
//! every system of facts meets sooner or later, each a decider with scenarios. `tests/stories.rs` runs
//! them on every store.

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
