use std::cell::Cell;

use bytes::Bytes;
use postcard::{
    Deserializer,
    ser_flavors::{AllocVec, Flavor},
};
use serde::{Serialize, de::DeserializeSeed};

use crate::codec::{
    Codec,
    error::CodecError,
    guard::{self, Check, Format, Guarded},
};

/// The postcard codec: the smallest payloads, without field names.
///
/// A payload can be read only with exactly the fields that wrote it, so every change of the fields needs a
/// new version. `skip_serializing_if`, `flatten` and enums that are untagged or internally tagged do not
/// work; an event that could not be read because of them is refused at `encode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Postcard;

const FORMAT: Format = Format {
    infinite: true,
    not_a_number: false,
    none_is_null: false,
    unit_is_null: false,
    unit_struct_is_null: false,
};

impl Codec for Postcard {
    type Error = CodecError;

    const NAME: &'static str = "postcard";

    fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, CodecError> {
        Self::encode_checked(value, &Check::default())
    }

    fn encode_checked<T>(value: &T, check: &Check) -> Result<Bytes, CodecError>
    where
        T: Serialize + ?Sized,
    {
        let mut writer = postcard::Serializer { output: AllocVec::new() };
        let written = guard::write(value, &mut writer, &FORMAT, check);
        written.map_err(|error| CodecError::of_value(error, check))?;
        let payload = writer.output.finalize().map_err(CodecError::new)?;
        Ok(payload.into())
    }

    fn decode<'de, S: DeserializeSeed<'de>>(
        seed: S,
        payload: &'de [u8],
    ) -> Result<S::Value, CodecError> {
        Self::decode_watched(seed, payload, None)
    }

    fn decode_watched<'de, S: DeserializeSeed<'de>>(
        seed: S,
        payload: &'de [u8],
        chooses: Option<&Cell<bool>>,
    ) -> Result<S::Value, CodecError> {
        let mut reader = Deserializer::from_bytes(payload);
        let value =
            seed.deserialize(Guarded::new(&mut reader, chooses)).map_err(CodecError::new)?;
        if !reader.finalize().map_err(CodecError::new)?.is_empty() {
            return Err(CodecError::left_over());
        }
        Ok(value)
    }
}
