//! Events beside names, traits and lints of the user that generated code must not meet.
#![deny(warnings)]
#![allow(missing_docs, missing_debug_implementations, reason = "this is no library")]
#![expect(non_camel_case_types, reason = "a name may be a keyword of another edition")]

use factos::{Codec, Event, EventType, JsonValue, Payload, TagValue};

/// Blanket traits with the names of the methods that generated code would call.
#[expect(clippy::wrong_self_convention, reason = "the names are those of others")]
mod blanket {
    #[expect(dead_code, reason = "nothing may call it")]
    pub(crate) trait ByValue: Sized {
        fn under<A>(self, _: A) -> bool {
            true
        }
        fn extend<A>(self, _: A) -> bool {
            true
        }
        fn finish<A>(self, _: A) -> bool {
            true
        }
        fn step<A, B>(self, _: A, _: B) -> bool {
            true
        }
        fn is_some(self) -> bool {
            false
        }
        fn find<A>(self, _: A) -> Option<u8> {
            None
        }
        fn each<A>(self, _: A) -> bool {
            true
        }
        fn widen(self) -> bool {
            true
        }
        fn with_aliases<A>(self, _: A) -> bool {
            true
        }
        fn with_tag_keys<A>(self, _: A) -> bool {
            true
        }
        fn only<A>(self, _: A) -> bool {
            true
        }
    }

    impl<T> ByValue for T {}

    #[expect(dead_code, reason = "nothing may call it")]
    pub(crate) trait ByReference {
        fn serialize(&self) -> bool {
            true
        }
        fn encode(&self) -> bool {
            true
        }
        fn tags(&self) -> bool {
            true
        }
        fn event_type(&self) -> bool {
            true
        }
        fn to_string(&self) -> bool {
            true
        }
        fn iter(&self) -> bool {
            true
        }
        fn as_str(&self) -> bool {
            true
        }
        fn clone(&self) -> bool {
            true
        }
        fn into_iter(&self) -> bool {
            true
        }
    }

    impl<T: ?Sized> ByReference for T {}
}

mod beside_blanket_traits {
    #[expect(unused_imports, reason = "they are in scope, and nothing may call them")]
    use super::blanket::{ByReference, ByValue};
    use super::{Codec, Event, EventType, JsonValue, Payload, TagValue};

    pub(super) struct Mine;

    impl Codec for Mine {
        type Error = factos::CodecError;
        const NAME: &'static str = "mine";

        fn encode<T: factos::serde::Serialize + ?Sized>(
            value: &T,
        ) -> Result<factos::Bytes, factos::CodecError> {
            <factos::Json as Codec>::encode(value).map_err(factos::CodecError::new)
        }

        fn decode<'de, S: factos::serde::de::DeserializeSeed<'de>>(
            seed: S,
            bytes: &'de [u8],
        ) -> Result<S::Value, factos::CodecError> {
            <factos::Json as Codec>::decode(seed, bytes).map_err(factos::CodecError::new)
        }
    }

    #[derive(TagValue, Payload)]
    pub(super) struct Id(pub(super) u8);

    #[derive(Event)]
    #[event(codec = Mine)]
    pub(super) struct Inner {
        #[tag]
        pub(super) id: Id,
    }

    #[derive(Event)]
    pub(super) enum Outer {
        #[event(flatten)]
        Inner(Inner),
        #[event(
            alias = "old",
            version = 3,
            upcast_json(1 = json),
            upcast(2 = typed),
            tags_with = pairs
        )]
        Own {
            #[tag]
            id: Vec<Id>,
            #[tag(display)]
            at: u8,
            #[tag(with = doubled)]
            by: u8,
        },
    }

    #[derive(Payload)]
    struct V2 {
        id: u8,
    }

    #[expect(clippy::needless_pass_by_value, reason = "a step owns what it reads")]
    fn typed(old: V2) -> Outer {
        Outer::Own { id: [Id(old.id)].into(), at: 2, by: 3 }
    }

    fn json(value: JsonValue) -> Result<JsonValue, String> {
        Ok(value)
    }

    fn doubled(by: &u8) -> u8 {
        2 * by
    }

    fn pairs(_: &Outer) -> [(&'static str, &'static str); 1] {
        [("more", "x")]
    }

    #[expect(clippy::unwrap_used, reason = "the payload is readable")]
    pub(super) fn outer() -> Outer {
        let name = EventType::from_static("old");
        <Outer as Event>::decode(&name, 1, br#"{"id":1}"#).unwrap()
    }
}

#[test]
fn a_blanket_trait_in_scope_is_never_called_instead() {
    use beside_blanket_traits::{Id, Inner, Mine, Outer, outer};

    let own = outer();
    assert_eq!(own.tags().unwrap().as_lines(), "at:2\nby:6\nid:1\nmore:x");
    assert_eq!(own.encode().unwrap(), r#"{"id":[1],"at":2,"by":3}"#);
    let inner = EventType::from_static("Inner");
    assert_eq!(Outer::codec(&inner), Mine::NAME);
    assert_eq!(Outer::codec(&EventType::from_static("Own")), "json");
    assert_eq!(Outer::from(Inner { id: Id(4) }).tags().unwrap().as_lines(), "id:4");
    let query = Inner::query().id(&Id(4)).widen::<Outer>();
    assert_eq!(query.into_query().unwrap().to_string(), "(type Inner, tag id:4)");
}

#[deprecated = "no longer written, still read"]
#[derive(Event)]
pub enum Gone {
    Left {
        next: std::marker::PhantomData<Self>,
        #[tag]
        at: u8,
    },
    Other,
}

#[deprecated]
#[derive(Event)]
#[event(version = 2, upcast(1 = gone))]
pub struct GoneStruct {
    #[tag]
    #[expect(deprecated, reason = "it is read")]
    id: GoneId,
}

#[expect(deprecated, reason = "it is read")]
fn gone(id: GoneId) -> GoneStruct {
    GoneStruct { id }
}

#[deprecated]
#[derive(TagValue, Payload)]
pub struct GoneId(pub u8);

#[deprecated]
#[derive(Payload)]
pub enum GonePayload {
    Empty,
}

#[derive(Event)]
#[expect(deprecated, reason = "old events are read")]
pub enum Kept {
    Of(GonePayload),
    By {
        #[tag]
        id: GoneId,
        #[tag(display)]
        at: u8,
    },
}

#[test]
fn a_deprecated_type_is_derived_without_a_warning() {
    let kept = EventType::from_static("By");
    assert!(Kept::decode(&kept, 1, br#"{"id":1,"at":2}"#).is_ok());
}

macro_rules! in_edition_2021 {
    ($($item:item)*) => { $($item)* };
}

in_edition_2021! {
    #[derive(Event)]
    pub enum r#gen { A { v: u8 } }

    #[derive(Payload)]
    pub struct r#async { #[serde(default)] r#dyn: u8 }
}

#[test]
fn a_type_can_have_the_name_of_a_keyword() {
    assert_eq!(r#gen::A { v: 1 }.encode().unwrap(), r#"{"v":1}"#);
}
