//! Typed queries: which events they select, and their errors.

use factos::{Event, InvalidQuery, Payload, Query, QueryFor, TagValue};

#[derive(Debug, Clone, PartialEq, TagValue, Payload)]
struct CourseId(String);

#[derive(Debug, Clone, PartialEq, TagValue, Payload)]
struct StudentId(u64);

#[derive(Debug, PartialEq, Event)]
#[event(prefix = "s.")]
enum School {
    Defined {
        #[tag]
        course: CourseId,
    },
    Enrolled {
        #[tag]
        course: CourseId,
        #[tag]
        student: StudentId,
    },
    Assigned {
        #[tag("teacher-name")]
        teachers: Vec<String>,
        #[tag]
        room: Option<u8>,
    },
    Closed,
}

#[derive(Debug, Event)]
struct Paid {
    #[tag]
    r#for: Box<str>,
    #[tag("1st payer")]
    payer: u8,
}

fn text(query: impl Into<QueryFor<School>>) -> String {
    let query = query.into().into_query();
    query.expect("the query is valid").to_string()
}

fn course(id: &str) -> CourseId {
    CourseId(id.to_owned())
}

#[test]
fn an_item_holds_all_its_tags_and_the_types_that_carry_all_its_keys() {
    let (c, s) = (course("c1"), StudentId(7));
    let (by_course, both) = (School::query().course(&c), School::query().student(&s).course(&c));
    assert_eq!(text(by_course), "(type s.Defined or s.Enrolled, tag course:c1)");
    assert_eq!(text(both), "(type s.Enrolled, tag course:c1 and student:7)");
}

#[test]
fn one_key_may_be_asked_for_twice() {
    let query = School::query().teacher_name("a").teacher_name("b");
    assert_eq!(text(query), "(type s.Assigned, tag teacher-name:a and teacher-name:b)");
}

#[test]
fn the_argument_is_that_of_an_element_and_is_coerced() {
    let owned = String::from("a");
    let by_name = |query: school::Query| text(query);
    assert_eq!(
        by_name(School::query().teacher_name(&owned)),
        by_name(School::query().teacher_name("a"))
    );
    assert_eq!(text(School::query().room(5)), "(type s.Assigned, tag room:5)");
    let shared = std::rc::Rc::new(course("c1"));
    assert_eq!(text(School::query().course(&shared)), text(School::query().course(&course("c1"))));
}

mod school {
    pub(super) use super::SchoolQuery as Query;
}

#[test]
fn items_and_queries_are_ored() {
    let (c, s) = (course("c1"), StudentId(7));
    let either = School::query().course(&c) | School::query().student(&s) | School::query().room(1);
    assert_eq!(
        text(either.clone()),
        "(type s.Defined or s.Enrolled, tag course:c1) or (type s.Enrolled, tag student:7) \
         or (type s.Assigned, tag room:1)"
    );
    let nested =
        School::query().course(&c) | (School::query().student(&s) | School::query().room(1));
    assert_eq!(text(nested), text(either));
}

#[test]
fn a_query_without_tags_is_every_type_and_nothing_else() {
    let all = "(type s.Assigned or s.Closed or s.Defined or s.Enrolled)";
    assert_eq!(text(School::query()), all);
    assert_eq!(text(QueryFor::all_types()), all);
    assert_ne!(QueryFor::from(School::query()).into_query().unwrap(), Query::all());
}

#[test]
fn what_a_query_selects_is_what_carries_the_tags() {
    let event = School::Enrolled { course: course("c1"), student: StudentId(7) };
    let matches = |query: school::Query| {
        let query = QueryFor::from(query).into_query().unwrap();
        query.matches(&event.event_type(), &event.tags().unwrap())
    };
    assert!(matches(School::query().course(&course("c1")).student(&StudentId(7))));
    assert!(matches(School::query().student(&StudentId(7))));
    assert!(!matches(School::query().course(&course("c1")).student(&StudentId(8))));
    assert!(!matches(School::query().room(7)));
}

