//! Dispatching a command on derived events: what is kept, and what is not written or read.
#![cfg(all(feature = "derive", feature = "json"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use factos::{
    Bytes, Codec, CodecError, Error, Event, EventStore, Json, Metadata, Recorded, Undecodable,
    decider_fn, dispatch,
    serde::{Serialize, de::DeserializeSeed},
};
use factos_memory::MemoryStore;

/// JSON under another name.
struct Own;

impl Codec for Own {
    type Error = CodecError;

    const NAME: &'static str = "own";

    fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, CodecError> {
        Json::encode(value).map_err(CodecError::new)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(
        seed: S,
        payload: &'de [u8],
    ) -> Result<S::Value, CodecError> {
        Json::decode(seed, payload).map_err(CodecError::new)
    }
}

#[derive(Debug, PartialEq, Event)]
#[event("counted")]
struct InJson {
    n: u8,
}

#[derive(Debug, PartialEq, Event)]
#[event("counted", codec = Own)]
struct InOwn {
    n: u8,
}

#[derive(Debug, PartialEq, Event)]
struct Measured {
    #[tag]
    place: String,
    celsius: f64,
}

async fn run<E: Event>(
    store: &MemoryStore,
    metadata: Metadata,
    make: impl Fn(u8) -> E,
) -> Result<Vec<Recorded<E>>, Error<()>> {
    let decider = decider_fn(|| 0, |n, _: &E| n + 1, |n, _: &()| Ok::<_, ()>(vec![make(*n)]));
    let done = dispatch(store, &decider).metadata(metadata).run(&()).await?;
    Ok(done.records)
}

#[tokio::test]
async fn the_codec_of_an_event_stands_in_its_metadata_whatever_was_given() {
    let given = || Metadata::new().with_actor("ann").unwrap().with_codec("cbor").unwrap();
    let store = MemoryStore::new();
    let own = run(&store, given(), |n| InOwn { n }).await.unwrap();
    assert_eq!((own[0].metadata.codec(), own[0].metadata.actor()), (Some("own"), Some("ann")));
    assert_eq!(run(&store, given(), |n| InOwn { n }).await.unwrap()[0].event, InOwn { n: 1 });
    let store = MemoryStore::new();
    let json = run(&store, given(), |n| InJson { n }).await.unwrap();
    assert_eq!((json[0].metadata.codec(), json[0].metadata.actor()), (None, Some("ann")));
    assert_eq!(run(&store, given(), |n| InJson { n }).await.unwrap()[0].event, InJson { n: 1 });
}

#[tokio::test]
async fn what_makes_no_tag_or_no_payload_is_refused_before_any_append() {
    let store = MemoryStore::new();
    for (place, celsius) in [("", 1.0), ("a\n", 1.0), (&*"x".repeat(250), 1.0), ("a", f64::NAN)] {
        let make = |_| Measured { place: place.to_owned(), celsius };
        let refused = run(&store, Metadata::new(), make).await.unwrap_err();
        assert!(matches!(refused, Error::Encode(_)), "{refused:?}");
    }
    assert_eq!(store.head().await.unwrap(), None);
}

#[derive(Debug, PartialEq, Event)]
#[event(tags_with = Self::tags_of)]
struct Spoofed {
    key: String,
}

impl Spoofed {
    fn tags_of(&self) -> [(&'static str, &str); 1] {
        [("factos.key", &self.key)]
    }
}

#[test]
fn a_function_makes_no_tag_under_a_reserved_key() {
    let error = Spoofed { key: "order-77".into() }.tags().unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "tag key \"factos.key\" is reserved");
}

#[tokio::test]
async fn a_decision_does_not_read_what_another_codec_wrote() {
    let store = MemoryStore::new();
    let first = run(&store, Metadata::new(), |n| InOwn { n }).await.unwrap();
    let Err(Error::Decode(error)) = run(&store, Metadata::new(), |n| InJson { n }).await else {
        panic!("the event was read");
    };
    assert_eq!((error.position, error.id), (first[0].position, first[0].id));
    assert!(matches!(error.cause, Undecodable::OtherCodec { known: "json", .. }), "{error}");
}
