//! Attributes of serde, payload types, and types that derive serde's traits as well.

use std::{collections::BTreeMap, fmt::Debug};

use factos::{__private::serde::de::DeserializeOwned, Event, EventType, Json, Payload, TagValue};

#[derive(Debug, Clone, PartialEq, TagValue, Payload)]
struct CourseId(String);

#[derive(Debug, PartialEq, Payload)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Note {
    written_by: Option<String>,
    #[serde(default)]
    text: String,
}

#[derive(Debug, PartialEq, Payload)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Grade {
    Points { points: u8 },
    Passed,
}

#[derive(Debug, PartialEq, Payload)]
enum Plain {
    Unit,
    One(u8),
    Two(u8, Box<Self>),
    Named { r#type: u8 },
}

#[derive(Debug, PartialEq, Payload)]
struct Nothing;

#[derive(Debug, PartialEq, Event)]
#[serde(rename_all_fields = "camelCase", deny_unknown_fields, tag = "ignored")]
enum Course {
    Defined {
        #[tag]
        course_id: CourseId,
        #[serde(default, skip_serializing_if = "is_default")]
        seat_count: u64,
        #[serde(rename = "t", alias = "title")]
        long_title: String,
        #[serde(skip)]
        cached: u8,
    },
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    Graded {
        last_grade: Grade,
        #[serde(with = "hex")]
        raw_code: u32,
    },
    Noted(Note),
    Numbered(Vec<u8>),
    Hexed(#[serde(with = "hex")] u32),
    #[serde(with = "hex")]
    AlsoHexed(u32),
    Boxed(Box<Plain>),
    Empty(Nothing),
}

#[derive(Debug, PartialEq, Event)]
struct Flat {
    id: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, i32>,
}

#[derive(Debug, Default, PartialEq, Event, Payload)]
#[serde(default, rename_all = "UPPERCASE", deny_unknown_fields)]
struct Defaulted {
    a: u8,
    b: Option<Box<Self>>,
    #[serde(skip)]
    r#type: u8,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

mod hex {
    use factos::__private::serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(value: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value:x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let text = String::deserialize(deserializer)?;
        u32::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}

fn read<E: Event>(name: &'static str, payload: &str) -> Result<E, factos::Undecodable> {
    E::decode(&EventType::from_static(name), 1, payload.as_bytes())
}

#[track_caller]
fn comes_back<E: Event + PartialEq + Debug>(event: &E, payload: &str) {
    let bytes = event.encode().expect("the event is encoded");
    assert_eq!(bytes, payload);
    let back = E::decode(&event.event_type(), event.version(), &bytes);
    assert_eq!(back.expect("what was written is read"), *event);
}

fn defined(seat_count: u64) -> Course {
    let (course_id, long_title) = (CourseId("c1".to_owned()), "x".to_owned());
    Course::Defined { course_id, seat_count, long_title, cached: 0 }
}

#[derive(Debug, PartialEq, Payload)]
#[serde(untagged)]
enum Loose {
    Wide { wide: i128 },
    Text(String),
}

#[derive(Debug, PartialEq, Event)]
enum Doubtful {
    Loose(Loose),
    Wide {
        wide: u128,
    },
    Beside {
        wide: u128,
        #[serde(flatten)]
        rest: BTreeMap<String, i64>,
    },
    Below {
        #[serde(flatten)]
        rest: BTreeMap<String, u128>,
    },
}

#[test]
fn what_only_the_shape_rules_out_is_refused_before_it_is_stored() {
    let wide = u128::from(u64::MAX) + 1;
    let text = |event: &dyn Fn() -> Result<factos::Bytes, factos::EncodeError>| {
        let error = std::error::Error::source(&event().unwrap_err()).unwrap().to_string();
        error.split(" at line").next().unwrap_or_default().to_owned()
    };
    let either = Doubtful::Loose(Loose::Wide { wide: i128::MIN });
    assert!(either.encode().is_err());
    assert!(Doubtful::Loose(Loose::Wide { wide: 1 }).encode().is_err());
    comes_back(&Doubtful::Loose(Loose::Text("x".to_owned())), r#""x""#);
    comes_back(&Doubtful::Wide { wide }, r#"{"wide":18446744073709551616}"#);
    let beside =
        |key: &str, wide, other| Doubtful::Beside { wide, rest: [(key.to_owned(), other)].into() };
    comes_back(&beside("x", 1, 2), r#"{"wide":1,"x":2}"#);
    comes_back(&beside("x", wide, 2), r#"{"wide":18446744073709551616,"x":2}"#);
    let rest = [("x".to_owned(), 1)].into();
    assert!(Doubtful::Below { rest }.encode().is_err());
    assert_eq!(text(&|| beside("wide", 1, 2).encode()), "duplicate field `wide`");
    let repeated = Flat { id: 1, rest: [("id".to_owned(), 2)].into() };
    assert_eq!(text(&|| repeated.encode()), "duplicate field `id`");
}

#[test]
fn attributes_of_fields_hold() {
    comes_back(&defined(0), r#"{"courseId":"c1","t":"x"}"#);
    comes_back(&defined(2), r#"{"courseId":"c1","seatCount":2,"t":"x"}"#);
    assert_eq!(read::<Course>("Defined", r#"{"courseId":"c1","title":"x"}"#).unwrap(), defined(0));
    comes_back(&Flat { id: 1, rest: [("x".to_owned(), 2)].into() }, r#"{"id":1,"x":2}"#);
}

#[test]
fn attributes_of_variants_and_containers_hold() {
    comes_back(
        &Course::Graded { last_grade: Grade::Points { points: 3 }, raw_code: 255 },
        r#"{"LAST_GRADE":{"kind":"points","points":3},"RAW_CODE":"ff"}"#,
    );
    assert!(read::<Course>("Defined", r#"{"courseId":"c1","t":"x","more":1}"#).is_err());
    comes_back(&Defaulted { a: 1, ..Defaulted::default() }, r#"{"A":1,"B":null}"#);
    assert_eq!(read::<Defaulted>("Defaulted", "{}").unwrap(), Defaulted::default());
    assert!(read::<Defaulted>("Defaulted", r#"{"C":1}"#).is_err());
}

#[test]
fn a_newtype_variant_is_its_payload() {
    let note = Note { written_by: Some("lucy".to_owned()), text: String::new() };
    comes_back(&Course::Noted(note), r#"{"writtenBy":"lucy","text":""}"#);
    comes_back(&Course::Numbered(vec![1, 2]), "[1,2]");
    comes_back(&Course::Hexed(255), r#""ff""#);
    comes_back(&Course::AlsoHexed(255), r#""ff""#);
    comes_back(&Course::Empty(Nothing), "null");
    assert!(read::<Course>("Noted", r#"{"written_by":"lucy"}"#).is_err());
}

#[test]
fn payload_types_are_written_as_serde_writes_them() {
    comes_back(&Course::Boxed(Box::new(Plain::Unit)), r#""Unit""#);
    let two = Plain::Two(1, Box::new(Plain::One(2)));
    comes_back(&Course::Boxed(Box::new(two)), r#"{"Two":[1,{"One":2}]}"#);
    comes_back(&Course::Boxed(Box::new(Plain::Named { r#type: 1 })), r#"{"Named":{"type":1}}"#);
    comes_back(
        &Course::Graded { last_grade: Grade::Passed, raw_code: 0 },
        r#"{"LAST_GRADE":{"kind":"passed"},"RAW_CODE":"0"}"#,
    );
}

mod also_serde {
    use factos::{__private::serde, Event};

    #[derive(Debug, PartialEq, Event, serde::Serialize, serde::Deserialize)]
    #[serde(crate = "factos::__private::serde", tag = "type", rename_all = "kebab-case")]
    #[event(rename_all = "kebab-case")]
    pub(crate) enum Both {
        SeatSold {
            seat: u8,
        },
        #[serde(rename = "void")]
        #[event("seat-voided")]
        SeatVoided,
    }
}

#[test]
fn a_derive_of_serde_on_the_event_itself_does_not_change_payloads() {
    use also_serde::Both;
    use factos::Codec;

    fn json<T: DeserializeOwned>(text: &str) -> T {
        Json::decode(std::marker::PhantomData, text.as_bytes()).unwrap()
    }
    comes_back(&Both::SeatSold { seat: 1 }, r#"{"seat":1}"#);
    comes_back(&Both::SeatVoided, "{}");
    let sold = Json::encode(&Both::SeatSold { seat: 1 }).unwrap();
    assert_eq!(sold, r#"{"type":"seat-sold","seat":1}"#);
    assert_eq!(json::<Both>(r#"{"type":"void"}"#), Both::SeatVoided);
}

#[derive(Debug, PartialEq, Payload)]
#[serde(transparent)]
struct Transparent {
    value: Vec<Option<u8>>,
}

#[derive(Debug, Clone, PartialEq, Payload)]
#[serde(try_from = "u8", into = "u8")]
struct Percent(u8);

impl TryFrom<u8> for Percent {
    type Error = &'static str;

    fn try_from(value: u8) -> Result<Self, Self::Error> {
        if value > 100 { Err("more than all") } else { Ok(Self(value)) }
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

#[derive(Debug, PartialEq, Payload)]
#[serde(untagged)]
enum Either {
    Number(i64),
    Named { name: String },
    Nothing,
}

#[derive(Debug, PartialEq, Payload)]
#[serde(tag = "t", content = "c", rename_all = "UPPERCASE")]
enum Adjacent {
    A(u8, u8),
    #[serde(rename = "b", alias = "bee")]
    B,
}

#[derive(Debug, PartialEq, Payload)]
struct Pair(u8, #[serde(default)] Option<u8>);

#[derive(Debug, PartialEq, Event)]
#[repr(u8)]
enum Mixed {
    Transparent(Transparent) = 1,
    Percent(Percent),
    Either(Either) = 7,
    Adjacent(Adjacent),
    Pair(Pair),
}

#[test]
fn payloads_can_use_every_enum_representation_of_serde() {
    let transparent = Transparent { value: vec![Some(1), None] };
    comes_back(&Mixed::Transparent(transparent), "[1,null]");
    comes_back(&Mixed::Percent(Percent(100)), "100");
    comes_back(&Mixed::Either(Either::Number(-1)), "-1");
    let named = Either::Named { name: "x".to_owned() };
    comes_back(&Mixed::Either(named), r#"{"name":"x"}"#);
    comes_back(&Mixed::Either(Either::Nothing), "null");
    comes_back(&Mixed::Adjacent(Adjacent::A(1, 2)), r#"{"t":"A","c":[1,2]}"#);
    comes_back(&Mixed::Adjacent(Adjacent::B), r#"{"t":"b"}"#);
    comes_back(&Mixed::Pair(Pair(1, None)), "[1,null]");
    assert!(read::<Mixed>("Percent", "101").is_err());
    let bee = read::<Mixed>("Adjacent", r#"{"t":"bee"}"#).unwrap();
    assert_eq!(bee, Mixed::Adjacent(Adjacent::B));
}

mod generic {
    use std::{fmt::Debug, marker::PhantomData};

    use factos::{Event, Payload};

    /// Of named fields, with a default, a bound, a constant and a type of their own.
    #[derive(Debug, Clone, PartialEq, Payload)]
    pub(super) struct Page<T, const N: usize = 2>
    where
        T: Debug,
    {
        pub(super) first: T,
        pub(super) rest: Vec<Option<T>>,
        #[serde(rename = "no")]
        pub(super) number: Number,
        pub(super) unit: PhantomData<[u8; N]>,
    }

    #[derive(Debug, Clone, PartialEq, Payload)]
    pub(super) struct Number(pub(super) u8);

    #[derive(Debug, Clone, PartialEq, Payload)]
    pub(super) struct Pair<A, B>(pub(super) A, pub(super) B);

    #[derive(Debug, Clone, PartialEq, Payload)]
    pub(super) enum Either<A: Clone, B> {
        Left(A),
        Right { right: B },
        Neither,
    }

    #[derive(Debug, Clone, PartialEq, Payload)]
    #[serde(bound(serialize = "T: ToString", deserialize = "T: From<u8>"))]
    pub(super) struct Bounded<T> {
        #[serde(serialize_with = "write", deserialize_with = "read")]
        pub(super) value: T,
    }

    fn write<T: ToString, S: factos::serde::Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&value.to_string())
    }

    fn read<'de, T: From<u8>, D: factos::serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let text = <String as factos::serde::Deserialize>::deserialize(deserializer)?;
        text.parse().map(T::from).map_err(factos::serde::de::Error::custom)
    }

    #[derive(Debug, PartialEq, Event)]
    pub(super) enum Book {
        Paged(Page<String>),
        Paired(Pair<Number, Either<u8, Vec<Bounded<u16>>>>),
        Turned { to: Either<Pair<u8, u8>, Page<char, 7>> },
    }
}

#[test]
fn a_payload_may_have_parameters() {
    use generic::{Book, Bounded, Either, Number, Page, Pair};
    use std::marker::PhantomData;

    let page = Page {
        first: "a".to_owned(),
        rest: vec![None, Some("b".to_owned())],
        number: Number(7),
        unit: PhantomData,
    };
    let chars = Page { first: 'x', rest: vec![], number: Number(0), unit: PhantomData };
    let right = Either::Right { right: vec![Bounded { value: 5 }] };
    for (event, payload) in [
        (Book::Paged(page), r#"{"first":"a","rest":[null,"b"],"no":7,"unit":null}"#),
        (Book::Paired(Pair(Number(1), right)), r#"[1,{"Right":{"right":[{"value":"5"}]}}]"#),
        (Book::Paired(Pair(Number(1), Either::Neither)), r#"[1,"Neither"]"#),
        (Book::Turned { to: Either::Left(Pair(1, 2)) }, r#"{"to":{"Left":[1,2]}}"#),
        (
            Book::Turned { to: Either::Right { right: chars } },
            r#"{"to":{"Right":{"right":{"first":"x","rest":[],"no":0,"unit":null}}}}"#,
        ),
    ] {
        let encoded = event.encode().unwrap();
        assert_eq!(encoded, payload);
        assert_eq!(Book::decode(&event.event_type(), 1, &encoded).unwrap(), event);
    }
}

#[allow(dead_code, reason = "nobody queries these events")]
mod signed {
    macro_rules! signed {
        ($module:ident, $codec:ty) => {
            pub(super) mod $module {
                #[derive(Debug, PartialEq, factos::Event)]
                #[event(codec = $codec)]
                pub(in super::super) struct Signed {
                    #[serde(with = "factos::array")]
                    pub(in super::super) signature: [u8; 64],
                    #[serde(with = "factos::array")]
                    pub(in super::super) names: [String; 2],
                    pub(in super::super) hash: [u8; 32],
                }
            }
        };
    }

    signed!(json, factos::Json);
    signed!(cbor, factos::Cbor);
    signed!(message_pack, factos::MessagePack);
    signed!(postcard, factos::Postcard);
}

#[test]
fn arrays_of_any_length_come_back() {
    macro_rules! comes_back {
        ($($module:ident)*) => {$(
            let names = ["a".to_owned(), "b".to_owned()];
            let event = signed::$module::Signed { signature: [255; 64], names, hash: [1; 32] };
            let payload = event.encode().unwrap();
            let back = signed::$module::Signed::decode(&event.event_type(), 1, &payload);
            assert_eq!(back.unwrap(), event);
        )*};
    }
    comes_back! { json cbor message_pack postcard }
    let name = factos::EventType::from_static("Signed");
    let hash = vec!["0"; 32].join(",");
    for (signature, problem) in [(63, "invalid length 63"), (65, "trailing characters")] {
        let signature = vec!["0"; signature].join(",");
        let payload = format!(r#"{{"signature":[{signature}],"names":["a","b"],"hash":[{hash}]}}"#);
        let error = signed::json::Signed::decode(&name, 1, payload.as_bytes()).unwrap_err();
        let factos::Undecodable::Malformed(cause) = error else { panic!("{error:?}") };
        assert!(cause.to_string().contains(problem), "{cause}");
    }
}
