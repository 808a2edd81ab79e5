//! The tags of an event.

use std::{collections::BTreeSet, error::Error};

use factos::{EncodeError, Event, EventId, Payload, TagValue};

#[derive(Debug, Clone, PartialEq, TagValue, Payload)]
struct StudentId(u64);

#[derive(Debug, Clone, PartialEq, TagValue, Payload)]
struct CourseId {
    id: Box<str>,
}

#[derive(Debug, PartialEq, Payload)]
struct Note {
    text: String,
}

#[derive(Debug, Event)]
enum School {
    Enrolled {
        #[tag]
        course: CourseId,
        #[tag]
        #[tag("person")]
        student: StudentId,
        note: String,
    },
    Renamed {
        #[tag("username")]
        old: String,
        #[tag(key = "username")]
        new: String,
    },
    Assigned {
        #[tag("teacher")]
        teachers: Vec<String>,
        #[tag]
        room: Option<u8>,
        #[tag("seat")]
        seats: BTreeSet<Option<i8>>,
    },
    Flagged {
        #[tag]
        r#type: char,
        #[tag("is-open")]
        open: bool,
    },
    Noted(Note),
    Closed,
}

#[track_caller]
fn tags_are(event: &School, lines: &[&str]) {
    let tags = event.tags().expect("the tags are valid");
    assert_eq!(tags.as_lines(), lines.join("\n"));
}

fn renamed(old: &str, new: &str) -> School {
    School::Renamed { old: old.to_owned(), new: new.to_owned() }
}

#[test]
fn a_tagged_field_makes_a_tag_under_its_name_or_key() {
    let course = CourseId { id: "c:1".into() };
    let enrolled = School::Enrolled { course, student: StudentId(7), note: "x".to_owned() };
    tags_are(&enrolled, &["course:c:1", "person:7", "student:7"]);
    tags_are(&School::Flagged { r#type: 'x', open: true }, &["is-open:true", "type:x"]);
}

#[test]
fn two_fields_share_a_key_and_equal_tags_are_one() {
    tags_are(&renamed("b", "a"), &["username:a", "username:b"]);
    tags_are(&renamed("a", "a"), &["username:a"]);
}

#[test]
fn collections_make_a_tag_per_element() {
    let teachers = vec!["t2".to_owned(), "t1".to_owned(), "t2".to_owned()];
    let seats = [None, Some(-1), Some(2)].into();
    let assigned = School::Assigned { teachers, room: Some(3), seats };
    tags_are(&assigned, &["room:3", "seat:-1", "seat:2", "teacher:t1", "teacher:t2"]);
    let (teachers, seats) = (Vec::new(), BTreeSet::new());
    tags_are(&School::Assigned { teachers, room: None, seats }, &[]);
}

#[test]
fn events_without_tagged_fields_have_no_tags() {
    tags_are(&School::Noted(Note { text: String::new() }), &[]);
    tags_are(&School::Closed, &[]);
}

#[test]
fn a_value_that_makes_no_tag_names_its_key_and_the_event() {
    let long = "x".repeat(255);
    let cases = [
        (renamed("", "a"), "tag value is empty"),
        (renamed("a", "b\n"), "tag value holds the control character '\\n' at byte 1"),
        (renamed("a", &long), "tag has 264 bytes, at most 255 are allowed"),
    ];
    for (event, text) in cases {
        let error = event.tags().unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), text);
        let EncodeError::Tag { event_type, key, .. } = error else { panic!("{error}") };
        assert_eq!((event_type.as_str(), key), ("Renamed", "username"));
    }
}

#[test]
fn keys_stand_in_the_schema_once() {
    let keys: Vec<_> = School::SCHEMA.types.iter().map(|info| info.tag_keys).collect();
    let expected: [&[&str]; 6] = [
        &["course", "student", "person"],
        &["username"],
        &["teacher", "room", "seat"],
        &["type", "is-open"],
        &[],
        &[],
    ];
    assert_eq!(keys, expected);
}

#[test]
fn ids_of_events_are_tag_values() {
    #[derive(Event)]
    struct Corrected {
        #[tag]
        #[serde(with = "id")]
        event: EventId,
    }
    mod id {
        use factos::{
            __private::serde::{Deserialize, Deserializer, Serializer, de::Error},
            EventId,
        };

        pub(super) fn serialize<S: Serializer>(id: &EventId, s: S) -> Result<S::Ok, S::Error> {
            s.collect_str(id)
        }

        pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<EventId, D::Error> {
            String::deserialize(d)?.parse().map_err(D::Error::custom)
        }
    }
    let event = EventId::from_bytes([255; 16]);
    let text = "event:ffffffff-ffff-ffff-ffff-ffffffffffff";
    assert_eq!(Corrected { event }.tags().unwrap().as_lines(), text);
    let query = factos::QueryFor::from(Corrected::query().event(event));
    assert_eq!(query.as_query().unwrap().to_string(), format!("(type Corrected, tag {text})"));
}
