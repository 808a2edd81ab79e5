//! Upcasts of older versions, and aliases.

use std::{error::Error, num::ParseIntError};

use factos::{
    Event, EventType, JsonValue, Payload, QueryFor, Recorded, SequencePosition, TagValue,
    Undecodable,
};

#[derive(Debug, Clone, PartialEq, TagValue, Payload)]
struct CourseId(String);

#[derive(Payload)]
struct V1 {
    id: CourseId,
    seats: String,
}

#[derive(Payload)]
struct V2 {
    course: CourseId,
    seats: u32,
}

#[derive(Debug, PartialEq, Event)]
#[event(prefix = "school.")]
enum Course {
    #[event(version = 3, alias = "CourseCreated", alias = "old", upcast(1 = v1_to_v2?, 2 = to_now))]
    Defined {
        #[tag]
        course: CourseId,
        capacity: u32,
        #[serde(default)]
        title: String,
    },
    #[event(version = 4, since = 2, upcast(3 = <Self as From<Three>>::from,), upcast_json(2 = two))]
    Renamed { title: String },
    #[event(version = 3, upcast_json(1 = add_one, 2 = add_one))]
    Counted { n: u64 },
    #[event(version = 2, upcast(1 = generic::<Plain>))]
    Noted(Plain),
    #[event(alias = "Ended")]
    Closed,
}

fn v1_to_v2(old: V1) -> Result<V2, ParseIntError> {
    Ok(V2 { course: old.id, seats: old.seats.parse()? })
}

fn to_now(old: V2) -> Course {
    Course::Defined { course: old.course, capacity: old.seats, title: String::new() }
}

#[derive(Payload)]
struct Three {
    names: Vec<String>,
}

