//! The codecs of factos, a codec of an application, and logs with events of several codecs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, error::Error, fmt::Debug};

use factos::{
    Bytes, Cbor, Codec, CodecError, Event, EventId, Json, MessagePack, Metadata, NewEvent, Payload,
    Postcard, Recorded, SequencePosition, TagValue,
    serde::{Serialize, de::DeserializeSeed},
    testing::{assert_comes_back, assert_each_comes_back},
};

/// JSON in capitals: a text with small letters cannot be read back.
struct Shouted;

impl Codec for Shouted {
    type Error = CodecError;

    const NAME: &'static str = "shouted";

    fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, CodecError> {
        let payload = Json::encode(value).map_err(CodecError::new)?;
        Ok(payload.to_ascii_uppercase().into())
    }

    fn decode<'de, S: DeserializeSeed<'de>>(
        seed: S,
        payload: &'de [u8],
    ) -> Result<S::Value, CodecError> {
        Json::decode(seed, payload).map_err(CodecError::new)
    }
}

#[derive(Debug, Clone, PartialEq, TagValue, Payload)]
struct CourseId(String);

#[derive(Debug, Clone, PartialEq, Payload)]
enum Grade {
    Passed,
    Points(u8),
    Of { points: u8, most: Option<u8> },
}

macro_rules! course {
    ($name:ident, $codec:ty) => {
        #[derive(Debug, PartialEq, Event)]
        #[event(codec = $codec, prefix = "course.")]
        enum $name {
            Defined {
                #[tag]
                course: CourseId,
                seats: i64,
                grades: Vec<Grade>,
                hours: BTreeMap<String, f64>,
            },
            Graded(Grade),
            #[event(version = 2, upcast(1 = Self::of_old))]
            Renamed {
                title: String,
            },
            Closed,
        }

        impl $name {
            fn of_old(title: String) -> Self {
                Self::Renamed { title }
            }
        }

        impl $name {
            fn any(random: &mut factos::testing::Random) -> Self {
                match random.below(4) {
                    0 => Self::Defined {
                        course: CourseId(random.text()),
                        seats: random.i64(),
                        grades: random.list(3, |random| match random.below(3) {
                            0 => Grade::Passed,
                            1 => Grade::Points(random.below(256) as u8),
                            _ => Grade::Of { points: 1, most: random.bool().then_some(7) },
                        }),
                        hours: random.list(3, |r| (r.text(), r.f64())).into_iter().collect(),
                    },
                    1 => Self::Graded(Grade::Points(3)),
                    2 => Self::Renamed { title: random.text() },
                    _ => Self::Closed,
                }
            }
        }
    };
}

course!(InJson, factos::Json);
course!(InMessagePack, MessagePack);
course!(InCbor, Cbor);
course!(InPostcard, Postcard);

#[test]
fn every_codec_brings_back_what_it_wrote() {
    assert_each_comes_back(300, InJson::any);
    assert_each_comes_back(300, InMessagePack::any);
    assert_each_comes_back(300, InCbor::any);
    assert_each_comes_back(300, InPostcard::any);
}

#[test]
fn payloads_have_no_name_of_the_event_within() {
    let graded = |payload: Bytes| payload.to_vec();
    assert_eq!(graded(InMessagePack::Graded(Grade::Passed).encode().unwrap()), b"\xa6Passed");
    assert_eq!(graded(InCbor::Graded(Grade::Passed).encode().unwrap()), b"\x66Passed");
    assert_eq!(graded(InPostcard::Graded(Grade::Passed).encode().unwrap()), [0]);
    assert_eq!(graded(InMessagePack::Closed.encode().unwrap()), [0x80]);
    assert_eq!(graded(InCbor::Closed.encode().unwrap()), [0xa0]);
    assert!(InPostcard::Closed.encode().unwrap().is_empty());
}

#[test]
fn older_versions_are_read_by_the_codec_of_the_type() {
    fn read<C: Codec, E: Event>(old: &str) -> E {
        let name = factos::EventType::from_static("course.Renamed");
        E::decode(&name, 1, &C::encode(old).unwrap()).unwrap()
    }
    let title = "x".to_owned();
    assert_eq!(read::<Cbor, InCbor>("x"), InCbor::Renamed { title: title.clone() });
    let renamed = InMessagePack::Renamed { title: title.clone() };
    assert_eq!(read::<MessagePack, InMessagePack>("x"), renamed);
    assert_eq!(read::<Postcard, InPostcard>("x"), InPostcard::Renamed { title });
}

fn refuses_more<E: Event + Debug>(event: &E) {
    for more in [&[0][..], &[0, 1], b" ", b"\n"] {
        let payload = [&event.encode().unwrap()[..], more].concat();
        let error = E::decode(&event.event_type(), event.version(), &payload).unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), "bytes are left over after the value");
    }
}

