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

/// Everything at once.
#[derive(Debug, Event)]
#[event(prefix = "x.", rename_all = "kebab-case", codec = factos::Json)]
pub enum Whole {
    /// An event of its own.
    #[event(flatten)]
    Course(Course),
    /// A struct event.
    #[event(flatten)]
    Paid(Paid),
    /// With a past.
    #[event(version = 4, alias = "seen", upcast(2 = two?, 3 = three), upcast_json(1 = one))]
    Seen {
        /// When.
        #[tag(display)]
        #[tag("year", with = double)]
        at: u64,
    },
    /// A note.
    #[event(tags_with = note_tags)]
    Noted(Note),
}

fn one(value: factos::JsonValue) -> Result<factos::JsonValue, String> {
    if value.is_object() { Ok(value) } else { Err(value.to_string()) }
}

fn two(old: Cents) -> Result<Cents, String> {
    if old.0 == 0 { Err("nothing".to_owned()) } else { Ok(old) }
}

#[expect(clippy::needless_pass_by_value, reason = "a step owns what it reads")]
fn three(old: Cents) -> Whole {
    Whole::Seen { at: old.0 }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "a tag is made of a reference")]
fn double(at: &u64) -> u64 {
    2 * at
}

fn note_tags(note: &Note) -> Option<(&'static str, &'static str)> {
    matches!(note, Note::Empty).then_some(("note", "empty"))
}

/// Nothing of its own.
#[derive(Debug, Event)]
pub enum Subset {
    /// A struct event.
    #[event(flatten)]
    Paid(Paid),
}

/// With events that are not made any more.
#[derive(Debug, Event)]
pub enum Retired {
    /// Of old.
    #[deprecated = "nothing makes it any more"]
    Old {
        /// Of old.
        #[tag]
        #[deprecated]
        id: u8,
    },
    /// Of old.
    #[deprecated]
    #[event(flatten)]
    Paid(Paid),
    /// Of today.
    Now,
}

/// Nothing but a past.
#[derive(Debug, Event)]
#[event(version = 2, upcast(1 = grown))]
pub struct Grown {
    cents: Cents,
}

fn grown(cents: Cents) -> Grown {
    Grown { cents }
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
    assert_eq!(Grown { cents: Cents(1) }.version(), 2);
    assert_eq!(Paid { cents: Cents(1) }.tags().unwrap().len(), 1);
}
