//! Payloads in doubt are read back at `encode`, before they are stored.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeSeed};

use crate::codec::Codec;

/// Encodes a value. If the codec is in doubt whether the payload can be read, decodes it once with the
/// seed: a value that could never be read is refused here.
///
/// # Errors
/// The codec refuses to encode the value, or to decode the payload.
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
