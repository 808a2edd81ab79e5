//! The suite, in both modes, on the store, through the pointers that applications hold it by, and with a hook.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

#[path = "support/fixture.rs"]
mod fixture;
#[path = "support/flushed.rs"]
mod flushed;
#[path = "support/handle.rs"]
mod handle;
#[path = "support/hooked.rs"]
mod hooked;

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

            mod behind_an_arc {
                suite!(factos::conformance::Shared<crate::fixture::$fixture>);
            }

            mod in_a_box {
                suite!(factos::conformance::Boxed<crate::fixture::$fixture>);
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
    keyed: Keyed, HookedKeyed;
    portable: Portable, HookedPortable;
}
