use bytes::Bytes;

use super::serde_payload::{Fields, SerdePayload, Variant};
use crate::{codec::read_back::encode_readable, event::Event, event_error::EncodeError};

/// Encodes the payload of an event, and reads it back if the codec cannot tell that it is readable.
///
/// # Errors
/// [`EncodeError::Codec`].
pub fn encode<T: Event + SerdePayload>(variant: u32, event: &T) -> Result<Bytes, EncodeError> {
    let payload = encode_readable::<T::Codec, _, _>(&Fields(event), Variant::<T>::new(variant));
    payload.map_err(|source| EncodeError::Codec {
        event_type: event.event_type(),
        source: source.into(),
    })
}
