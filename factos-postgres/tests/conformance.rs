//! The suite, in both modes, on the store and with a hook. The pointers that applications hold a store by are those of
//! the core: they pass the suite in the tests of the store in memory.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

#[path = "support/caretaker.rs"]
mod caretaker;
#[path = "support/fixture.rs"]
mod fixture;
#[path = "support/flushed.rs"]
mod flushed;
#[path = "support/hooked.rs"]
mod hooked;
#[path = "support/kept_sessions.rs"]
mod kept_sessions;
#[path = "support/recycled.rs"]
mod recycled;
#[path = "conformance/recycled_logs.rs"]
mod recycled_logs;
#[path = "conformance/sessions_used_again.rs"]
mod sessions_used_again;

macro_rules! suite {
    ($fixture:ty) => {
        factos::conformance!($fixture, ignore = "needs a PostgreSQL server: run by scripts/test");
    };
}

macro_rules! modes {
    ($($mode:ident: $fixture:ident, $hooked:ident;)*) => {
        $(mod $mode {
            use crate::fixture::$fixture;

            suite!($fixture);
            factos::conformance_processes!(
                #[ignore = "needs a PostgreSQL server: run by scripts/test"]
                $fixture
            );

            mod with_a_hook {
                use crate::hooked::$hooked;

                suite!($hooked);
                factos::conformance_processes!(
                    #[ignore = "needs a PostgreSQL server: run by scripts/test"]
                    $hooked
                );
            }
        })*
    };
}

modes! {
    keyed: Keyed, HookedKeyed;
    portable: Portable, HookedPortable;
}
