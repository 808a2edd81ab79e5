//! This crate does not compile if generated code uses another path of factos than the one given, or syntax
//! that has another meaning in an older edition.

use facts::{Event, Payload, TagValue};

/// An id.
#[derive(Debug, Clone, PartialEq, TagValue, Payload)]
#[event(crate = facts)]
pub struct CourseId(pub String);

/// The first version of a course.
#[derive(Debug, Payload)]
#[event(crate = facts)]
pub struct V1 {
    id: CourseId,
}

/// A struct event.
#[derive(Debug, PartialEq, Event)]
#[event("fee.paid", crate = facts)]
pub struct FeePaid {
    /// By whom.
    #[tag]
    pub student: u64,
}

/// Types, and a module, that are named by a word of 2024.
pub mod gen {
    pub use facts;

    /// An event.
    #[expect(non_camel_case_types, reason = "the word is a name here")]
    #[derive(Debug, PartialEq, facts::Event)]
    #[event(crate = crate::gen::facts)]
    pub enum gen {
        /// It began.
        Begun {
            /// When.
            #[tag]
            gen: u8,
        },
    }

    /// A payload.
    #[derive(Debug, Default, facts::Payload)]
    #[event(crate = crate::gen::facts)]
    #[serde(default)]
    pub struct Gen {
        /// When.
        pub gen: u8,
    }
}

/// An enum with all that there is.
#[derive(Debug, PartialEq, Event)]
#[event(crate = facts, prefix = "course.", codec = facts::Json)]
pub enum Course {
    /// With a past.
    #[event(version = 3, alias = "old", upcast_json(1 = one), upcast(2 = two?))]
    Defined {
        /// Which.
        #[tag]
        course: CourseId,
        /// How many.
        #[tag(display)]
        #[tag("half", with = half)]
        #[serde(default)]
        seats: u32,
    },
    /// Another event.
    #[event(flatten)]
    Paid(FeePaid),
    /// With a word of 2024 as its field.
    Noted {
        /// A keyword, elsewhere.
        #[tag]
        gen: u8,
    },
    /// The end.
    #[event(tags_with = none)]
    Closed,
}

facts::assert_distinct!(Course, FeePaid);

fn one(value: facts::JsonValue) -> Result<facts::JsonValue, String> {
    Ok(value)
}

fn two(old: V1) -> Result<Course, String> {
    Ok(Course::Defined { course: old.id, seats: 1 })
}

fn half(seats: &u32) -> u32 {
    seats / 2
}

const fn none(_: &Course) -> [(&'static str, &'static str); 0] {
    []
}

#[cfg(test)]
mod tests {
    use facts::{testing::assert_comes_back, EventType, QueryFor};

    use super::*;

    #[test]
    fn events_work_under_another_name() {
        let defined = Course::Defined { course: CourseId("c".into()), seats: 1 };
        let old = Course::decode(&EventType::from_static("old"), 1, br#"{"id":"c"}"#);
        assert_eq!(old.unwrap(), defined);
        assert_comes_back(&defined);
        assert_comes_back(&Course::Noted { gen: 1 });
        assert_comes_back(&Course::from(FeePaid { student: 1 }));
        assert_eq!(defined.kind(), CourseKind::Defined);
        let query: QueryFor<Course> = FeePaid::query().student(1).widen() | Course::query().gen(2);
        assert!(query.as_query().is_ok());
    }
}
