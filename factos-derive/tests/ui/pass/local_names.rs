//! Fields, variants and functions with the names that generated code uses.
#![allow(non_camel_case_types, dead_code)]

use factos::{Event, Payload};

#[derive(Payload)]
struct Old {
    event: u8,
}

#[derive(Payload)]
struct Older {
    event: u8,
}

fn __old(old: Older) -> Old {
    Old { event: old.event }
}

fn __next(old: Old) -> Names {
    Names::Fields {
        event: old.event,
        events: 0,
        event_type: 0,
        version: 0,
        payload: 0,
        tags: 0,
        variant: 0,
        serializer: 0,
        deserializer: 0,
        query: 0,
        value: 0,
        kind: 0,
        f: 0,
        factos: 0,
        __tags: 0,
        __text: 0,
        __value: 0,
        __inner: 0,
        __field0: 0,
        __field1: 0,
        __version: 0,
        __payload: 0,
        __event_type: 0,
    }
}

fn __text(value: &u8) -> String {
    value.to_string()
}

fn __payload(_: &Old) -> Option<(&'static str, String)> {
    None
}

#[derive(Event)]
struct Ok;

#[derive(Event)]
enum Names {
    #[event(version = 3, upcast(1 = __old, 2 = __next))]
    Fields {
        #[tag]
        event: u8,
        #[tag]
        events: u8,
        #[tag]
        event_type: u8,
        #[tag]
        version: u8,
        #[tag]
        payload: u8,
        #[tag]
        tags: u8,
        #[tag]
        variant: u8,
        #[tag]
        serializer: u8,
        #[tag]
        deserializer: u8,
        #[tag]
        query: u8,
        #[tag]
        value: u8,
        #[tag]
        kind: u8,
        #[tag(with = __text)]
        f: u8,
        #[tag(display)]
        factos: u8,
        #[tag]
        __tags: u8,
        #[tag]
        __text: u8,
        #[tag]
        __value: u8,
        #[tag]
        __inner: u8,
        #[tag]
        __field0: u8,
        #[tag]
        __field1: u8,
        #[tag]
        __version: u8,
        #[tag]
        __payload: u8,
        #[tag]
        __event_type: u8,
    },
    #[event(tags_with = __payload)]
    Err(Old),
    #[event(flatten)]
    Some(Ok),
    None,
    Result,
    Option,
    String,
    Event,
    core,
    factos,
    serde,
}

fn main() {
    let name = factos::EventType::from_static("Fields");
    let event = Names::decode(&name, 1, br#"{"event":7}"#).unwrap();
    assert!(matches!(event, Names::Fields { event: 7, .. }));
    assert_eq!(event.tags().unwrap().len(), 23);
    let query = Names::query().event(7).__tags(0).f(&0).factos(&0) | Names::query().__value(1);
    assert!(query.into_query().is_ok());
    assert_eq!(Names::Some(Ok).event_type(), "Ok");
    assert_eq!(Names::core.kind(), NamesKind::core);
}
