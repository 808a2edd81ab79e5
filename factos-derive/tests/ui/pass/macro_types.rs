//! An enum that a macro writes, with fragments for its types and names.
use factos::{Event, QueryFor};

macro_rules! events {
    ($name:ident, $key:literal, $ty:ty, $prefix:literal) => {
        #[derive(Event)]
        #[event(prefix = $prefix)]
        enum $name {
            Seen {
                #[tag($key)]
                value: $ty,
            },
            Held($ty),
        }
    };
}

events!(Course, "course", Vec<u8>, "c.");

mod notes {
    #[derive(factos::Payload)]
    pub struct Note(u8);

    macro_rules! noted {
        ($name:ident) => {
            #[derive(factos::Event)]
            pub enum $name {
                Noted($crate::notes::Note),
                Held { notes: Vec<$crate::notes::Note> },
            }
        };
    }

    noted!(Noted);
}

fn main() {
    assert_eq!(notes::Noted::Held { notes: vec![] }.encode().unwrap(), r#"{"notes":[]}"#);
    assert_eq!(Course::Held(vec![1]).encode().unwrap(), "[1]");
    let query = QueryFor::from(Course::query().course(1));
    assert_eq!(query.as_query().unwrap().to_string(), "(type c.Seen, tag course:1)");
    assert_eq!(Course::Seen { value: vec![2] }.tags().unwrap().as_lines(), "course:2");
}
