use bytes::Bytes;

use super::serde_payload::{Fields, SerdePayload, Variant};
use crate::{
    codec::read_back::{ReadBack, digest, encode_readable},
    event::Event,
    event_error::EncodeError,
};

/// Encodes the payload of an event, and reads it back unless it is certain that it comes back equal.
///
/// # Errors
/// [`EncodeError::Codec`].
pub fn encode<T: Event + SerdePayload>(variant: u32, event: &T) -> Result<Bytes, EncodeError> {
    // What serde is handed tells two values apart, but not the variants of an untagged enum that hold alike
    // fields: those are compared by the event's own `PartialEq`, if there is one. A skipped field comes back
    // as its default, on purpose, so where nothing is chosen what is stored decides.
    let same = |back: &T, chooses: bool| {
        let [written, read] = [event, back].map(|value| digest::<T::Codec, _>(&Fields(value)));
        written.is_some()
            && written == read
            && (!chooses || T::EQUAL.is_none_or(|equal| equal(event, back)))
    };
    let back = ReadBack { seed: Variant::<T>::new(variant), variant, same };
    let payload = encode_readable::<T::Codec, _, _, _, _>(&Fields(event), back);
    payload.map_err(|source| EncodeError::Codec { event_type: event.event_type(), source })
}
