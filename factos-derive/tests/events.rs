//! Names, versions, schemas, and the errors of decoding.

use std::error::Error;

use factos::{EncodeError, Event, EventType, TypeInfo, Undecodable};

#[derive(Debug, PartialEq, Event)]
enum Ticketing {
    TicketSold {
        #[tag]
        show: String,
        buyer: String,
    },
    Closed,
}

#[derive(Debug, PartialEq, Event)]
#[event(prefix = "school.", rename_all = "kebab-case")]
enum Course {
    #[event(version = 3)]
    Defined {
        capacity: u32,
    },
    #[event("StudentEnrolled")]
    Enrolled {},
    #[event(name = "left: early", version = 2)]
    Left,
    #[event(version = 1)]
    #[event("twice")]
    Split,
    r#ÜnicodeName,
}

#[derive(Debug, PartialEq, Event)]
#[event(prefix = "fees.", rename_all = "snake_case")]
struct FeePaid {
    #[tag]
    student: u64,
    cents: i64,
}

#[derive(Debug, PartialEq, Event)]
#[event("fees.waived", version = 7)]
struct FeeWaived;

fn type_of(name: &'static str) -> EventType {
    EventType::from_static(name)
}

fn decode<E: Event>(name: &'static str, version: u32, payload: &str) -> Result<E, Undecodable> {
    E::decode(&type_of(name), version, payload.as_bytes())
}

#[track_caller]
fn comes_back<E: Event + PartialEq + std::fmt::Debug>(event: &E, payload: &str) {
    let bytes = event.encode().expect("the event is encoded");
    assert_eq!(bytes, payload);
    let back = E::decode(&event.event_type(), event.version(), &bytes);
    assert_eq!(back.expect("what was written is read"), *event);
}

#[test]
fn a_payload_holds_the_fields_and_nothing_else() {
    let (show, buyer) = ("conf".to_owned(), "lucy \"l\"".to_owned());
    comes_back(&Ticketing::TicketSold { show, buyer }, r#"{"show":"conf","buyer":"lucy \"l\""}"#);
    comes_back(&Ticketing::Closed, "{}");
    comes_back(&Course::Enrolled {}, "{}");
    comes_back(&Course::Defined { capacity: 3 }, r#"{"capacity":3}"#);
    comes_back(&FeePaid { student: 1, cents: -2 }, r#"{"student":1,"cents":-2}"#);
    comes_back(&FeeWaived, "{}");
}

#[test]
fn names_are_inferred_prefixed_and_respelled_unless_they_are_given() {
    let names = [
        (Course::Defined { capacity: 1 }, "school.defined"),
        (Course::Enrolled {}, "StudentEnrolled"),
        (Course::Left, "left: early"),
        (Course::Split, "twice"),
        (Course::ÜnicodeName, "school.ünicode-name"),
    ];
    for (event, name) in names {
        assert_eq!(event.event_type(), name);
        assert_eq!(
            Course::decode(&type_of(name), event.version(), br#"{"capacity":1}"#).unwrap(),
            event
        );
    }
    assert_eq!(FeePaid { student: 1, cents: 2 }.event_type(), "fees.fee_paid");
    assert_eq!(FeeWaived.event_type(), "fees.waived");
}

#[test]
fn versions_start_at_one() {
    assert_eq!(Course::Defined { capacity: 1 }.version(), 3);
    assert_eq!(Course::Enrolled {}.version(), 1);
    assert_eq!((Course::Left.version(), Course::Split.version()), (2, 1));
    assert_eq!(FeeWaived.version(), 7);
}

#[test]
fn the_schema_lists_the_stored_types_in_order() {
    let types = [
        TypeInfo::new("TicketSold", 1, "events::Ticketing::TicketSold").with_tag_keys(&["show"]),
        TypeInfo::new("Closed", 1, "events::Ticketing::Closed"),
    ];
    assert_eq!(Ticketing::SCHEMA.types, types);
    let paid = TypeInfo::new("fees.fee_paid", 1, "events::FeePaid").with_tag_keys(&["student"]);
    assert_eq!(FeePaid::SCHEMA.types, [paid]);
    assert_eq!(Course::SCHEMA.types[4].origin, "events::Course::ÜnicodeName");
}

#[test]
fn a_type_that_is_not_declared_is_unknown_whatever_its_version() {
    for (name, version) in [("TicketSold2", 1), ("ticketsold", 1), ("Ticketing", 9)] {
        let error = decode::<Ticketing>(name, version, "{}").unwrap_err();
        assert!(matches!(error, Undecodable::UnknownType), "{name}");
    }
}

#[test]
fn a_version_out_of_range_is_named_before_the_payload_is_looked_at() {
    let future = decode::<Course>("school.defined", 4, "?").unwrap_err();
    assert!(matches!(future, Undecodable::FutureVersion { stored: 4, known: 3 }));
    for stored in [0, 1, 2] {
        let past = decode::<Course>("school.defined", stored, "?").unwrap_err();
        let Undecodable::PastVersion { stored: found, known: 3 } = past else { panic!("{past:?}") };
        assert_eq!(found, stored);
    }
}

#[test]
fn a_payload_of_another_shape_is_malformed_and_says_why() {
    let cases = [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("{}", "missing field `capacity` at line 1 column 2"),
        (r#"{"capacity":-1}"#, "invalid value: integer `-1`, expected u32 at line 1 column 14"),
        (r#"{"capacity":1} {}"#, "trailing characters at line 1 column 16"),
        (r#"{"Defined":{"capacity":1}}"#, "missing field `capacity` at line 1 column 26"),
        ("null", "invalid type: null, expected struct variant Course::Defined at line 1 column 4"),
    ];
    for (payload, text) in cases {
        let error = decode::<Course>("school.defined", 3, payload).unwrap_err();
        assert!(matches!(error, Undecodable::Malformed(_)), "{payload}");
        assert_eq!(error.source().unwrap().to_string(), text, "{payload}");
    }
    assert!(decode::<FeePaid>("fees.fee_paid", 1, r#"{"student":1}"#).is_err());
}

#[test]
fn a_unit_event_can_grow_fields_and_ignores_those_of_newer_code() {
    assert_eq!(decode::<FeeWaived>("fees.waived", 7, r#"{"later":1}"#).unwrap(), FeeWaived);
    assert_eq!(decode::<Ticketing>("Closed", 1, r#"{"later":1}"#).unwrap(), Ticketing::Closed);
    assert!(decode::<Ticketing>("Closed", 1, "null").is_err());
}

#[test]
fn what_could_not_be_read_back_is_refused_by_name() {
    #[derive(Debug, Event)]
    #[event("measured")]
    struct Measured {
        celsius: f32,
    }
    let error = Measured { celsius: f32::NAN }.encode().unwrap_err();
    assert_eq!(error.to_string(), "an event of type measured cannot be encoded");
    assert!(matches!(error, EncodeError::Codec { .. }));
    let source = error.source().unwrap().to_string();
    assert_eq!(source, "a float that is not finite has no JSON form");
}
