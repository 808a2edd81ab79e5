use bytes::Bytes;

use crate::{
    append::NewEvent,
    event_error::{DecodeError, EncodeError, Undecodable},
    event_id::EventId,
    event_type::EventType,
    metadata::Metadata,
    recorded::Recorded,
    schema::Schema,
    tag,
    tags::Tags,
};

/// An application's event: its stored type, its tags and its payload.
///
/// Derive it on an enum or a struct.
#[cfg_attr(
    feature = "derive",
    doc = r##"The attributes of the derive are on the page of the macro [`Event`](macro@crate::Event).

```
use factos::Event;

#[derive(Debug, PartialEq, Event)]
enum Ticketing {
    TicketSold { #[tag] show: u32, buyer: String },
    ShowCancelled { #[tag] show: u32 },
}

let sold = Ticketing::TicketSold { show: 7, buyer: "lucy".into() };
assert_eq!(sold.event_type(), "TicketSold");
assert_eq!(sold.tags()?.as_lines(), "show:7");
assert_eq!(sold.encode()?, r#"{"show":7,"buyer":"lucy"}"#);
assert_eq!(Ticketing::decode(&sold.event_type(), 1, &sold.encode()?)?, sold);
# Ok::<(), Box<dyn std::error::Error>>(())
```"##
)]
///
/// # By hand
/// `decode` must give back an equal event from what `encode` wrote, under `event_type` and `version`, and
/// `encode` must refuse what `decode` could not read: an event that can never be read blocks its boundary for
/// ever.
///
/// An event in a format without serde is written by hand, and names the format in
/// [`codec`](Self::codec). Here is one number as protobuf encodes it:
///
/// ```
/// use factos::{Bytes, EncodeError, Event, EventType, Schema, Tag, Tags, TypeInfo, Undecodable};
///
/// #[derive(Debug, PartialEq)]
/// struct Counted(u8);
///
/// const TYPE: TypeInfo = TypeInfo::new("Counted", 1, "Counted").with_tag_keys(&["n"]);
///
/// impl Event for Counted {
///     const SCHEMA: &'static Schema = &Schema::new(&[TYPE]);
///
///     fn event_type(&self) -> EventType { EventType::from_static("Counted") }
///     fn version(&self) -> u32 { 1 }
///
///     fn tags(&self) -> Result<Tags, EncodeError> {
///         let tag = Tag::new("n", &self.0.to_string());
///         tag.map(Tags::from).map_err(|source| {
///             EncodeError::Tag { event_type: self.event_type(), key: "n", source }
///         })
///     }
///
///     fn encode(&self) -> Result<Bytes, EncodeError> {
///         Ok(vec![0x08, self.0 & 0x7f | 0x80, self.0 >> 7].into())
///     }
///
///     fn decode(name: &EventType, version: u32, payload: &[u8]) -> Result<Self, Undecodable> {
///         match (name.as_str(), version, payload) {
///             ("Counted", 1, [0x08, low, high @ 0..=1]) if *low >= 0x80 => {
///                 Ok(Self(low & 0x7f | high << 7))
///             }
///             ("Counted", 1, _) => Err(Undecodable::Malformed("not a number".into())),
///             ("Counted", stored, _) => Err(Undecodable::FutureVersion { stored, known: 1 }),
///             _ => Err(Undecodable::UnknownType),
///         }
///     }
///
///     fn codec(_: &EventType) -> &'static str { "protobuf" }
/// }
///
/// for n in 0..=u8::MAX {
///     factos::testing::assert_comes_back(&Counted(n));
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    note = "add `#[derive(factos::Event)]` to it"
)]
pub trait Event: Sized {
    /// Every stored type that decodes into this event type.
    const SCHEMA: &'static Schema;

    /// The stored name of this event's type. One that begins with `factos.` is refused when the event is encoded
    /// for an append: those are the library's.
    fn event_type(&self) -> EventType;

