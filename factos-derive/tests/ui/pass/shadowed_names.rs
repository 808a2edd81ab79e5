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

#[derive(Payload)]
struct Old;

fn step(_: Old) -> ::core::result::Result<Old, Text> {
    ::core::result::Result::Ok(Old)
}

fn last(_: Old) -> Whole {
    Whole::Grown { at: 1 }
}

fn json(value: ::factos::JsonValue) -> ::core::result::Result<::factos::JsonValue, Text> {
    ::core::result::Result::Ok(value)
}

fn no_tags<T>(_: &T) -> [(&'static ::core::primitive::str, Text); 0] {
    []
}

fn text(at: &::core::primitive::u8) -> Text {
    ::std::string::ToString::to_string(at)
}

#[derive(Event)]
#[event(codec = ::factos::Json, prefix = "whole.")]
enum Whole {
    #[event(flatten)]
    Course(Course),
    #[event(flatten)]
    Paid(Paid),
    #[event(version = 4, alias = "x", upcast_json(1 = json), upcast(2 = step?, 3 = last))]
    Grown {
        #[tag(with = text)]
        #[tag("shown", display)]
        at: ::core::primitive::u8,
    },
    #[event(tags_with = no_tags)]
    Noted(Note),
    #[event(tags_with = no_tags)]
    Closed,
}

::factos::assert_distinct!(Whole, Paid);

fn main() {
    let course = CourseId(::std::convert::Into::into("c"));
    let query = Course::query().course(&course).room(1) | Course::query().room(2);
    ::std::assert!(query.as_query().is_ok());
    let id = CourseId(::std::convert::Into::into("c"));
    let event = Course::Defined { course: id, room: ::core::option::Option::None };
    ::std::assert_eq!(event.encode().unwrap(), r#"{"course":"c","room":null}"#);
    ::std::assert_eq!(Paid { student: 1 }.tags().unwrap().as_lines(), "student:1");
}
