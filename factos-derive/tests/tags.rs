//! The tags of an event.

use std::{collections::BTreeSet, error::Error};

use factos::{EncodeError, Event, EventId, Payload, QueryFor, TagValue};

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

#[derive(Debug, PartialEq, Payload)]
struct Day {
    year: u16,
    month: u8,
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{:02}", self.year, self.month)
    }
}

fn year_of(day: &Day) -> u16 {
    day.year
}

fn note_tags(note: &Note) -> Option<(&'static str, String)> {
    (!note.text.is_empty()).then(|| ("text", note.text.clone()))
}

#[derive(Debug, PartialEq, Event)]
enum Calendar {
    #[event(tags_with = Self::extra)]
    Opened {
        #[tag(display)]
        #[tag(key = "year", with = year_of)]
        #[tag("reversed", with = Self::reversed)]
        day: Day,
    },
    Moved {
        #[tag("day", display)]
        from: Day,
        #[tag("day", display)]
        to: Day,
        #[tag]
        year: u16,
    },
    #[event(tags_with = note_tags)]
    Noted(Note),
    #[event(tags_with = Self::extra)]
    Closed,
}

impl Calendar {
    fn reversed(day: &Day) -> Vec<String> {
        vec![format!("{}/{}", day.month, day.year), day.month.to_string()]
    }

    fn extra(&self) -> [(&'static str, &'static str); 2] {
        [("kind", "calendar"), ("state", if *self == Self::Closed { "closed" } else { "open" })]
    }
}

#[derive(Debug, Event)]
#[event(tags_with = own_tags)]
struct Own {
    #[tag]
    id: u8,
}

fn own_tags(event: &Own) -> Vec<(&'static str, String)> {
    vec![("double", (2 * event.id).to_string())]
}

#[test]
fn functions_and_display_make_texts_of_other_types() {
    let lines = |event: &Calendar| event.tags().unwrap().as_lines().to_owned();
    let day = |month| Day { year: 2026, month };
    assert_eq!(
        lines(&Calendar::Opened { day: day(3) }),
        "day:2026-03\nkind:calendar\nreversed:3\nreversed:3/2026\nstate:open\nyear:2026"
    );
    let moved = Calendar::Moved { from: day(3), to: day(4), year: 1 };
    assert_eq!(lines(&moved), "day:2026-03\nday:2026-04\nyear:1");
    let note = |text: &str| Calendar::Noted(Note { text: text.to_owned() });
    assert_eq!((lines(&note("a")), lines(&note(""))), ("text:a".into(), String::new()));
    assert_eq!(lines(&Calendar::Closed), "kind:calendar\nstate:closed");
    assert_eq!(Own { id: 4 }.tags().unwrap().as_lines(), "double:8\nid:4");
    let EncodeError::Tag { key, .. } = note("a\n").tags().unwrap_err() else { panic!() };
    assert_eq!(key, "text");
}

