//! The cases of flushes tell an append that was flushed from one that was not. This file has no other test, for what
//! others flush would hide it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

#[path = "support/flushed.rs"]
mod flushed;
#[path = "support/handle.rs"]
mod handle;

use std::sync::Arc;

use factos::conformance::{Case, Fixture, durability};
use factos_postgres::{Durability, Mode};

use crate::{
    flushed::Flushed,
    handle::{Handle, handle},
    support::Schema,
};

/// A log whose last appends a crash of the server may lose.
struct Unflushed(Arc<Schema>, Flushed);

impl Fixture for Unflushed {
    type Store = Handle;

    async fn fresh() -> Self {
        Self(Arc::new(Schema::new(Mode::Keyed).await), Flushed::default())
    }

    async fn connect(&self) -> Handle {
        let config = self.0.config().durability(Durability::LoseLatestOnServerCrash);
        handle(self.0.open_with(config).await, Some(&self.0))
    }

    async fn flushes(&self) -> Option<u64> {
        Some(self.1.bytes().await)
    }
}

#[test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
fn appends_that_a_crash_may_lose_were_not_flushed() {
    let cases = [
        Case::new("one by one", durability::an_acknowledged_append_was_flushed::<Unflushed>),
        Case::new("at once", durability::appends_at_once_were_flushed::<Unflushed>),
    ];
    let passed: Vec<_> = cases.iter().filter(|case| case.verdict().is_ok()).collect();
    assert!(passed.is_empty(), "flushes are seen that there are not: {passed:?}");
}
