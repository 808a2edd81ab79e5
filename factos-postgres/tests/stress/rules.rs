//! Decisions over a few courses, students and names, so that they get in each other's way.

use factos::{EventType, NewEvent, Query, QueryItem, StreamName, Tag, Tags};

pub(crate) const CAPACITY: usize = 5;
pub(crate) const COURSES_A_STUDENT: usize = 3;

const ENROLLED: EventType = EventType::from_static("Enrolled");
const LEFT: EventType = EventType::from_static("Left");
const CLAIMED: EventType = EventType::from_static("NameClaimed");
const RELEASED: EventType = EventType::from_static("NameReleased");
const NOTED: EventType = EventType::from_static("Noted");
const CLOSED: EventType = EventType::from_static("TermClosed");

/// A command, and so what its decision depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Rule {
    /// A course has a capacity, and a student a limit.
    Enrol { course: u32, student: u32 },
    /// A name is taken once.
    Claim { name: u32 },
    /// Counted over two tags together.
    Note { course: u32, student: u32 },
    /// Counted over a type.
    CloseTerm,
    /// Counted over types or a tag.
    Inspect { course: u32 },
    /// Counted over everything.
    Count,
}

impl Rule {
    pub(crate) fn any() -> Self {
        let (course, student) = (fastrand::u32(..6), fastrand::u32(..8));
        match fastrand::u32(..100) {
            0..40 => Self::Enrol { course, student },
            40..60 => Self::Claim { name: fastrand::u32(..5) },
            60..80 => Self::Note { course, student },
            80..88 => Self::CloseTerm,
            88..97 => Self::Inspect { course },
            _ => Self::Count,
        }
    }

    pub(crate) fn to_text(self) -> String {
        match self {
            Self::Enrol { course, student } => format!("enrol {course} {student}"),
            Self::Claim { name } => format!("claim {name} 0"),
            Self::Note { course, student } => format!("note {course} {student}"),
            Self::CloseTerm => "close 0 0".to_owned(),
            Self::Inspect { course } => format!("inspect {course} 0"),
            Self::Count => "count 0 0".to_owned(),
        }
    }

    pub(crate) fn of_text(text: &str) -> Self {
        let words: Vec<_> = text.split(' ').collect();
        let (a, b) = (words[1].parse().unwrap(), words[2].parse().unwrap());
        match words[0] {
            "enrol" => Self::Enrol { course: a, student: b },
            "claim" => Self::Claim { name: a },
            "note" => Self::Note { course: a, student: b },
            "close" => Self::CloseTerm,
            "inspect" => Self::Inspect { course: a },
            "count" => Self::Count,
            other => panic!("no rule {other}"),
        }
    }

    pub(crate) fn query(self) -> Query {
        match self {
            Self::Enrol { course, student } => {
                Query::item(of(&[ENROLLED, LEFT], &[course_tag(course)]))
                    .or(of(&[ENROLLED, LEFT], &[student_tag(student)]))
            }
            Self::Claim { name } => Query::item(of(&[], &[name_tag(name)])),
            Self::Note { course, student } => {
                Query::item(of(&[], &[course_tag(course), student_tag(student)]))
            }
            Self::CloseTerm => Query::item(of(&[CLOSED], &[])),
            Self::Inspect { course } => {
                Query::item(of(&[CLOSED, CLAIMED], &[])).or(of(&[], &[course_tag(course)]))
            }
            Self::Count => Query::all(),
        }
    }

    /// The events of a decision that saw these.
    pub(crate) fn decide(self, seen: &[Seen]) -> Option<Vec<NewEvent>> {
        let enrolled = |tag: &Tag| {
            let of = |event_type: EventType| {
                seen.iter()
                    .filter(|e| e.event_type == event_type && e.tags.contains(tag.as_str()))
                    .count()
            };
            of(ENROLLED).saturating_sub(of(LEFT))
        };
        match self {
            Self::Enrol { course, student } => {
                let both = [course_tag(course), student_tag(student)];
                let has =
                    seen.iter().rfind(|e| both.iter().all(|tag| e.tags.contains(tag.as_str())));
                if has.is_some_and(|event| event.event_type == ENROLLED) {
                    return Some(vec![new(LEFT, &both)]);
                }
                let free = enrolled(&both[0]) < CAPACITY && enrolled(&both[1]) < COURSES_A_STUDENT;
                free.then(|| vec![new(ENROLLED, &both)])
            }
            Self::Claim { name } => {
                let taken = seen.last().is_some_and(|event| event.event_type == CLAIMED);
                Some(vec![new(if taken { RELEASED } else { CLAIMED }, &[name_tag(name)])])
            }
            Self::Note { course, student } => {
                let both = [course_tag(course), student_tag(student)];
                Some(vec![new(NOTED, &both), new(NOTED, &both[..1])])
            }
            Self::CloseTerm => Some(vec![new(CLOSED, &[])]),
            Self::Inspect { course } => Some(vec![new(NOTED, &[course_tag(course)])]),
            Self::Count => Some(vec![new(NOTED, &[])]),
        }
    }
}

/// What a decision looks at in an event.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) event_type: EventType,
    pub(crate) tags: Tags,
}

/// Events without a decision.
pub(crate) fn noise() -> Vec<NewEvent> {
    let mut event = new(NOTED, &[course_tag(fastrand::u32(..6)), student_tag(fastrand::u32(..8))]);
    event.stream = Some(StreamName::new(format!("stream-{}", fastrand::u32(..3))).unwrap());
    vec![event]
}

/// More names than one commit may lock.
pub(crate) fn oversized() -> Vec<NewEvent> {
    let course = course_tag(fastrand::u32(..6));
    let own = |n: u32| Tag::new("line", &format!("{n}-{}", fastrand::u32(..1000))).unwrap();
    (0..80).map(|n| new(NOTED, &[course.clone(), own(n)])).collect()
}

/// How many events break a rule, by the events before them.
pub(crate) fn broken_rules(log: &[Seen]) -> usize {
    let mut enrolled = std::collections::HashMap::<String, usize>::new();
    let mut taken = std::collections::HashMap::<String, bool>::new();
    let mut broken = 0;
    for event in log {
        for tag in event.tags.iter() {
            let limit = if tag.starts_with("course:") { CAPACITY } else { COURSES_A_STUDENT };
            let count = enrolled.entry(tag.to_owned()).or_default();
            if event.event_type == ENROLLED {
                *count += 1;
                broken += usize::from(*count > limit);
            } else if event.event_type == LEFT {
                *count = count.saturating_sub(1);
            } else if event.event_type == CLAIMED {
                broken += usize::from(taken.insert(tag.to_owned(), true) == Some(true));
            } else if event.event_type == RELEASED {
                taken.insert(tag.to_owned(), false);
            }
        }
    }
    broken
}

fn new(event_type: EventType, tags: &[Tag]) -> NewEvent {
    let mut event = NewEvent::new(event_type, "{}");
    event.tags = tags.iter().collect();
    event
}

fn of(types: &[EventType], tags: &[Tag]) -> QueryItem {
    match types {
        [] => QueryItem::with_tags(tags.iter().collect()).unwrap(),
        _ => {
            let item = QueryItem::of_types(types.iter().cloned()).unwrap();
            tags.iter().fold(item, QueryItem::tagged)
        }
    }
}

fn course_tag(number: u32) -> Tag {
    Tag::new("course", &number.to_string()).unwrap()
}

fn student_tag(number: u32) -> Tag {
    Tag::new("student", &number.to_string()).unwrap()
}

fn name_tag(number: u32) -> Tag {
    Tag::new("name", &number.to_string()).unwrap()
}
