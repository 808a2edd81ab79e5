//! factos under another name, and under another path.
extern crate factos as renamed;



mod my {
    pub(crate) mod events {
        pub(crate) use renamed::*;
    }
}

use my::events::Event as _;

#[derive(renamed::TagValue, renamed::Payload)]
#[event(crate = renamed)]
struct CourseId(u8);

#[derive(renamed::Payload)]
#[event(crate = crate::my::events)]
#[serde(default)]
struct Note {
    text: String,
}

impl Default for Note {
    fn default() -> Self {
        Self { text: "none".to_owned() }
    }
}

#[derive(renamed::Event)]
#[event(crate = crate::my::events, prefix = "x.")]
enum Course {
    Defined {
        #[tag]
        course: CourseId,
    },
    Noted(Note),
    Closed,
}

#[derive(renamed::Event)]
#[event("paid", crate = renamed)]
struct Paid {
    #[tag]
    student: Option<u8>,
}

fn main() {
    let query = Course::query().course(&CourseId(1)) | Course::query();
    assert!(query.as_query().is_ok());
    let noted = renamed::EventType::from_static("x.Noted");
    let Course::Noted(note) = Course::decode(&noted, 1, b"{}").unwrap() else { unreachable!() };
    assert_eq!(note.text, "none");
    assert_eq!(Paid { student: Some(1) }.tags().unwrap().as_lines(), "student:1");
}
