//! Enums without attributes of serde are written and read by code of their own: as serde's derive would do it.

#![allow(dead_code, reason = "nobody queries these events")]

use factos::{Cbor, Event, EventType, Json, MessagePack, Postcard, Undecodable};

/// Two enums of one name and one shape: the second has an attribute without a consequence, for which serde's
/// derive is asked.
macro_rules! enums {
    ($module:ident, $codec:ty) => {
        mod $module {
            use super::*;

            pub(super) mod plain {
                use super::*;

                #[derive(Debug, PartialEq, Event)]
                #[event(codec = $codec)]
                pub(super) enum Course {
                    Defined {
                        course: String,
                        seats: u32,
                        room: Option<Box<str>>,
                        r#type: Vec<Option<i8>>,
                    },
                    Moved {
                        at: (u8, char),
                    },
                    Noted(Option<Vec<String>>),
                    Closed,
                }
            }

            pub(super) mod proxied {
                use super::*;

                #[derive(Debug, PartialEq, Event)]
                #[event(codec = $codec)]
                pub(super) enum Course {
                    Defined {
                        #[serde(rename = "course")]
                        course: String,
                        #[serde(rename = "seats")]
                        seats: u32,
                        #[serde(rename = "room")]
                        room: Option<Box<str>>,
                        #[serde(rename = "type")]
                        r#type: Vec<Option<i8>>,
                    },
                    Moved {
                        #[serde(rename = "at")]
                        at: (u8, char),
                    },
                    Noted(Option<Vec<String>>),
                    Closed,
                }
            }

            macro_rules! values {
                ($of:ident) => {
                    [
                        $of::Course::Defined {
                            course: "c1".to_owned(),
                            seats: 7,
                            room: None,
                            r#type: vec![None, Some(-1)],
                        },
                        $of::Course::Defined {
                            course: String::new(),
                            seats: u32::MAX,
                            room: Some("é".into()),
                            r#type: vec![],
                        },
                        $of::Course::Moved { at: (255, 'x') },
                        $of::Course::Noted(None),
                        $of::Course::Noted(Some(vec!["n".to_owned()])),
                        $of::Course::Closed,
                    ]
                };
            }

            pub(super) fn written() -> Vec<(&'static str, Vec<u8>)> {
                let names = ["Defined", "Defined", "Moved", "Noted", "Noted", "Closed"];
                let plain = values!(plain).map(|event| event.encode().unwrap());
                let proxied = values!(proxied).map(|event| event.encode().unwrap());
                assert_eq!(plain, proxied);
                names.into_iter().zip(plain.map(|payload| payload.to_vec())).collect()
            }

            /// What both read, or the text of the error.
            pub(super) fn read(name: &'static str, payload: &[u8]) -> Result<String, String> {
                let name = EventType::from_static(name);
                let plain = plain::Course::decode(&name, 1, payload);
                let proxied = proxied::Course::decode(&name, 1, payload);
                let plain = plain.map(|event| format!("{event:?}")).map_err(text);
                let proxied = proxied.map(|event| format!("{event:?}")).map_err(text);
                assert_eq!(plain, proxied, "{name}: {payload:?}");
                plain
            }
        }
    };
}

fn text(error: Undecodable) -> String {
    match error {
        Undecodable::Malformed(cause) => {
            let source = cause.source().map(ToString::to_string);
            format!("{cause}, {source:?}")
        }
        other => format!("{other:?}"),
    }
}

enums!(json, Json);
enums!(cbor, Cbor);
enums!(message_pack, MessagePack);
enums!(postcard, Postcard);

const NAMES: [&str; 5] = ["Defined", "Moved", "Noted", "Closed", "Never"];

#[test]
fn what_was_written_comes_back() {
    for (name, payload) in json::written() {
        assert!(json::read(name, &payload).is_ok());
    }
    for (name, payload) in cbor::written() {
        assert!(cbor::read(name, &payload).is_ok());
    }
    for (name, payload) in message_pack::written() {
        assert!(message_pack::read(name, &payload).is_ok());
    }
    for (name, payload) in postcard::written() {
        assert!(postcard::read(name, &payload).is_ok());
    }
}

#[test]
fn what_was_cut_or_changed_is_read_alike() {
    let (mut read, mut refused) = (0, 0);
    let mut count = |outcome: Result<String, String>| match outcome {
        Ok(_) => read += 1,
        Err(_) => refused += 1,
    };
    for (_, payload) in json::written() {
        changed(&payload, |name, payload| count(json::read(name, payload)));
    }
    for (_, payload) in cbor::written() {
        changed(&payload, |name, payload| count(cbor::read(name, payload)));
    }
    for (_, payload) in message_pack::written() {
        changed(&payload, |name, payload| count(message_pack::read(name, payload)));
    }
    for (_, payload) in postcard::written() {
        changed(&payload, |name, payload| count(postcard::read(name, payload)));
    }
    assert!(read > 1000 && refused > 10_000, "{read} read, {refused} refused");
}

/// Every payload that is cut, and every one in which one byte is another.
fn changed(payload: &[u8], mut each: impl FnMut(&'static str, &[u8])) {
    for name in NAMES {
        for end in 0..payload.len() {
            each(name, &payload[..end]);
        }
        let mut payload = payload.to_vec();
        for at in 0..payload.len() {
            let before = payload[at];
            for byte in
                [0, 1, 2, 3, 4, 5, 0x20, 0x22, 0x30, 0x5b, 0x61, 0x7b, 0x80, 0x91, 0xa1, 0xf6]
            {
                payload[at] = byte;
                each(name, &payload);
            }
            payload[at] = before;
        }
    }
}

#[test]
fn fields_are_found_wherever_they_stand() {
    let read = |payload: &str| json::read("Defined", payload.as_bytes());
    let whole = r#"Defined { course: "c", seats: 1, room: None, type: [] }"#;
    for payload in [
        r#"{"course":"c","seats":1,"room":null,"type":[]}"#,
        r#"{"type":[],"room":null,"seats":1,"course":"c"}"#,
        r#"{"x":{"course":[]},"course":"c","type":[],"y":[1],"seats":1,"":0}"#,
        r#"["c",1,null,[]]"#,
    ] {
        assert_eq!(read(payload).unwrap(), whole, "{payload}");
    }
    for (payload, problem) in [
        (r#"{"course":"c","seats":1}"#, "missing field `type`"),
        (r#"{"seats":1,"type":[]}"#, "missing field `course`"),
        (r#"{"course":"c","seats":1,"type":[],"seats":2}"#, "duplicate field `seats`"),
        (r#"{"course":"c","seats":-1,"type":[]}"#, "invalid value: integer `-1`, expected u32"),
        (r#"["c",1]"#, "invalid length 2, expected struct variant Course::Defined with 4 elements"),
        (r#"["c",1,null,[],0]"#, "trailing characters"),
        ("7", "invalid type: integer `7`, expected struct variant Course::Defined"),
    ] {
        let error = read(payload).unwrap_err();
        assert!(error.contains(problem), "{payload}: {error}");
    }
    let error = json::read("Moved", b"[]").unwrap_err();
    assert!(error.contains("expected struct variant Course::Moved with 1 element "), "{error}");
    assert_eq!(json::read("Closed", br#"{"later":1}"#).unwrap(), "Closed");
    assert_eq!(json::read("Noted", b"null").unwrap(), "Noted(None)");
}
