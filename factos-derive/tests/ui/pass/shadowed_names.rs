//! Generated code depends on no name that is in scope.
#![no_implicit_prelude]
#![allow(dead_code, unused_macros)]

use ::factos::{Event, Payload, TagValue};

struct Option;
struct Vec;
struct String;
struct Result;
struct Ok;
struct Err;
struct Some;
struct None;
struct Box;
struct Serialize;
struct Deserialize;
struct Query;
struct Tags;
struct Tag;
trait Into {}
trait From {}
trait Clone {}
trait FnMut {}
mod core {}
mod std {}
mod serde {}
mod factos {}
macro_rules! concat {
    () => {};
}

type Text = ::std::string::String;

#[derive(TagValue, Payload)]
struct CourseId(Text);

#[derive(Payload)]
enum Note {
    Text(Text),
}

#[derive(Event)]
enum Course {
    Defined {
        #[tag]
        course: CourseId,
        #[tag]
        room: ::core::option::Option<::core::primitive::u8>,
    },
    Noted(Note),
    Closed,
}

#[derive(Event)]
struct Paid {
    #[tag]
    student: ::core::primitive::u64,
}

fn main() {
    let course = CourseId(::std::convert::Into::into("c"));
    let query = Course::query().course(&course).room(1) | Course::query().room(2);
    ::std::assert!(query.as_query().is_ok());
    let id = CourseId(::std::convert::Into::into("c"));
    let event = Course::Defined { course: id, room: ::core::option::Option::None };
    ::std::assert_eq!(event.encode().unwrap(), r#"{"course":"c","room":null}"#);
    ::std::assert_eq!(Paid { student: 1 }.tags().unwrap().as_lines(), "student:1");
}
