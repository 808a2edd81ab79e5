//! Events with nested events.

use factos::{Event, EventType, Includes, InvalidQuery, Payload, QueryFor, TagValue, Undecodable};

#[derive(Debug, Clone, PartialEq, TagValue, Payload)]
struct StudentId(u64);

#[derive(Debug, Clone, PartialEq, Event)]
#[event("fee.paid", alias = "Paid")]
struct FeePaid {
    #[tag]
    student: StudentId,
    cents: i64,
}

#[derive(Debug, Clone, PartialEq, Event)]
#[event(prefix = "billing.")]
enum Billing {
    #[event(flatten)]
    Paid(FeePaid),
    #[event(version = 2, since = 2)]
    Reminded {
        #[tag]
        student: StudentId,
        #[tag]
        by: String,
    },
    Closed,
}

#[derive(Debug, Clone, PartialEq, Event)]
#[event(prefix = "school.")]
enum School {
    #[event(flatten)]
    Billing(Billing),
    Enrolled {
        #[tag]
        student: StudentId,
        #[tag]
        course: String,
    },
    Closed,
}

/// The events that one decision reads. It has no stored type of its own.
#[derive(Debug, Clone, PartialEq, Event)]
enum Subset {
    #[event(flatten)]
    Paid(FeePaid),
    #[event(flatten)]
    Ended(Ended),
}

#[derive(Debug, Clone, PartialEq, Event)]
struct Ended;

factos::assert_distinct!(School, Subset, FeePaid);

fn paid() -> FeePaid {
    FeePaid { student: StudentId(1), cents: -5 }
}

fn reminded() -> Billing {
    Billing::Reminded { student: StudentId(1), by: "mail".to_owned() }
}

fn text<E>(query: impl Into<QueryFor<E>>) -> String {
    query.into().into_query().expect("the query is valid").to_string()
}

#[track_caller]
fn comes_back<E: Event + PartialEq + std::fmt::Debug>(event: &E, name: &str, payload: &str) {
    assert_eq!(event.event_type(), name);
    let bytes = event.encode().expect("the event is encoded");
    assert_eq!(bytes, payload);
    let back = E::decode(&event.event_type(), event.version(), &bytes);
    assert_eq!(back.expect("what was written is read"), *event);
}

#[test]
fn a_nested_event_keeps_its_name_version_tags_and_payload() {
    let payload = r#"{"student":1,"cents":-5}"#;
    comes_back(&paid(), "fee.paid", payload);
    comes_back(&Billing::Paid(paid()), "fee.paid", payload);
    comes_back(&School::Billing(Billing::Paid(paid())), "fee.paid", payload);
    comes_back(&Subset::Paid(paid()), "fee.paid", payload);
    comes_back(&Subset::Ended(Ended), "Ended", "{}");
    let deep = School::Billing(reminded());
    comes_back(&deep, "billing.Reminded", r#"{"student":1,"by":"mail"}"#);
    assert_eq!(deep.version(), 2);
    assert_eq!(deep.tags().unwrap().as_lines(), "by:mail\nstudent:1");
    let enrolled = School::Enrolled { student: StudentId(2), course: "c".to_owned() };
    comes_back(&enrolled, "school.Enrolled", r#"{"student":2,"course":"c"}"#);
    comes_back(&School::Closed, "school.Closed", "{}");
    comes_back(&Billing::Closed, "billing.Closed", "{}");
}

#[test]
fn an_error_of_a_nested_event_is_passed_on_and_any_other_type_is_unknown() {
    let decode = |name: &'static str, version| {
        School::decode(&EventType::from_static(name), version, b"{}").unwrap_err()
    };
    assert!(matches!(decode("school.Paid", 1), Undecodable::UnknownType));
    assert!(matches!(decode("fee.paid", 1), Undecodable::Malformed(_)));
    assert!(matches!(decode("Paid", 2), Undecodable::FutureVersion { stored: 2, known: 1 }));
    let past = decode("billing.Reminded", 1);
    assert!(matches!(past, Undecodable::PastVersion { stored: 1, known: 2 }));
}

#[test]
fn the_schema_holds_the_types_of_every_depth() {
    let names: Vec<_> = School::SCHEMA.types.iter().map(|info| info.name).collect();
    let expected =
        ["school.Enrolled", "school.Closed", "billing.Reminded", "billing.Closed", "fee.paid"];
    assert_eq!(names, expected);
    assert_eq!(School::SCHEMA.find("Paid").unwrap().origin, "flatten::FeePaid");
    assert_eq!(text::<Subset>(QueryFor::all_types()), "(type Ended or Paid or fee.paid)");
}

#[test]
fn a_query_of_a_nested_event_is_widened() {
    let one = StudentId(1);
    let by_fee = "(type Paid or fee.paid, tag student:1)";
    assert_eq!(text::<Billing>(FeePaid::query().student(&one).widen()), by_fee);
    let twice = QueryFor::from(FeePaid::query().student(&one)).widen::<Billing>().widen::<School>();
    assert_eq!(text(twice), by_fee);
    let either = Billing::query().by("mail").widen() | School::query().course("c");
    assert_eq!(
        text::<School>(either),
        "(type billing.Reminded, tag by:mail) or (type school.Enrolled, tag course:c)"
    );
    let invalid = FeePaid::query().student(&one) | FeePaid::query();
    assert!(invalid.widen::<Subset>().as_query().is_ok());
    let invalid: QueryFor<School> = Billing::query().by("").widen();
    assert!(matches!(invalid.as_query(), Err(InvalidQuery::Tag { key: "by", .. })));
}

#[test]
fn a_key_of_both_selects_from_both() {
    assert_eq!(
        text(School::query().student(&StudentId(1))),
        "(type Paid or billing.Reminded or fee.paid or school.Enrolled, tag student:1)"
    );
}

#[test]
fn events_convert_outwards_and_back() {
    fn widened<E: Event, W: Includes<E> + From<E>>(event: E) -> W {
        event.into()
    }
    let outer: School = widened(reminded());
    assert_eq!(Billing::try_from(outer).unwrap(), reminded());
    assert_eq!(Billing::try_from(School::Closed).unwrap_err(), School::Closed);
    assert_eq!(FeePaid::try_from(Billing::from(paid())).unwrap(), paid());
}

#[test]
fn a_kind_names_the_variant() {
    assert_eq!(School::from(reminded()).kind(), SchoolKind::Billing);
    assert_eq!(reminded().kind(), BillingKind::Reminded);
    assert_ne!(BillingKind::Closed, BillingKind::Paid);
    let kinds = std::collections::HashSet::from([SchoolKind::Closed, School::Closed.kind()]);
    assert_eq!(kinds.len(), 1);
}