#[test]
fn queries_ask_for_what_the_field_holds() {
    let text =
        |query: CalendarQuery| factos::QueryFor::from(query).into_query().unwrap().to_string();
    let day = Day { year: 2026, month: 3 };
    assert_eq!(text(Calendar::query().day(&day)), "(type Moved or Opened, tag day:2026-03)");
    assert_eq!(text(Calendar::query().year(7)), "(type Moved or Opened, tag year:7)");
    assert_eq!(
        text(Calendar::query().reversed(&day)),
        "(type Opened, tag reversed:3 and reversed:3/2026)"
    );
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

mod enums_and_elements {
    use factos::{Event, Payload, TagValue};

    #[derive(Debug, Clone, Copy, PartialEq, TagValue, Payload)]
    #[serde(rename_all = "kebab-case")]
    pub(super) enum Grade {
        VeryGood,
        #[serde(rename = "sufficient!")]
        Sufficient,
    }

    #[derive(Debug, PartialEq, Event)]
    pub(super) enum Exam {
        Graded {
            #[tag]
            grade: Grade,
            #[tag(display)]
            room: Option<std::net::Ipv4Addr>,
            #[tag("examiner", display)]
            examiners: Vec<std::num::NonZeroU8>,
        },
    }
}

#[test]
fn an_enum_is_a_tag_value_under_the_name_that_serde_gives_it() {
    use enums_and_elements::{Exam, Grade};
    let graded = |grade| Exam::Graded { grade, room: None, examiners: Vec::new() };
    assert_eq!(graded(Grade::VeryGood).tags().unwrap().as_lines(), "grade:very-good");
    assert_eq!(graded(Grade::Sufficient).tags().unwrap().as_lines(), "grade:sufficient!");
    let payload = graded(Grade::VeryGood).encode().unwrap();
    assert!(payload.starts_with(br#"{"grade":"very-good""#));
    let query = QueryFor::from(Exam::query().grade(&Grade::Sufficient)).into_query().unwrap();
    assert_eq!(query.to_string(), "(type Graded, tag grade:sufficient!)");
}

#[test]
fn display_makes_a_tag_of_each_element() {
    use enums_and_elements::{Exam, Grade};
    let [room, one, two] = [7, 1, 2];
    let address = std::net::Ipv4Addr::new(10, 0, 0, room);
    let number = |n| std::num::NonZeroU8::new(n).unwrap();
    let graded = Exam::Graded {
        grade: Grade::VeryGood,
        room: Some(address),
        examiners: vec![number(one), number(two)],
    };
    let tags = "examiner:1\nexaminer:2\ngrade:very-good\nroom:10.0.0.7";
    assert_eq!(graded.tags().unwrap().as_lines(), tags);
    let query = Exam::query().room(&address).examiner(&number(two));
    let query = QueryFor::from(query).into_query().unwrap();
    assert_eq!(query.to_string(), "(type Graded, tag examiner:2 and room:10.0.0.7)");
}

mod made_values {
    use factos::{Event, Payload};

    #[derive(Debug, Clone, PartialEq, Payload)]
    pub(super) struct Time {
        pub(super) day: u32,
        pub(super) second: u32,
    }

    const fn day(time: &Time) -> u32 {
        time.day
    }

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn domain(address: &str) -> &str {
        address.rsplit('@').next().unwrap_or(address)
    }

    #[derive(Debug, PartialEq, Event)]
    pub(super) enum Visit {
        Begun {
            #[tag("day", with = day, value = u32)]
            at: Time,
            #[tag("word", with = words, value = Vec<String>)]
            title: String,
            #[tag("domain", with = domain, value = &str)]
            mail: String,
        },
        Planned {
            #[tag]
            day: u32,
            #[tag("room", display)]
            room: Option<u8>,
        },
        Moved {
            #[tag("room", display)]
            room: u8,
        },
    }
}

#[test]
fn what_a_function_makes_can_be_asked_for() {
    use made_values::{Time, Visit};
    let at = Time { day: 7, second: 1 };
    let begun = Visit::Begun { at, title: "two words".into(), mail: "a@b.example".into() };
    let tags = "day:7\ndomain:b.example\nword:two\nword:words";
    assert_eq!(begun.tags().unwrap().as_lines(), tags);
    let text = |query| QueryFor::<Visit>::into_query(query).unwrap().to_string();
    let query = Visit::query().day(7).word("two").domain("b.example");
    let all = "(type Begun, tag day:7 and domain:b.example and word:two)";
    assert_eq!(text(query.into()), all);
    assert_eq!(text(Visit::query().day(7).into()), "(type Begun or Planned, tag day:7)");
    assert_eq!(text(Visit::query().room(&1).into()), "(type Moved or Planned, tag room:1)");
}

/// Functions that take a reference as they please.
mod by_reference {
    use factos::{Event, Payload};

    #[derive(Payload)]
    pub(super) struct Note(pub(super) String);

    impl Note {
        pub(super) fn text(&self) -> &str {
            &self.0
        }
    }

    #[derive(Event)]
    pub(super) enum Course {
        Renamed {
            #[tag("bytes", with = str::len)]
            #[tag("shown", with = shown)]
            #[tag("loud", with = loud)]
            #[tag("same", with = ToString::to_string)]
            title: String,
            #[tag("count", with = <[_]>::len, value = usize)]
            words: Vec<String>,
        },
        #[event(tags_with = more)]
        Noted(#[tag("note", with = Note::text)] Note),
    }

    fn shown(value: impl std::fmt::Display) -> String {
        value.to_string()
    }

    fn loud(text: &str) -> String {
        text.to_uppercase()
    }

    fn more(note: &Note) -> Option<(&'static str, &str)> {
        Some(("more", &note.0))
    }
}

#[test]
fn a_function_takes_a_reference_or_what_one_becomes() {
    use by_reference::{Course, Note};

    let words = vec!["x".to_owned(), "y".to_owned()];
    let renamed = Course::Renamed { title: "ab".to_owned(), words };
    let all = "bytes:2\ncount:2\nloud:AB\nsame:ab\nshown:ab";
    assert_eq!(renamed.tags().unwrap().as_lines(), all);
    let noted = Course::Noted(Note("n".to_owned()));
    assert_eq!(noted.tags().unwrap().as_lines(), "more:n\nnote:n");
    let query = QueryFor::from(Course::query().loud(&"ab".to_owned()).count(2)).into_query();
    assert_eq!(query.unwrap().to_string(), "(type Renamed, tag count:2 and loud:AB)");
}
