//! Records and their values for serde, and the view of a record for people.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::{Duration, UNIX_EPOCH};

use factos::{
    Bytes, Event, EventId, Metadata, PageCursor, Recorded, Revision, StreamName, Tag, Undecodable,
    decode,
    serde::{Deserialize, Serialize},
    testing::recorded,
};
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Event, Serialize, Deserialize)]
enum Ticketing {
    #[event(version = 2, upcast_json(1 = with_seats))]
    Sold {
        #[tag]
        show: u32,
        seats: u32,
    },
}

fn with_seats(mut old: Value) -> Result<Value, Undecodable> {
    old["seats"] = json!(1);
    Ok(old)
}

fn stored(payload: &'static [u8]) -> Recorded<Bytes> {
    let sold = recorded(Ticketing::Sold { show: 7, seats: 2 });
    Recorded {
        id: "018f0000-0000-7000-8000-000000000001".parse::<EventId>().unwrap(),
        stream: Some(StreamName::new("s").unwrap()),
        revision: Some(3),
        version: 1,
        metadata: Metadata::new().with("actor", "lucy").unwrap(),
        recorded_at: UNIX_EPOCH + Duration::from_micros(1_709_251_199_000_012),
        ..sold.with_event(Bytes::from_static(payload))
    }
}

fn fields() -> Value {
    json!({
        "id": "018f0000-0000-7000-8000-000000000001",
        "position": 1,
        "stream": "s",
        "revision": 3,
        "type": "Sold",
        "version": 1,
        "tags": ["show:7"],
        "metadata": {"actor": "lucy"},
        "recorded_at": "2024-02-29T23:59:59.000012Z",
    })
}

fn with(key: &str, value: Value) -> Value {
    let mut fields = fields();
    fields[key] = value;
    fields
}

#[test]
fn a_record_shows_its_payload_as_what_it_is() {
    let view = stored(br#"{"show":7}"#).json_view();
    assert_eq!(view, with("payload", json!({"show": 7})));
    let broken = stored(b"\xff{").json_view();
    assert_eq!(broken, with("payload_hex", json!("ff7b")));
    let metadata = Metadata::new().with_codec("cbor").unwrap();
    let cbor = Recorded { metadata, ..stored(b"1") }.json_view();
    assert_eq!((&cbor["payload_hex"], cbor.get("payload")), (&json!("31"), None));
}

#[test]
fn an_upcast_record_says_both_versions() {
    let record = decode::<Ticketing>(stored(br#"{"show":7}"#)).unwrap();
    assert_eq!((record.version, record.present_version()), (1, 2));
    let mut expected = with("payload", json!({"show": 7, "seats": 1}));
    expected["present_version"] = json!(2);
    assert_eq!(record.json_view().unwrap(), expected);
}

#[test]
fn records_and_values_serialize() {
    let record = stored(b"1").with_event(Ticketing::Sold { show: 7, seats: 2 });
    let expected = with("event", json!({"Sold": {"show": 7, "seats": 2}}));
    assert_eq!(serde_json::to_value(&record).unwrap(), expected);
    assert_eq!(serde_json::to_value(Tag::new("a", "b").unwrap()).unwrap(), json!("a:b"));
    assert_eq!(serde_json::to_value(Revision::NoEvents).unwrap(), json!(null));
    assert_eq!(serde_json::to_value(Revision::Current(2)).unwrap(), json!(2));
    assert_eq!(serde_json::to_value(PageCursor::newest_first()).unwrap(), json!("n"));
}
