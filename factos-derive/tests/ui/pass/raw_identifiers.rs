#![allow(non_camel_case_types)]

use factos::{Event, EventType, Payload, QueryFor, TagValue};

#[derive(Debug, PartialEq, TagValue, Payload)]
struct r#type {
    r#match: u8,
}

#[derive(Debug, PartialEq, Event)]
enum r#enum {
    r#struct {
        #[tag]
        r#type: r#type,
        #[tag("while")]
        other: u8,
    },
    r#loop,
}

fn main() {
    let value = r#type { r#match: 1 };
    let query = r#enum::query().r#type(&value).r#while(2);
    let text = QueryFor::from(query).as_query().unwrap().to_string();
    assert_eq!(text, "(type struct, tag type:1 and while:2)");
    let event = r#enum::r#struct { r#type: value, other: 2 };
    assert_eq!(event.encode().unwrap(), r#"{"type":{"match":1},"other":2}"#);
    let name = EventType::from_static("loop");
    assert_eq!(r#enum::decode(&name, 1, b"{}").unwrap(), r#enum::r#loop);
    let _: enumQuery = r#enum::query();
}
