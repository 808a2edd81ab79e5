//! Why an event cannot be encoded or decoded.

use std::error::Error;

use crate::{
    event_id::EventId, event_type::EventType, position::SequencePosition, recorded::Recorded,
    text_rules::InvalidText,
};

type BoxError = Box<dyn Error + Send + Sync>;

/// The error of an event that cannot be stored. Nothing was appended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The codec refuses a value.
    #[error("an event of type {event_type} cannot be encoded")]
    Codec {
        /// The stored name of the event's type.
        event_type: EventType,
        /// The error of the codec.
        source: BoxError,
    },
    /// The value of a field cannot be a tag.
    #[error("field {key:?} of an event of type {event_type} does not make a tag")]
    Tag {
        /// The stored name of the event's type.
        event_type: EventType,
        /// The tag's key.
        key: &'static str,
        /// What is wrong with the value.
        source: InvalidText,
    },
    /// The name of an event's type is one that only the library may use.
    #[error(
        "an event cannot be of type {event_type}: names that begin with \"factos.\" are reserved"
    )]
    ReservedType {
        /// The stored name of the event's type.
        event_type: EventType,
    },
    /// A tag of an event written by hand has a key that only the library may use.
    #[error("an event of type {event_type} cannot have the tag {tag:?}")]
    ReservedTag {
        /// The stored name of the event's type.
        event_type: EventType,
        /// The tag.
        tag: String,
        /// What is wrong with its key.
        source: InvalidText,
    },
    /// The name of a codec cannot be kept in the metadata.
    #[error("the codec name {codec:?} cannot be kept")]
    CodecName {
        /// The name.
        codec: &'static str,
        /// What is wrong with it.
        source: InvalidText,
    },
}

/// The reason why a stored event does not decode into an event type.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Undecodable {
    /// The event type does not know this stored type.
    #[error("unknown event type")]
    UnknownType,
    /// The payload was written by newer code.
    #[error("version {stored} is newer than {known}, the newest that this code knows")]
    FutureVersion {
        /// The stored version.
        stored: u32,
        /// The newest version known.
        known: u32,
    },
    /// The payload is older than any that the event type can read.
    #[error("version {stored} is older than {known}, the oldest that this code reads")]
    PastVersion {
        /// The stored version.
        stored: u32,
        /// The oldest version read.
        known: u32,
    },
    /// The payload was written by another codec.
    #[error("the payload is written in {stored}, and this code reads {known}")]
    OtherCodec {
        /// The name of the codec that wrote it.
        stored: String,
        /// The name of the codec that the event type reads.
        known: &'static str,
    },
    /// An upcast from an older version refused the payload.
    #[error("a payload of version {from} cannot be brought to the next one")]
    Upcast {
        /// The version that the upcast starts from.
        from: u32,
        /// The error of the upcast.
        source: BoxError,
    },
    /// The payload does not fit its type and version.
    #[error("malformed payload")]
    Malformed(#[source] BoxError),
}

/// The error of a stored event that does not decode: which event, and why.
#[derive(Debug, thiserror::Error)]
#[error(
    "event {id} at position {position}, type {event_type}, version {version}, cannot be decoded"
)]
pub struct DecodeError {
    /// The position of the event.
    pub position: SequencePosition,
    /// The id of the event.
    pub id: EventId,
    /// The stored name of its type.
    pub event_type: EventType,
    /// The stored version of its payload.
    pub version: u32,
    /// Why it cannot be decoded.
    #[source]
    pub cause: Undecodable,
}

impl DecodeError {
    /// The error of this record.
    #[must_use]
    pub fn new<E>(record: &Recorded<E>, cause: Undecodable) -> Self {
        Self {
            position: record.position,
            id: record.id,
            event_type: record.event_type.clone(),
            version: record.version,
            cause,
        }
    }
}
