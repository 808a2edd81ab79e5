//! The payloads in doubt are read back at `encode`, before they are stored.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeSeed};

use crate::codec::Codec;

/// Writes a value, and reads the payload back with the seed if the codec is in doubt about it: what could
/// never be read is refused here.
///
/// # Errors
/// Those of the codec, of writing and of reading.
pub(crate) fn encode_readable<C, T, S>(value: &T, seed: S) -> Result<Bytes, C::Error>
where
    C: Codec,
    T: Serialize + ?Sized,
    S: for<'de> DeserializeSeed<'de>,
{
    let (payload, is_doubtful) = C::encode_doubtful(value)?;
    if is_doubtful {
        C::decode(seed, &payload)?;
    }
    Ok(payload)
}
