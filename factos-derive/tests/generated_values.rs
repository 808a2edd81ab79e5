//! Generated values of every shape of serde, in every codec: what `encode` accepts, `decode` reads equal.
//!
//! `scripts/test` runs this with features of serde_json that other crates of a build may turn on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use factos::{Cbor, Event, Json, MessagePack, Payload, Postcard};

/// Makes values from a seed.
struct Source {
    random: fastrand::Rng,
    /// How deep the value may still nest.
    depth: u32,
}

trait Make: Sized {
    fn make(source: &mut Source) -> Self;
}

impl Source {
    fn new(seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), depth: 4 }
    }

    fn up_to(&mut self, most: usize) -> usize {
        if self.depth == 0 { 0 } else { self.random.usize(..=most) }
    }

    fn many<T: Make>(&mut self) -> impl Iterator<Item = T> {
        let count = self.up_to(3);
        self.depth = self.depth.saturating_sub(1);
        let all: Vec<T> = (0..count).map(|_| T::make(self)).collect();
        self.depth += 1;
        all.into_iter()
    }
}

macro_rules! integers {
    ($($ty:ty)*) => {$(
        impl Make for $ty {
            fn make(source: &mut Source) -> Self {
                let edges = [<$ty>::MIN, <$ty>::MAX, 0, 1, <$ty>::MAX / 2, <$ty>::MAX / 2 + 1];
                let any = source.random.u128(..) as $ty;
                *source.random.choice(&edges).filter(|_| source.random.bool()).unwrap_or(&any)
            }
        }
    )*};
}

integers! { u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 }

macro_rules! floats {
    ($($ty:ty, $bits:ident;)*) => {$(
        impl Make for $ty {
            fn make(source: &mut Source) -> Self {
                let edges = [0.0, -0.0, 1.0, 5.0, 0.1, 1e15, 1e16, <$ty>::MIN, <$ty>::MAX, <$ty>::EPSILON,
                    <$ty>::MIN_POSITIVE, <$ty>::INFINITY, <$ty>::NEG_INFINITY, <$ty>::NAN];
                match source.random.u8(..4) {
                    0 => Self::from_bits(source.random.$bits(..)),
                    1 => Self::from(source.random.i8(..)),
                    _ => *source.random.choice(&edges).unwrap(),
                }
            }
        }
    )*};
}

floats! { f32, u32; f64, u64; }

impl Make for bool {
    fn make(source: &mut Source) -> Self {
        source.random.bool()
    }
}

impl Make for () {
    fn make(_: &mut Source) {}
}

impl Make for char {
    fn make(source: &mut Source) -> Self {
        let any = source.random.char(..);
        *source.random.choice(&['\0', '"', '\\', 'a', '1', 'ß', any]).unwrap()
    }
}

impl Make for String {
    fn make(source: &mut Source) -> Self {
        let names =
            ["", "kind", "at", "1", "true", "null", "-0", "1e400", "$serde_json::private::Number"];
        match source.random.bool() {
            true => (*source.random.choice(&names).unwrap()).to_owned(),
            false => (0..source.random.usize(..4)).map(|_| char::make(source)).collect(),
        }
    }
}

impl<T: Make> Make for Option<T> {
    fn make(source: &mut Source) -> Self {
        (source.up_to(2) > 0).then(|| T::make(source))
    }
}

impl<T: Make> Make for Box<T> {
    fn make(source: &mut Source) -> Self {
        source.depth = source.depth.saturating_sub(1);
        let made = T::make(source);
        source.depth += 1;
        Self::new(made)
    }
}

impl<T: Make> Make for Vec<T> {
    fn make(source: &mut Source) -> Self {
        source.many().collect()
    }
}

impl<T: Make + Ord> Make for BTreeSet<T> {
    fn make(source: &mut Source) -> Self {
        source.many().collect()
    }
}

impl<K: Make + Ord, V: Make> Make for BTreeMap<K, V> {
    fn make(source: &mut Source) -> Self {
        source.many().collect()
    }
}

impl<T: Make, const N: usize> Make for [T; N] {
    fn make(source: &mut Source) -> Self {
        std::array::from_fn(|_| T::make(source))
    }
}

macro_rules! tuples {
    ($($($name:ident)*;)*) => {$(
        impl<$($name: Make),*> Make for ($($name,)*) {
            fn make(source: &mut Source) -> Self {
                ($($name::make(source),)*)
            }
        }
    )*};
}

tuples! { A; A B; A B C; }

