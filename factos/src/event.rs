use bytes::Bytes;

use crate::{
    event_error::{DecodeError, EncodeError, Undecodable},
    event_type::EventType,
    recorded::Recorded,
    schema::Schema,
    tags::Tags,
};

/// An application's event: what it is called, what queries see of it, and its bytes.
///
/// Derive it on an enum or a struct. Written by hand it must hold that `decode` of what `encode` wrote,
/// under `event_type` and `version`, gives back an equal event, and that `encode` refuses what `decode`
/// could not read: an event that can never be read blocks its boundary for ever.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    note = "add `#[derive(factos::Event)]` to it"
)]
pub trait Event: Sized {
    /// Every stored type that decodes into this event type.
    const SCHEMA: &'static Schema;

    /// The stored name of this event's type.
    fn event_type(&self) -> EventType;

    /// The schema version of the payload that [`encode`](Self::encode) writes, from 1.
    fn version(&self) -> u32;

    /// What queries see of this event.
    ///
    /// # Errors
    /// [`EncodeError::Tag`] if a value does not make a tag: empty, too long, or with a control character.
    fn tags(&self) -> Result<Tags, EncodeError>;

    /// The payload.
    ///
    /// # Errors
    /// [`EncodeError::Codec`] for a value that could not be read back equal.
    fn encode(&self) -> Result<Bytes, EncodeError>;

    /// The event of a stored type, version and payload.
    ///
    /// # Errors
    /// [`Undecodable`]: an unknown type, a version out of range, or a malformed payload.
    fn decode(event_type: &EventType, version: u32, payload: &[u8]) -> Result<Self, Undecodable>;
}

/// Decodes a record, keeping its place in the log.
///
/// # Errors
/// [`DecodeError`], which names the record.
pub fn decode<E: Event>(record: Recorded<Bytes>) -> Result<Recorded<E>, DecodeError> {
    match E::decode(&record.event_type, record.version, &record.event) {
        Ok(event) => Ok(record.with_event(event)),
        Err(cause) => Err(DecodeError::new(&record, cause)),
    }
}