impl From<Three> for Course {
    fn from(old: Three) -> Self {
        Self::Renamed { title: old.names.concat() }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a step owns what it reads")]
fn two(value: JsonValue) -> Result<JsonValue, String> {
    match value.get("name") {
        Some(name) => Ok([("names".to_owned(), vec![name.clone()])].into_iter().collect()),
        None => Err("no name".to_owned()),
    }
}

fn add_one(mut value: JsonValue) -> Result<JsonValue, &'static str> {
    let n = value.get("n").and_then(JsonValue::as_u64).ok_or("no n")?;
    value["n"] = (n + 1).into();
    Ok(value)
}

#[derive(Debug, PartialEq, Payload)]
struct Plain {
    text: String,
}

fn generic<T: Into<Course>>(old: T) -> Course {
    old.into()
}

impl From<Plain> for Course {
    fn from(old: Plain) -> Self {
        Self::Noted(Plain { text: old.text + "!" })
    }
}

/// Locals of the generated functions do not hide functions of the application.
#[derive(Debug, PartialEq, Event)]
#[event(version = 3, upcast(1 = version, 2 = payload))]
struct Named {
    event: u8,
}

fn version(old: V2) -> V2 {
    old
}

#[expect(clippy::needless_pass_by_value, reason = "a step owns what it reads")]
fn payload(old: V2) -> Named {
    Named { event: u8::try_from(old.seats).unwrap_or(0) }
}

fn decode<E: Event>(name: &'static str, version: u32, payload: &str) -> Result<E, Undecodable> {
    E::decode(&EventType::from_static(name), version, payload.as_bytes())
}

fn defined(title: &str) -> Course {
    let course = CourseId("c".to_owned());
    Course::Defined { course, capacity: 7, title: title.to_owned() }
}

#[test]
fn each_version_is_read_through_the_steps_above_it() {
    let name = "school.Defined";
    let one = decode::<Course>(name, 1, r#"{"id":"c","seats":"7"}"#);
    let two = decode::<Course>(name, 2, r#"{"course":"c","seats":7}"#);
    let three = decode::<Course>(name, 3, r#"{"course":"c","capacity":7,"title":"t"}"#);
    assert_eq!(one.unwrap(), defined(""));
    assert_eq!(two.unwrap(), defined(""));
    assert_eq!(three.unwrap(), defined("t"));
    let named = decode::<Named>("Named", 1, r#"{"course":"c","seats":9}"#);
    assert_eq!(named.unwrap(), Named { event: 9 });
    let noted = decode::<Course>("school.Noted", 1, r#"{"text":"a"}"#);
    assert_eq!(noted.unwrap(), Course::Noted(Plain { text: "a!".to_owned() }));
}

#[test]
fn steps_of_json_run_below_typed_ones() {
    let renamed = |title: &str| Course::Renamed { title: title.to_owned() };
    let two = decode::<Course>("school.Renamed", 2, r#"{"name":"a"}"#);
    let three = decode::<Course>("school.Renamed", 3, r#"{"names":["a","b"]}"#);
    let four = decode::<Course>("school.Renamed", 4, r#"{"title":"x"}"#);
    assert_eq!(two.unwrap(), renamed("a"));
    assert_eq!(three.unwrap(), renamed("ab"));
    assert_eq!(four.unwrap(), renamed("x"));
    for (version, n) in [(1, 7), (2, 6), (3, 5)] {
        let counted = decode::<Course>("school.Counted", version, r#"{"n":5}"#);
        assert_eq!(counted.unwrap(), Course::Counted { n });
    }
}

/// A step of JSON would be handed another payload than the stored one.
#[test]
fn a_payload_that_a_json_value_does_not_hold_is_malformed() {
    for (payload, problem) in [
        (
            r#"{"n":340282366920938463463374607431768211455}"#,
            "340282366920938463463374607431768211455",
        ),
        (r#"{"n":5,"deep":[{"x":0.1000000000000000000000001}]}"#, "0.1000000000000000000000001"),
        (r#"{"n":5,"n":6}"#, "the key \"n\" stands twice"),
        (r#"{"n":5,"deep":{"x":1,"y":2,"\u0078":3}}"#, "the key \"x\" stands twice"),
        (r#"{"n":5} 6"#, "trailing characters"),
    ] {
        for version in [1, 2] {
            let error = decode::<Course>("school.Counted", version, payload).unwrap_err();
            let Undecodable::Malformed(cause) = error else { panic!("{payload}: {error:?}") };
            assert!(cause.to_string().contains(problem), "{payload}: {cause}");
        }
    }
    let counted = decode::<Course>("school.Counted", 1, r#"{"n":18446744073709551613,"m":1e3}"#);
    assert_eq!(counted.unwrap(), Course::Counted { n: u64::MAX });
}

#[test]
fn a_version_out_of_range_a_refused_step_and_a_wrong_shape_are_told_apart() {
    let name = "school.Renamed";
    let past = decode::<Course>(name, 1, "{}").unwrap_err();
    assert_eq!(past.to_string(), "version 1 is older than 2, the oldest that this code reads");
    let future = decode::<Course>(name, 5, "{}").unwrap_err();
    assert_eq!(future.to_string(), "version 5 is newer than 4, the newest that this code knows");
    for (name, version, payload, from, source) in [
        (name, 2, r#"{"title":"x"}"#, 2, "no name"),
        ("school.Counted", 2, "{}", 2, "no n"),
        ("school.Defined", 1, r#"{"id":"c","seats":"x"}"#, 1, "invalid digit found in string"),
    ] {
        let error = decode::<Course>(name, version, payload).unwrap_err();
        let text = format!("a payload of version {from} cannot be brought to the next one");
        assert_eq!(error.to_string(), text);
        assert_eq!(error.source().unwrap().to_string(), source);
    }
    for (name, version, payload) in [
        ("school.Defined", 1, "{}"),
        ("school.Defined", 2, "{}"),
        ("school.Defined", 3, "{}"),
        (name, 2, "?"),
        ("school.Counted", 1, r#"{"n":1} 2"#),
    ] {
        let error = decode::<Course>(name, version, payload).unwrap_err();
        assert!(matches!(error, Undecodable::Malformed(_)), "{name} {version}: {error}");
    }
}

#[test]
fn an_alias_decodes_is_in_the_schema_and_in_every_query() {
    for name in ["CourseCreated", "old"] {
        let read = decode::<Course>(name, 2, r#"{"course":"c","seats":7}"#);
        assert_eq!(read.unwrap(), defined(""));
    }
    let info = Course::SCHEMA.find("old").unwrap();
    assert_eq!((info.name, info.aliases), ("school.Defined", &["CourseCreated", "old"][..]));
    assert_eq!((info.since, info.version), (1, 3));
    assert_eq!(defined("").event_type(), "school.Defined");
    let course = CourseId("c".to_owned());
    let query = QueryFor::from(Course::query().course(&course));
    assert_eq!(
        query.as_query().unwrap().to_string(),
        "(type CourseCreated or old or school.Defined, tag course:c)"
    );
    let all = QueryFor::<Course>::all_types().into_query().unwrap().to_string();
    assert_eq!(
        all,
        "(type CourseCreated or Ended or old or school.Closed or school.Counted \
         or school.Defined or school.Noted or school.Renamed)"
    );
}

#[test]
fn a_record_that_does_not_decode_is_named() {
    let record = |event_type: &'static str, version| Recorded {
        id: factos::EventId::from_bytes([1; 16]),
        position: SequencePosition::new(7).unwrap(),
        stream: None,
        revision: None,
        event_type: EventType::from_static(event_type),
        version,
        tags: factos::Tags::new(),
        metadata: factos::Metadata::new(),
        recorded_at: std::time::SystemTime::UNIX_EPOCH,
        event: factos::Bytes::from_static(b"{}"),
    };
    let cases = [
        ("Other", 1, "unknown event type"),
        ("Ended", 2, "version 2 is newer than 1, the newest that this code knows"),
        ("old", 3, "malformed payload"),
    ];
    for (name, version, cause) in cases {
        let error = factos::decode::<Course>(record(name, version)).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "event 01010101-0101-0101-0101-010101010101 at position 7, type {name}, \
                 version {version}, cannot be decoded"
            )
        );
        assert_eq!(error.cause.to_string(), cause);
    }
    assert_eq!(factos::decode::<Course>(record("Ended", 1)).unwrap().event, Course::Closed);
}