/// Derives the traits of a payload, and `Make`.
macro_rules! shapes {
    ($($(#[$attr:meta])* struct $name:ident $body:tt)*) => {$(
        shapes!(@struct [$(#[$attr])*] $name $body);
    )*};
    (@struct [$($attr:tt)*] $name:ident { $($(#[$on:meta])* $field:ident: $ty:ty,)* }) => {
        #[derive(Debug, Clone, PartialEq, PartialOrd, Payload)]
        $($attr)*
        struct $name { $($(#[$on])* $field: $ty,)* }

        impl Make for $name {
            fn make(source: &mut Source) -> Self {
                Self { $($field: Make::make(source),)* }
            }
        }
    };
}

/// An enum of each representation, with unit, newtype, tuple and struct variants where serde has them.
macro_rules! representations {
    ($($(#[$attr:meta])* $name:ident;)*) => {$(
        #[derive(Debug, Clone, PartialEq, PartialOrd, Payload)]
        $(#[$attr])*
        enum $name {
            Empty,
            Numbers(Numbers),
            Keys(Keys),
            Named { at: f64, big: u128, maybe: Option<Option<u8>>, nested: Option<Box<$name>> },
            Optional { unit: Option<()>, letter: char, list: Vec<f32> },
            Unit(Nothing),
            Map(BTreeMap<String, i64>),
        }

        impl Make for $name {
            fn make(source: &mut Source) -> Self {
                let most = if source.depth == 0 { 1 } else { 7 };
                match source.random.u8(..most) {
                    0 => Self::Empty,
                    1 => Self::Numbers(Make::make(source)),
                    2 => Self::Keys(Make::make(source)),
                    3 => Self::Named {
                        at: Make::make(source),
                        big: Make::make(source),
                        maybe: Make::make(source),
                        nested: Make::make(source),
                    },
                    4 => Self::Optional {
                        unit: Make::make(source),
                        letter: Make::make(source),
                        list: Make::make(source),
                    },
                    5 => Self::Unit(Make::make(source)),
                    _ => Self::Map(Make::make(source)),
                }
            }
        }
    )*};
}

#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Payload)]
struct Nothing;

impl Make for Nothing {
    fn make(_: &mut Source) -> Self {
        Self
    }
}

#[derive(Debug, Clone, PartialEq, PartialOrd, Payload)]
struct Newtype(f64);

impl Make for Newtype {
    fn make(source: &mut Source) -> Self {
        Self(Make::make(source))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Payload)]
struct Id(u64);

impl Make for Id {
    fn make(source: &mut Source) -> Self {
        Self(Make::make(source))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Payload)]
enum Grade {
    One,
    #[serde(rename = "2")]
    Two,
}

impl Make for Grade {
    fn make(source: &mut Source) -> Self {
        if source.random.bool() { Self::One } else { Self::Two }
    }
}

shapes! {
    struct Numbers {
        a: u8, b: u16, c: u32, d: u64, e: u128, f: i8, g: i16, h: i32, i: i64, j: i128,
        k: f32, l: f64, m: [u8; 4], n: (u64, f32, i128),
    }
    struct Keys {
        bools: BTreeMap<bool, u8>, chars: BTreeMap<char, u8>, texts: BTreeMap<String, f64>,
        bytes: BTreeMap<u8, u8>, longs: BTreeMap<u64, u8>, widest: BTreeMap<u128, u8>,
        signed: BTreeMap<i64, u8>, widest_signed: BTreeMap<i128, u8>, ids: BTreeMap<Id, u8>,
        grades: BTreeMap<Grade, u8>, set: BTreeSet<String>,
    }
    struct OtherKeys {
        pairs: BTreeMap<(u8, u8), u8>, maybes: BTreeMap<Option<u8>, u8>, units: BTreeMap<(), u8>,
        lists: BTreeMap<Vec<u8>, u8>,
    }
    struct Optional {
        one: Option<u8>, two: Option<Option<String>>, three: Option<Option<Option<u8>>>,
        unit: Option<()>, nothing: Option<Nothing>, list: Vec<Option<Option<u8>>>,
        newtype: Option<Newtype>, map: BTreeMap<String, Option<Option<bool>>>,
    }
    struct FlatMap {
        at: u8,
        #[serde(flatten)] rest: BTreeMap<String, Loose>,
    }
    struct FlatKeys {
        at: f32,
        #[serde(flatten)] rest: BTreeMap<u16, f64>,
    }
    struct FlatStruct {
        at: u8,
        #[serde(flatten)] numbers: Numbers,
    }
    struct FlatEnum {
        id: i64,
        #[serde(flatten)] inner: Internal,
        #[serde(flatten)] more: Option<Adjacent>,
    }
    struct Skipping {
        #[serde(default, skip_serializing_if = "Option::is_none")] maybe: Option<Option<u8>>,
        #[serde(default)] last: String,
    }
    struct Deep {
        inner: Option<Box<Deep>>,
        all: Vec<External>,
    }
}

#[derive(Debug, Clone, PartialEq, PartialOrd, Payload)]
#[serde(untagged)]
enum Loose {
    Nothing {},
    Exact(f64),
    Cents(i64),
    Wide(u128),
    Flag(bool),
    Letter(char),
    Text(String),
    List(Vec<u8>),
    Maybe(Option<Option<u8>>),
    Pair(u8, f32),
    Same { at: u8 },
    Other { at: u8 },
    Map(BTreeMap<u32, f64>),
}

impl Make for Loose {
    fn make(source: &mut Source) -> Self {
        match source.random.u8(..13) {
            0 => Self::Nothing {},
            1 => Self::Exact(Make::make(source)),
            2 => Self::Cents(Make::make(source)),
            3 => Self::Wide(Make::make(source)),
            4 => Self::Flag(Make::make(source)),
            5 => Self::Letter(Make::make(source)),
            6 => Self::Text(Make::make(source)),
            7 => Self::List(Make::make(source)),
            8 => Self::Maybe(Make::make(source)),
            9 => Self::Pair(Make::make(source), Make::make(source)),
            10 => Self::Same { at: Make::make(source) },
            11 => Self::Other { at: Make::make(source) },
            _ => Self::Map(Make::make(source)),
        }
    }
}

#[derive(Debug, Clone, PartialEq, PartialOrd, Payload)]
enum Tuples {
    One(f32),
    Two(u8, String),
    Boxed(Box<Self>),
}

impl Make for Tuples {
    fn make(source: &mut Source) -> Self {
        match source.up_to(2) {
            0 => Self::One(Make::make(source)),
            1 => Self::Two(Make::make(source), Make::make(source)),
            _ => Self::Boxed(Make::make(source)),
        }
    }
}

representations! {
    External;
    #[serde(tag = "kind")]
    Internal;
    #[serde(tag = "kind", content = "at")]
    Adjacent;
    #[serde(untagged)]
    Untagged;
}

macro_rules! events {
    ($($test:ident, $name:ident: $codec:ty;)*) => {$(
        #[derive(Debug, PartialEq, Event)]
        #[allow(clippy::large_enum_variant, reason = "one of each shape")]
        #[event(codec = $codec)]
        enum $name {
            Numbers(Numbers),
            Keys(Keys),
            OtherKeys(OtherKeys),
            Optional(Optional),
            FlatMap(FlatMap),
            FlatKeys(FlatKeys),
            FlatStruct(FlatStruct),
            FlatEnum(FlatEnum),
            Skipping(Skipping),
            Deep(Deep),
            Loose(Loose),
            Tuples(Tuples),
            External(External),
            Internal(Internal),
            Adjacent(Adjacent),
            Untagged(Untagged),
            Fields { loose: Loose, inner: Internal, id: Id, #[serde(flatten)] rest: BTreeMap<String, u64> },
            Newtype(Newtype),
            Text(String),
            Unit,
        }

        impl Make for $name {
            fn make(source: &mut Source) -> Self {
                match source.random.u8(..20) {
                    0 => Self::Numbers(Make::make(source)),
                    1 => Self::Keys(Make::make(source)),
                    2 => Self::OtherKeys(Make::make(source)),
                    3 => Self::Optional(Make::make(source)),
                    4 => Self::FlatMap(Make::make(source)),
                    5 => Self::FlatKeys(Make::make(source)),
                    6 => Self::FlatStruct(Make::make(source)),
                    7 => Self::FlatEnum(Make::make(source)),
                    8 => Self::Skipping(Make::make(source)),
                    9 => Self::Deep(Make::make(source)),
                    10 => Self::Loose(Make::make(source)),
                    11 => Self::Tuples(Make::make(source)),
                    12 => Self::External(Make::make(source)),
                    13 => Self::Internal(Make::make(source)),
                    14 => Self::Adjacent(Make::make(source)),
                    15 => Self::Untagged(Make::make(source)),
                    16 => Self::Fields {
                        loose: Make::make(source),
                        inner: Make::make(source),
                        id: Make::make(source),
                        rest: Make::make(source),
                    },
                    17 => Self::Newtype(Make::make(source)),
                    18 => Self::Text(Make::make(source)),
                    _ => Self::Unit,
                }
            }
        }

        #[test]
        fn $test() {
            come_back_or_are_refused::<$name>();
        }
    )*};
}

events! {
    values_in_json_come_back_or_are_refused, InJson: Json;
    values_in_message_pack_come_back_or_are_refused, InMessagePack: MessagePack;
    values_in_cbor_come_back_or_are_refused, InCbor: Cbor;
    values_in_postcard_come_back_or_are_refused, InPostcard: Postcard;
}

const VALUES: u64 = 20_000;

fn come_back_or_are_refused<E: Event + Make + std::fmt::Debug + PartialEq>() {
    let mut accepted = 0;
    for seed in 0..VALUES {
        let event = E::make(&mut Source::new(seed));
        let Ok(payload) = event.encode() else { continue };
        accepted += 1;
        let back = E::decode(&event.event_type(), event.version(), &payload);
        let back = back.unwrap_or_else(|error| panic!("{error:?} of {event:?}, seed {seed}"));
        assert_eq!(back, event, "seed {seed}");
        assert_eq!(back.encode().unwrap(), payload, "seed {seed}");
    }
    // Not a number, and values of shapes that a format does not know, are the smaller part.
    assert!(accepted > VALUES / 3, "{accepted} of {VALUES} values are accepted");
}
