//! The suite, in both modes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

#[path = "support/fixture.rs"]
mod fixture;

mod keyed {
    factos::conformance!(
        crate::fixture::Keyed,
        ignore = "needs a PostgreSQL server: run by scripts/test"
    );
}

mod portable {
    factos::conformance!(
        crate::fixture::Portable,
        ignore = "needs a PostgreSQL server: run by scripts/test"
    );
}
