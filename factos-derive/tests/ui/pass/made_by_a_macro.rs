//! An event whose parts come from the arguments of a macro.

use factos::{Event, Payload, TagValue};

#[derive(Payload)]
struct Old(u8);

fn upgrade(old: Old) -> Made {
    Made::First { id: Id(old.0), at: 1 }
}

fn text_of(at: &u64) -> String {
    at.to_string()
}

#[derive(Debug, PartialEq, TagValue, Payload)]
struct Id(u8);

macro_rules! make {
    ($name:ident, $variant:ident, $function:path, $with:ident, $field:ident: $ty:ty, $text:literal) => {
        #[derive(Debug, PartialEq, Event)]
        #[event(prefix = $text)]
        enum $name {
            #[event(version = 2, upcast(1 = $function), alias = $text)]
            $variant {
                #[tag]
                $field: $ty,
                #[tag(with = $with)]
                at: u64,
            },
            Second,
        }
    };
}

make!(Made, First, crate::upgrade, text_of, id: Id, "made.");

fn main() {
    let event = Made::First { id: Id(3), at: 1 };
    assert_eq!(event.event_type(), "made.First");
    assert_eq!(event.tags().unwrap().as_lines(), "at:1\nid:3");
    assert_eq!(Made::decode(&event.event_type(), 1, b"3").unwrap(), event);
    assert_eq!(Made::SCHEMA.types[0].aliases, ["made."]);
    let _ = Made::query().id(&Id(3)).at(&1);
}
