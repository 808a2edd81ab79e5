use bytes::Bytes;

use super::serde_payload::{Fields, SerdePayload, Variant};
use crate::{codec::Codec, event::Event, event_error::EncodeError};

/// Encodes the payload of an event, and reads it back if the codec cannot tell that it is readable.
///
/// # Errors
/// [`EncodeError::Codec`].
pub fn encode<T: Event + SerdePayload>(variant: u32, event: &T) -> Result<Bytes, EncodeError> {
    let written = T::Codec::encode_doubtful(&Fields(event)).and_then(|(payload, is_doubtful)| {
        if is_doubtful {
            T::Codec::decode(Variant::<T>::new(variant), &payload)?;
        }
        Ok(payload)
    });
    written.map_err(|source| EncodeError::Codec {
        event_type: event.event_type(),
        source: source.into(),
    })
}
