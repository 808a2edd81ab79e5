//! The strictest lints find nothing in generated code.
#![deny(warnings, missing_docs, unreachable_pub, unused, clippy::all, clippy::pedantic)]
#![deny(missing_debug_implementations, unused_qualifications, private_interfaces, dead_code)]
#![deny(unused_results, single_use_lifetimes, unused_lifetimes, let_underscore_drop)]
#![forbid(unsafe_code)]

use factos::{Event, Payload, TagValue};

/// An id.
#[derive(Debug, TagValue, Payload)]
pub struct CourseId(u64);

#[derive(Debug, TagValue, Payload)]
struct Cents(u64);

/// A note.
#[derive(Debug, Payload)]
pub enum Note {
    /// Nothing.
    Empty,
    /// A text.
    Text(String),
}

/// A course.
#[derive(Debug, Event)]
pub enum Course {
    /// It was defined.
    Defined {
        /// Which.
        #[tag]
        course: CourseId,
    },
    /// It was noted.
    Noted(Note),
    /// It was closed.
    Closed,
}

/// A public event with a private type within.
#[derive(Debug, Event)]
pub struct Paid {
    #[tag]
    cents: Cents,
}

#[derive(Debug, Event)]
enum Unqueried {
    Seen {
        #[tag]
        by: Option<u8>,
        #[tag("again")]
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        more: Vec<u8>,
    },
}

#[test]
fn events_work_under_the_strictest_lints() {
    let seen = Unqueried::Seen { by: None, more: vec![] };
    assert_eq!(seen.encode().unwrap(), r#"{"by":null}"#);
    assert_eq!(Paid { cents: Cents(1) }.tags().unwrap().len(), 1);
}
