//! Values that a format would change, or could never read: refused at `encode`, by every codec.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    error::Error,
    fmt::Debug,
};

use factos::{
    Cbor, EncodeError, Event, Json, MessagePack, Payload, Postcard, testing::assert_comes_back,
};

/// Refused, or equal.
#[track_caller]
fn is_safe<E: Event + Debug + PartialEq>(event: &E) {
    if let Ok(payload) = event.encode() {
        let back = E::decode(&event.event_type(), event.version(), &payload);
        assert_eq!(back.as_ref().unwrap(), event);
    }
}

#[track_caller]
fn refusal<E: Event>(event: &E) -> String {
    let Err(EncodeError::Codec { source, .. }) = event.encode() else {
        panic!("the event is not refused");
    };
    source.to_string()
}

const CHANGED: &str = "it would come back as another value than the one that was written";

#[derive(Debug, Clone, PartialEq, Payload)]
#[serde(tag = "kind")]
enum Inner {
    Numbers { by: BTreeMap<u32, u8> },
    Flags { by: BTreeMap<bool, u8> },
    Chars { by: BTreeMap<char, u8> },
    Texts { by: BTreeMap<String, u8> },
    Named(Named),
}

#[derive(Debug, Clone, PartialEq, Payload)]
struct Named {
    kind: u8,
}

#[derive(Debug, Clone, PartialEq, Payload)]
#[serde(untagged)]
enum Loose {
    Exact(f64),
    Cents(i64),
    Numbers(BTreeMap<u32, u8>),
    First { at: u8 },
    Second { at: u8 },
    Text(String),
}

macro_rules! event {
    ($($name:ident: $codec:ty,)*) => {$(
        #[derive(Debug, Clone, PartialEq, Event)]
        #[event(codec = $codec)]
        enum $name {
            Tagged { inner: Inner },
            Untagged { loose: Loose },
            Twice { maybe: Option<Option<u8>> },
            Unit { maybe: Option<()> },
            Float { float: f64, small: f32 },
            Unordered { set: HashSet<String>, map: HashMap<u16, Loose> },
        }
    )*};
}

event! { InJson: Json, InMessagePack: MessagePack, InCbor: Cbor, InPostcard: Postcard, }

macro_rules! each {
    ($event:ident => $check:expr) => {{
        {
            use InJson as $event;
            $check
        }
        {
            use InMessagePack as $event;
            $check
        }
        {
            use InCbor as $event;
            $check
        }
        {
            use InPostcard as $event;
            $check
        }
    }};
}

#[test]
fn keys_that_are_no_texts_come_back_from_tagged_values_or_are_refused() {
    let inner = [
        Inner::Numbers { by: [(1, 2)].into() },
        Inner::Flags { by: [(true, 2)].into() },
        Inner::Chars { by: [('x', 2)].into() },
        Inner::Texts { by: [("x".to_owned(), 2)].into() },
        Inner::Named(Named { kind: 1 }),
    ];
    for inner in inner {
        each!(E => is_safe(&E::Tagged { inner: inner.clone() }));
    }
    let inner = Inner::Texts { by: [("x".to_owned(), 2)].into() };
    assert_comes_back(&InJson::Tagged { inner });
    let text = refusal(&InJson::Tagged { inner: Inner::Numbers { by: [(1, 2)].into() } });
    assert!(text.contains("invalid type: string \"1\", expected u32"), "{text}");
    // No key, nothing to get wrong; that proves nothing for the next value.
    assert_comes_back(&InJson::Tagged { inner: Inner::Numbers { by: BTreeMap::new() } });
    assert!(InJson::Tagged { inner: Inner::Numbers { by: [(1, 2)].into() } }.encode().is_err());
}

#[test]
fn a_field_named_as_the_tag_of_its_enum_is_refused() {
    let text = refusal(&InJson::Tagged { inner: Inner::Named(Named { kind: 1 }) });
    assert!(text.contains("kind"), "{text}");
}