#[test]
fn bytes_that_are_left_over_and_cut_payloads_are_refused() {
    refuses_more(&InMessagePack::Graded(Grade::Passed));
    refuses_more(&InCbor::Graded(Grade::Points(1)));
    refuses_more(&InPostcard::Graded(Grade::Of { points: 1, most: None }));
    refuses_more(&InMessagePack::Closed);
    refuses_more(&InCbor::Closed);
    refuses_more(&InPostcard::Closed);
    fn is_cut<E: Event + Debug>(event: &E) {
        let payload = event.encode().unwrap();
        for end in 0..payload.len() {
            assert!(E::decode(&event.event_type(), event.version(), &payload[..end]).is_err());
        }
    }
    let title = "some title".to_owned();
    is_cut(&InMessagePack::Renamed { title: title.clone() });
    is_cut(&InCbor::Renamed { title: title.clone() });
    is_cut(&InPostcard::Renamed { title });
}

#[derive(Debug, PartialEq, Event)]
#[event(codec = Postcard)]
enum Unfit {
    Skipped {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        maybe: Option<u8>,
        then: Option<u8>,
    },
    Flat {
        #[serde(flatten)]
        rest: BTreeMap<String, u8>,
    },
    Fit {
        n: u8,
    },
}

#[test]
fn what_a_codec_cannot_read_back_is_refused_before_it_is_stored() {
    assert!(Unfit::Skipped { maybe: None, then: Some(1) }.encode().is_err());
    assert!(Unfit::Flat { rest: BTreeMap::new() }.encode().is_err());
    assert_comes_back(&Unfit::Fit { n: 1 });
}

#[derive(Debug, PartialEq, Event)]
#[event(codec = Shouted)]
enum Loud {
    #[allow(non_snake_case, reason = "the codec writes capitals")]
    Counted {
        N: u8,
    },
    Named {
        name: String,
    },
}

#[test]
fn a_codec_of_ones_own_is_proven_by_reading_each_payload_once() {
    assert_comes_back(&Loud::Counted { N: 1 });
    let error = Loud::Named { name: "x".to_owned() }.encode().unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "missing field `name` at line 1 column 12");
}

#[derive(Debug, PartialEq, Event)]
#[event(codec = MessagePack)]
enum Mixed {
    Opened,
    #[event(flatten)]
    Loud(Loud),
    #[event(flatten)]
    Course(InCbor),
    #[event(flatten)]
    Plain(Plain),
}

#[derive(Debug, PartialEq, Event)]
struct Plain {
    n: u8,
}

fn codec(event: &impl Event) -> Option<String> {
    let new = factos::encode(event).unwrap();
    new.metadata.codec().map(str::to_owned)
}

#[test]
fn the_metadata_names_every_codec_but_json() {
    assert_eq!(codec(&Plain { n: 1 }), None);
    assert_eq!(codec(&InJson::Closed), None);
    assert_eq!(codec(&InPostcard::Closed).as_deref(), Some("postcard"));
    assert_eq!(codec(&Mixed::Opened).as_deref(), Some("messagepack"));
    assert_eq!(codec(&Mixed::Loud(Loud::Counted { N: 1 })).as_deref(), Some("shouted"));
    assert_eq!(codec(&Mixed::Course(InCbor::Closed)).as_deref(), Some("cbor"));
    assert_eq!(codec(&Mixed::Plain(Plain { n: 1 })), None);
    assert_comes_back(&Mixed::Plain(Plain { n: 1 }));
    assert_comes_back(&Mixed::Course(InCbor::Closed));
}

fn recorded(new: NewEvent) -> Recorded<Bytes> {
    Recorded {
        id: EventId::from_bytes([1; 16]),
        position: SequencePosition::new(7).unwrap(),
        stream: None,
        revision: None,
        event_type: new.event_type,
        version: new.version,
        tags: new.tags,
        metadata: new.metadata,
        recorded_at: std::time::SystemTime::UNIX_EPOCH,
        event: new.payload,
    }
}

#[test]
fn reading_with_another_codec_says_so() {
    let cbor = || factos::encode(&InCbor::Closed).unwrap();
    let json = || factos::encode(&InJson::Closed).unwrap();
    let text = |result: Result<Recorded<InCbor>, _>| match result {
        Ok(record) => format!("{:?}", record.event),
        Err(factos::DecodeError { cause, .. }) => cause.to_string(),
    };
    assert_eq!(text(factos::decode(recorded(cbor()))), "Closed");
    assert_eq!(
        text(factos::decode(recorded(json()))),
        "the payload is written in json, and this code reads cbor"
    );
    let as_json = factos::decode::<InJson>(recorded(cbor())).unwrap_err();
    let cause = "the payload is written in cbor, and this code reads json";
    assert_eq!(as_json.cause.to_string(), cause);
    let unknown = factos::decode::<Plain>(recorded(cbor())).unwrap_err();
    assert_eq!(unknown.cause.to_string(), "unknown event type");
    let mixed = factos::decode::<Mixed>(recorded(cbor())).unwrap();
    assert_eq!(mixed.event, Mixed::Course(InCbor::Closed));
    let mut foreign = recorded(json());
    foreign.metadata = Metadata::new().with_codec("yaml").unwrap();
    assert!(factos::decode::<InJson>(foreign).unwrap_err().cause.to_string().contains("in yaml"));
}
