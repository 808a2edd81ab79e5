use bytes::Bytes;
use postcard::{Deserializer, to_allocvec};
use serde::{Serialize, de::DeserializeSeed};

use crate::codec::{Codec, error::CodecError};

/// postcard: the smallest payloads, without field names.
///
/// A payload can be read only with exactly the fields that wrote it, so every change of the fields needs a
/// new version. `skip_serializing_if`, `flatten` and enums that are untagged or internally tagged do not
/// work; an event that could not be read because of them is refused at `encode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Postcard;

impl Codec for Postcard {
    type Error = CodecError;

    const NAME: &'static str = "postcard";

    fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, CodecError> {
        to_allocvec(value).map(Bytes::from).map_err(CodecError::new)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(
        seed: S,
        payload: &'de [u8],
    ) -> Result<S::Value, CodecError> {
        let mut reader = Deserializer::from_bytes(payload);
        let value = seed.deserialize(&mut reader).map_err(CodecError::new)?;
        if !reader.finalize().map_err(CodecError::new)?.is_empty() {
            return Err(CodecError::left_over());
        }
        Ok(value)
    }
}
