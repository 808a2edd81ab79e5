use std::cell::Cell;

use std::io::Cursor;

use bytes::Bytes;
use rmp_serde::{Deserializer, Serializer};
use serde::{Serialize, de::DeserializeSeed};

use crate::codec::{
    Codec,
    error::CodecError,
    guard::{self, Check, Format, Guarded},
};

/// The MessagePack codec, with field names, so that fields with defaults can be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessagePack;

const FORMAT: Format = Format {
    infinite: true,
    not_a_number: false,
    none_is_null: true,
    unit_is_null: true,
    unit_struct_is_null: false,
};

impl Codec for MessagePack {
    type Error = CodecError;

    const NAME: &'static str = "messagepack";

    fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, CodecError> {
        Self::encode_checked(value, &Check::default())
    }

    fn encode_checked<T>(value: &T, check: &Check) -> Result<Bytes, CodecError>
    where
        T: Serialize + ?Sized,
    {
        let mut payload = Vec::with_capacity(128);
        let mut writer = Serializer::new(&mut payload).with_struct_map();
        let written = guard::write(value, &mut writer, &FORMAT, check);
        written.map_err(|error| CodecError::of_value(error, check))?;
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
        let mut reader = Deserializer::new(Cursor::new(payload));
        let value =
            seed.deserialize(Guarded::new(&mut reader, chooses)).map_err(CodecError::new)?;
        if reader.position() < payload.len() as u64 {
            return Err(CodecError::left_over());
        }
        Ok(value)
    }
}