#[test]
fn keys_that_are_no_identifiers_become_methods() {
    let query = QueryFor::from(Paid::query().r#for("x")._1st_payer(2));
    let text = query.as_query().unwrap().to_string();
    assert_eq!(text, "(type Paid, tag 1st payer:2 and for:x)");
}

#[test]
fn keys_that_no_event_carries_together_are_an_error_that_names_them() {
    let query = QueryFor::from(School::query().room(1).course(&course("c1")).room(2));
    let expected = InvalidQuery::NoEvent { event: "School", keys: vec!["room", "course"] };
    assert_eq!(query.as_query().unwrap_err(), expected);
    assert_eq!(
        expected.to_string(),
        "no event of School carries all of the tags [\"room\", \"course\"]"
    );
}

#[test]
fn a_value_that_makes_no_tag_is_an_error_that_survives_composition() {
    let long = "x".repeat(300);
    for value in ["", "a\u{7}", &long] {
        let bad = || School::query().teacher_name("a").teacher_name(value).room(1);
        let good = || School::query().room(1);
        for query in [bad().into(), bad() | good(), good() | bad(), QueryFor::all_types() | bad()] {
            let error = query.into_query().unwrap_err();
            assert!(matches!(error, InvalidQuery::Tag { key: "teacher-name", .. }), "{error}");
        }
    }
}

#[test]
fn an_argument_without_a_text_does_not_widen_the_query() {
    #[derive(Debug, TagValue, Payload)]
    struct Maybe(Option<u8>);
    #[derive(Event)]
    struct Seen {
        #[tag]
        maybe: Maybe,
    }
    assert!(Seen { maybe: Maybe(None) }.tags().unwrap().is_empty());
    let query = QueryFor::from(Seen::query().maybe(&Maybe(None)));
    assert!(matches!(query.as_query(), Err(InvalidQuery::Tag { key: "maybe", .. })));
    let query = QueryFor::from(Seen::query().maybe(&Maybe(Some(1))));
    assert_eq!(query.as_query().unwrap().to_string(), "(type Seen, tag maybe:1)");
}

mod by_kind {
    use factos::Event;

    #[derive(Event)]
    pub(super) struct Paid {
        #[tag]
        pub(super) order: u8,
    }

    #[derive(Event)]
    pub(super) enum Parcel {
        #[event("parcel.sent", alias = "Sent")]
        Sent {
            #[tag]
            order: u8,
        },
        Lost,
    }

    #[derive(Event)]
    pub(super) enum Order {
        #[event(flatten)]
        Paid(Paid),
        #[event(alias = "Begun")]
        Opened {
            #[tag]
            order: u8,
        },
        #[event(flatten)]
        Parcel(Parcel),
        Closed {
            #[tag]
            order: u8,
        },
    }
}

#[test]
fn a_query_is_narrowed_to_kinds_under_all_of_their_names() {
    use by_kind::{Order, OrderKind, Parcel, ParcelKind};
    use factos::{InvalidQuery, QueryFor};

    let text = |query: QueryFor<Order>| query.into_query().unwrap().to_string();
    let of = |kinds: &[OrderKind]| text(Order::query().order(7).only(kinds.iter().copied()));
    assert_eq!(of(&[OrderKind::Opened]), "(type Begun or Opened, tag order:7)");
    assert_eq!(of(&[OrderKind::Closed]), "(type Closed, tag order:7)");
    assert_eq!(of(&[OrderKind::Paid, OrderKind::Closed]), "(type Closed or Paid, tag order:7)");
    assert_eq!(of(&[OrderKind::Parcel]), "(type Sent or parcel.sent, tag order:7)");
    let all = "(type Lost or Sent or parcel.sent)";
    assert_eq!(text(Order::query().only([OrderKind::Parcel])), all);
    let either = Order::query().order(7) | Parcel::query().widen::<Order>();
    let either = either.only([OrderKind::Parcel, OrderKind::Opened]);
    let parcels = "(type Lost or Sent or parcel.sent)";
    assert_eq!(
        text(either),
        format!("(type Begun or Opened or Sent or parcel.sent, tag order:7) or {parcels}")
    );
    let lost = Parcel::query().order(7).only([ParcelKind::Lost, ParcelKind::Sent]);
    assert!(matches!(lost.as_query(), Err(InvalidQuery::NotOfKind { kind: "Lost", .. })));
    let none = Parcel::query().only([]).into_query();
    assert!(matches!(none, Err(InvalidQuery::NoKind { .. })));
    assert_eq!(text(Order::query().order(7).any_type()), "(tag order:7)");
}

mod of_payloads {
    use factos::{Event, Payload};

    use super::{CourseId, StudentId};

    #[derive(Debug, PartialEq, Payload)]
    pub(super) struct Enrolment {
        pub(super) course: CourseId,
        pub(super) students: Vec<StudentId>,
    }

    impl Enrolment {
        fn course(&self) -> CourseId {
            self.course.clone()
        }

        fn students(&self) -> Vec<StudentId> {
            self.students.clone()
        }

        fn size(&self) -> Vec<(&'static str, String)> {
            vec![("size", self.students.len().to_string())]
        }
    }

    #[derive(Debug, PartialEq, Event)]
    pub(super) enum Office {
        #[event(tags_with = Enrolment::size)]
        Enrolled(
            #[tag("course", with = Enrolment::course, value = CourseId)]
            #[tag("student", with = Enrolment::students, value = Vec<StudentId>)]
            Enrolment,
        ),
        Closed {
            #[tag]
            course: CourseId,
        },
        Renamed(#[tag("room")] String),
    }
}

#[test]
fn the_tags_of_a_payload_are_made_and_asked_for() {
    use of_payloads::{Enrolment, Office};

    let text =
        |query: of_payloads::OfficeQuery| QueryFor::from(query).into_query().unwrap().to_string();
    let enrolled = Office::Enrolled(Enrolment {
        course: course("c1"),
        students: vec![StudentId(1), StudentId(2)],
    });
    let tags = enrolled.tags().unwrap();
    assert_eq!(tags.as_lines(), "course:c1\nsize:2\nstudent:1\nstudent:2");
    assert_eq!(Office::Renamed("a1".to_owned()).tags().unwrap().as_lines(), "room:a1");
    assert_eq!(
        text(Office::query().course(&course("c1"))),
        "(type Closed or Enrolled, tag course:c1)"
    );
    let both = Office::query().course(&course("c1")).student(&StudentId(1));
    assert_eq!(text(both), "(type Enrolled, tag course:c1 and student:1)");
    assert_eq!(text(Office::query().room("a1")), "(type Renamed, tag room:a1)");
    let keys = Office::SCHEMA.types[0].tag_keys;
    assert_eq!(keys, ["course", "student"]);
    let encoded = enrolled.encode().unwrap();
    assert_eq!(encoded, r#"{"course":"c1","students":[1,2]}"#);
}