    /// The schema version of the payload that [`encode`](Self::encode) writes, from 1.
    fn version(&self) -> u32;

    /// The tags by which queries find this event. One whose key begins with `factos.` is refused when the event
    /// is encoded for an append: those are the library's.
    ///
    /// # Errors
    /// [`EncodeError::Tag`] if a value cannot be a tag: empty, too long, or with a control character.
    fn tags(&self) -> Result<Tags, EncodeError>;

    /// Encodes the payload.
    ///
    /// # Errors
    /// [`EncodeError::Codec`] for a value that could not be read back equal.
    fn encode(&self) -> Result<Bytes, EncodeError>;

    /// Decodes the event of a stored type, version and payload.
    ///
    /// # Errors
    /// [`Undecodable`]: an unknown type, a version out of range, or a malformed payload.
    fn decode(event_type: &EventType, version: u32, payload: &[u8]) -> Result<Self, Undecodable>;

    /// The name of the codec that writes the payloads of this stored type. If it is not JSON, it is kept in
    /// the metadata of every event, so that no payload is read in another format than its own.
    #[must_use]
    fn codec(event_type: &EventType) -> &'static str {
        let _ = event_type;
        JSON
    }
}

/// The name of the codec that is not kept in the metadata.
pub(crate) const JSON: &str = "json";

/// An event type that includes every event of `E`: it has a variant with `#[event(flatten)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not include the events of `{E}`",
    note = "give it a variant that holds one, with `#[event(flatten)]`",
    note = "an event type within another one that is included itself is widened twice"
)]
pub trait Includes<E>: Event {}

/// Encodes an event for an append: with a new id, and in no stream.
///
/// # Errors
/// [`EncodeError`] if its tags or its payload cannot be encoded.
pub fn encode<E: Event>(event: &E) -> Result<NewEvent, EncodeError> {
    let event_type = event.event_type();
    if event_type.as_str().starts_with(tag::RESERVED) {
        return Err(EncodeError::ReservedType { event_type });
    }
    let codec = E::codec(&event_type);
    let metadata = if codec == JSON {
        Metadata::new()
    } else {
        let set = Metadata::new().with_codec(codec);
        set.map_err(|source| EncodeError::CodecName { codec, source })?
    };
    let tags = event.tags()?;
    for tag in tags.iter() {
        tag::check_free(tag::split(tag).0).map_err(|source| EncodeError::ReservedTag {
            event_type: event_type.clone(),
            tag: tag.to_owned(),
            source,
        })?;
    }
    Ok(NewEvent {
        id: EventId::new(),
        stream: None,
        version: event.version(),
        tags,
        metadata,
        payload: event.encode()?,
        event_type,
    })
}

impl<E: Event> Recorded<E> {
    /// The schema version that the event has now. It is above [`version`](Self::version) if the payload was
    /// brought forward when it was decoded.
    #[must_use]
    pub fn present_version(&self) -> u32 {
        self.event.version()
    }
}

/// Decodes a record, keeping its place in the log.
///
/// # Errors
/// [`DecodeError`], which names the record.
pub fn decode<E: Event>(record: Recorded<Bytes>) -> Result<Recorded<E>, DecodeError> {
    decode_ref(&record).map(|event| record.with_event(event))
}

pub(crate) fn decode_ref<E: Event>(record: &Recorded<Bytes>) -> Result<E, DecodeError> {
    check_codec::<E>(record)
        .and_then(|()| E::decode(&record.event_type, record.version, &record.event))
        .map_err(|cause| DecodeError::new(record, cause))
}

fn check_codec<E: Event>(record: &Recorded<Bytes>) -> Result<(), Undecodable> {
    let stored = record.metadata.codec().unwrap_or(JSON);
    let known = E::codec(&record.event_type);
    if stored == known || E::SCHEMA.find(record.event_type.as_str()).is_none() {
        return Ok(());
    }
    Err(Undecodable::OtherCodec { stored: stored.to_owned(), known })
}
