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
    read::<T>(variant, payload).map_err(|cause| Undecodable::Malformed(cause.into()))
}

/// By code of its own, which is faster.
#[cfg(not(debug_assertions))]
fn read<T: SerdePayload>(variant: u32, payload: &[u8]) -> Result<T, <T::Codec as Codec>::Error> {
    T::Codec::decode(Variant::new(variant), payload)
}

/// By the code with which `encode` reads back, which is then compiled once for each type and not twice.
#[cfg(debug_assertions)]
fn read<T: SerdePayload>(variant: u32, payload: &[u8]) -> Result<T, <T::Codec as Codec>::Error> {
    let chooses = std::cell::Cell::new(false);
    let seed = crate::codec::guard::Watched { seed: Variant::new(variant), chooses: &chooses };
    T::Codec::decode(seed, payload)
}
