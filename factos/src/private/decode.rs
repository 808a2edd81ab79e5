use super::serde_payload::{SerdePayload, Variant};
use crate::{codec::Codec, event_error::Undecodable};

/// Decodes a payload of the current version, `known`. The oldest version that the event reads is `since`.
///
/// # Errors
/// Any [`Undecodable`] but an unknown type.
pub fn decode<T: SerdePayload>(
    variant: u32,
    since: u32,
    known: u32,
    stored: u32,
    payload: &[u8],
) -> Result<T, Undecodable> {
    if stored > known {
        return Err(Undecodable::FutureVersion { stored, known });
    }
    if stored < known {
        return Err(Undecodable::PastVersion { stored, known: since });
    }
    let read = T::Codec::decode_watched(Variant::new(variant), payload, None);
    read.map_err(|cause| Undecodable::Malformed(cause.into()))
}
