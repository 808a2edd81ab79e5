//! The suite, in both modes, on the store, with a hook, and through one of the pointers that applications hold it by:
//! the tests of the stores in memory and in SQLite go through both.

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
#[path = "support/recycled.rs"]
mod recycled;
#[path = "conformance/recycled_logs.rs"]
mod recycled_logs;

macro_rules! suite {
    ($fixture:ty) => {
        factos::conformance!($fixture, ignore = "needs a PostgreSQL server: run by scripts/test");
    };
}

macro_rules! modes {
    ($($mode:ident: $fixture:ident, $hooked:ident, $name:ident = $pointer:ident;)*) => {
        $(mod $mode {
            use crate::fixture::$fixture;

            suite!($fixture);
            factos::conformance_processes!(
                #[ignore = "needs a PostgreSQL server: run by scripts/test"]
                $fixture
            );

            mod $name {
                suite!(factos::conformance::$pointer<crate::fixture::$fixture>);
            }

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
    keyed: Keyed, HookedKeyed, behind_an_arc = Shared;
    portable: Portable, HookedPortable, in_a_box = Boxed;
}
