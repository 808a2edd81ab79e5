//! Fields that serde skips, or that functions write and read, need none of its traits.
use std::borrow::Cow;

use factos::{Event, EventType, Payload};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Debug, Default, PartialEq)]
struct Plain(u8);

#[derive(Debug, PartialEq, Serialize)]
struct Written(u8);

#[derive(Debug, Default, PartialEq, Deserialize)]
struct Read(u8);

mod plain {
    use super::*;

    pub fn serialize<S: Serializer>(plain: &Plain, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(plain.0)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Plain, D::Error> {
        u8::deserialize(deserializer).map(Plain)
    }
}

fn write<S: Serializer>(read: &Read, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(read.0)
}

fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Written, D::Error> {
    u8::deserialize(deserializer).map(Written)
}

#[derive(Debug, PartialEq, Event)]
enum Course {
    Defined {
        #[serde(with = "plain")]
        with: Plain,
        #[serde(skip)]
        skipped: Plain,
        #[serde(serialize_with = "write")]
        read: Read,
        #[serde(deserialize_with = "read")]
        written: Written,
        text: Cow<'static, str>,
        tree: Option<Box<Tree>>,
    },
    #[serde(with = "plain")]
    Variant(Plain),
    Field(#[serde(with = "plain")] Plain),
}

#[derive(Debug, PartialEq, Event)]
struct Paid {
    #[serde(with = "plain")]
    with: Plain,
    #[serde(default, skip_serializing)]
    read: Read,
    #[serde(skip_deserializing)]
    skipped: u8,
}

#[derive(Debug, PartialEq, Payload)]
struct Tree {
    #[serde(with = "plain")]
    with: Plain,
    children: Vec<Tree>,
    parents: Box<[Self]>,
}

#[derive(Debug, PartialEq, Payload)]
#[serde(bound = "u8: Copy")]
enum Note {
    #[serde(skip)]
    Skipped(Plain),
    #[serde(serialize_with = "write")]
    Read(Read),
    Tree(Tree),
}

#[derive(Debug, PartialEq, Payload, Clone, Copy)]
#[serde(from = "u8", into = "u8")]
struct Through {
    plain: Inner,
}

#[derive(Debug, PartialEq, Clone, Copy)]
struct Inner(u8);

impl From<u8> for Through {
    fn from(inner: u8) -> Self {
        Self { plain: Inner(inner) }
    }
}

impl From<Through> for u8 {
    fn from(through: Through) -> Self {
        through.plain.0
    }
}

#[derive(Debug, PartialEq, Event)]
enum Held {
    Note(Note),
    Through(Through),
}

fn round_trip<E: Event + PartialEq + std::fmt::Debug>(event: &E, payload: &str) {
    let bytes = event.encode().unwrap();
    assert_eq!(bytes, payload);
    let name: EventType = event.event_type();
    assert_eq!(E::decode(&name, 1, &bytes).unwrap(), *event);
}

fn main() {
    let tree = || Tree { with: Plain(1), children: vec![], parents: Box::new([]) };
    let tree_text = r#"{"with":1,"children":[],"parents":[]}"#;
    let defined = Course::Defined {
        with: Plain(1),
        skipped: Plain(0),
        read: Read(2),
        written: Written(3),
        text: "t".into(),
        tree: Some(Box::new(tree())),
    };
    let text = format!(r#"{{"with":1,"read":2,"written":3,"text":"t","tree":{tree_text}}}"#);
    round_trip(&defined, &text);
    round_trip(&Course::Variant(Plain(1)), "1");
    round_trip(&Course::Field(Plain(1)), "1");
    round_trip(&Paid { with: Plain(1), read: Read(0), skipped: 0 }, r#"{"with":1,"skipped":0}"#);
    round_trip(&Held::Note(Note::Tree(tree())), &format!(r#"{{"Tree":{tree_text}}}"#));
    round_trip(&Held::Note(Note::Read(Read(1))), r#"{"Read":1}"#);
    round_trip(&Held::Through(Through { plain: Inner(4) }), "4");
    assert!(Held::Note(Note::Skipped(Plain(1))).encode().is_err());
}