/// Types that derive serde themselves: nothing but `encode` sees their attributes.
#[allow(unreachable_patterns, reason = "two fields have one stored name")]
mod foreign {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub(crate) struct Renamed {
        pub(crate) a: u8,
        #[serde(rename = "a")]
        pub(crate) b: u8,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub(crate) struct Aliased {
        #[serde(alias = "b")]
        pub(crate) a: u8,
        #[serde(default)]
        pub(crate) b: u8,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct Denying {
        pub(crate) cents: u32,
        #[serde(skip_deserializing)]
        pub(crate) note: u8,
    }
}

#[derive(Debug, PartialEq, Event)]
enum OneName {
    Renamed(foreign::Renamed),
    Aliased(foreign::Aliased),
    Denying(foreign::Denying),
}

#[derive(Debug, PartialEq, Event)]
enum Ignoring {
    Paid {
        cents: u32,
        #[serde(skip_deserializing)]
        note: u8,
    },
}

#[test]
fn two_fields_of_one_stored_name_are_refused() {
    assert!(
        refusal(&OneName::Renamed(foreign::Renamed { a: 1, b: 2 })).contains("duplicate field `a`")
    );
    assert!(
        refusal(&OneName::Aliased(foreign::Aliased { a: 1, b: 2 })).contains("duplicate field `a`")
    );
    assert!(
        refusal(&OneName::Denying(foreign::Denying { cents: 1, note: 0 }))
            .contains("unknown field `note`")
    );
    // Written and never read: right only as long as it is the default, and looked at each time.
    assert_comes_back(&Ignoring::Paid { cents: 1, note: 0 });
    assert_eq!(refusal(&Ignoring::Paid { cents: 1, note: 7 }), CHANGED);
}

#[test]
fn another_variant_of_an_untagged_enum_is_refused() {
    each!(E => {
        is_safe(&E::Untagged { loose: Loose::Exact(5.0) });
        is_safe(&E::Untagged { loose: Loose::Exact(0.5) });
        is_safe(&E::Untagged { loose: Loose::Cents(5) });
        is_safe(&E::Untagged { loose: Loose::Numbers([(1, 1)].into()) });
        is_safe(&E::Untagged { loose: Loose::Text("x".into()) });
        is_safe(&E::Untagged { loose: Loose::First { at: 1 } });
        assert!(E::Untagged { loose: Loose::Second { at: 1 } }.encode().is_err());
    });
    assert_eq!(refusal(&InJson::Untagged { loose: Loose::Cents(5) }), CHANGED);
    assert_eq!(refusal(&InJson::Untagged { loose: Loose::Second { at: 1 } }), CHANGED);
    assert_comes_back(&InJson::Untagged { loose: Loose::First { at: 1 } });
}

/// Has no `PartialEq`.
#[derive(Debug, Event)]
enum Incomparable {
    Paid { loose: Loose },
    Sets { words: HashSet<String>, by: HashMap<String, f64> },
}

#[test]
fn an_event_that_cannot_be_compared_is_compared_by_what_it_writes() {
    let paid = Incomparable::Paid { loose: Loose::Cents(5) };
    assert_eq!(refusal(&paid), CHANGED);
    assert!(Incomparable::Paid { loose: Loose::Exact(5.0) }.encode().is_ok());
    for n in 0..50_u8 {
        let words = (0..n).map(|n| n.to_string()).collect();
        let by = (0..n).map(|n| (n.to_string(), f64::from(n))).collect();
        assert!(Incomparable::Sets { words, by }.encode().is_ok());
    }
}

#[test]
fn some_of_nothing_comes_back_or_is_refused() {
    each!(E => {
        for maybe in [None, Some(None), Some(Some(1))] {
            is_safe(&E::Twice { maybe });
        }
        for maybe in [None, Some(())] {
            is_safe(&E::Unit { maybe });
        }
    });
    let text = "`Some` of a value that is written as null would come back as `None`";
    assert_eq!(refusal(&InMessagePack::Twice { maybe: Some(None) }), text);
    assert_eq!(refusal(&InCbor::Twice { maybe: Some(None) }), text);
    assert_comes_back(&InPostcard::Twice { maybe: Some(None) });
    assert_comes_back(&InPostcard::Unit { maybe: Some(()) });
}

#[test]
fn a_number_that_does_not_equal_itself_is_refused_and_the_others_come_back() {
    each!(E => {
        assert!(E::Float { float: f64::NAN, small: 0.0 }.encode().is_err());
        assert!(E::Float { float: 0.0, small: f32::NAN }.encode().is_err());
        for float in [0.0, -0.0, 5.0, 0.1, 1e300, f64::MIN_POSITIVE, f64::INFINITY] {
            is_safe(&E::Float { float, small: float as f32 });
        }
    });
    assert_comes_back(&InCbor::Float { float: f64::INFINITY, small: f32::NEG_INFINITY });
    let text = "a float that is not a number does not equal itself";
    assert_eq!(refusal(&InCbor::Float { float: f64::NAN, small: 0.0 }), text);
}

#[test]
fn sets_and_maps_without_order_come_back() {
    each!(E => for n in 0..20_u16 {
        let set = (0..n).map(|n| n.to_string()).collect();
        let map = (0..n).map(|n| (n, Loose::First { at: 1 })).collect();
        is_safe(&E::Unordered { set, map });
    });
    let map = HashMap::from([(1, Loose::First { at: 1 }), (2, Loose::Exact(0.5))]);
    let set = HashSet::from(["a".to_owned(), "b".to_owned()]);
    assert_comes_back(&InJson::Unordered { set, map });
}

#[derive(Debug, PartialEq, Payload)]
struct Tree(Vec<Self>);

#[derive(Debug, PartialEq, Payload)]
struct Chain(Option<Box<Self>>);

#[derive(Debug, PartialEq, Payload)]
enum Nest {
    End,
    Newtype(Box<Self>),
    Struct { inner: Box<Self> },
}

macro_rules! deep {
    ($($name:ident: $codec:ty,)*) => {$(
        #[derive(Debug, PartialEq, Event)]
        #[event(codec = $codec)]
        enum $name {
            Tree(Tree),
            Chain(Chain),
            Nest(Nest),
        }

        impl $name {
            fn of(depth: usize) -> [Self; 4] {
                let (mut tree, mut chain) = (Tree(Vec::new()), Chain(None));
                let (mut newtype, mut nest) = (Nest::End, Nest::End);
                for _ in 0..depth {
                    tree = Tree(vec![tree]);
                    chain = Chain(Some(Box::new(chain)));
                    newtype = Nest::Newtype(Box::new(newtype));
                    nest = Nest::Struct { inner: Box::new(nest) };
                }
                [Self::Tree(tree), Self::Chain(chain), Self::Nest(newtype), Self::Nest(nest)]
            }
        }
    )*};
}

deep! { DeepJson: Json, DeepMessagePack: MessagePack, DeepCbor: Cbor, DeepPostcard: Postcard, }

#[test]
fn what_is_nested_too_deep_is_refused_and_the_rest_comes_back() {
    macro_rules! codec {
        ($($event:ident)*) => {$(
            for depth in (0..200).chain([1_000, 3_000]) {
                for event in $event::of(depth) {
                    is_safe(&event);
                    assert!(depth < 200 || event.encode().is_err(), "{depth}");
                }
            }
        )*};
    }
    codec! { DeepJson DeepMessagePack DeepCbor DeepPostcard }
    assert_comes_back(&DeepCbor::of(100).into_iter().next().unwrap());
    let [tree, ..] = DeepCbor::of(3_000);
    assert!(refusal(&tree).starts_with("more than "));
}

/// Payloads that are nothing but depth.
#[test]
fn hostile_depth_is_an_error_of_every_codec() {
    fn refuses<E: Event + Debug>(payload: &[u8]) {
        for name in ["Tree", "Chain", "Nest"] {
            let name = factos::EventType::new(name).unwrap();
            let error = E::decode(&name, 1, payload).unwrap_err();
            assert!(error.source().is_some(), "{error}");
        }
    }
    for depth in [400, 5_000, 200_000] {
        for opener in ["[", "{\"Newtype\":", "{\"Struct\":{\"inner\":"] {
            refuses::<DeepJson>(opener.repeat(depth).as_bytes());
        }
        for opener in [&[0x91][..], b"\x81\xa7Newtype", b"\x81\xa6Struct\x81\xa5inner", &[0xc7]] {
            refuses::<DeepMessagePack>(&opener.repeat(depth));
        }
        for opener in [&[0x81][..], &[0x9f], b"\xa1\x67Newtype", b"\xbf", b"\xd9\xd9\xf7"] {
            refuses::<DeepCbor>(&opener.repeat(depth));
        }
        for opener in [1_u8, 2] {
            refuses::<DeepPostcard>(&vec![opener; depth]);
        }
    }
}

#[test]
fn a_payload_that_is_some_without_end_is_an_error() {
    let name = factos::EventType::from_static("Chain");
    assert!(DeepJson::decode(&name, 1, b"5").is_err());
    assert!(DeepMessagePack::decode(&name, 1, b"\x05").is_err());
    assert!(DeepCbor::decode(&name, 1, b"\x05").is_err());
}

#[derive(Debug, PartialEq, Event)]
enum Shared {
    Named { name: std::sync::Arc<str>, key: [u8; 32] },
    Listed { all: std::rc::Rc<[u32]> },
}

#[test]
fn shared_values_and_arrays_come_back() {
    assert_comes_back(&Shared::Named { name: "x".into(), key: [7; 32] });
    assert_comes_back(&Shared::Listed { all: [1, 2].into() });
}
