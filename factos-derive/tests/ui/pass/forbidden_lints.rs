//! A crate may forbid whatever serde's own derives do not allow.
#![forbid(dead_code, deprecated, missing_docs, unnameable_types, unreachable_pub, unsafe_code)]
#![forbid(unused_imports, unused_macros, unused_must_use, unused_mut, unused_variables)]
#![forbid(non_snake_case, path_statements, single_use_lifetimes, unreachable_patterns)]

use factos::{Event, Payload, TagValue};

/// An id.
#[derive(Debug, TagValue, Payload)]
pub struct Id(u64);

/// With everything.
#[derive(Debug, Event)]
pub enum Course {
    /// It was defined.
    Defined {
        /// Which.
        #[tag]
        course: Id,
        /// For how many.
        #[tag(display)]
        seats: Option<u64>,
        /// Others.
        #[tag("other", with = first)]
        others: Vec<Id>,
    },
    /// It was closed.
    #[event(version = 2, upcast(1 = closed))]
    Closed(Id),
    /// It was paid.
    #[event(flatten)]
    Paid(Paid),
}

fn closed(id: Id) -> Course {
    Course::Closed(id)
}

fn first(others: &[Id]) -> Option<u64> {
    others.first().map(|id| id.0)
}

#[derive(Debug, Event)]
struct Unused {
    #[tag]
    id: Id,
}

/// Within the crate.
#[derive(Debug, Event)]
pub(crate) enum Inner {
    /// Nothing.
    Nothing,
}

/// A payment.
#[derive(Debug, Event)]
pub struct Paid {
    #[tag]
    cents: Id,
}

fn main() {
    #[derive(Debug, Event)]
    enum Local {
        Nothing,
    }
    println!("{:?} {:?}", Local::Nothing, Inner::Nothing);
}
