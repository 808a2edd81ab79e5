use std::io::Cursor;

use bytes::Bytes;
use rmp_serde::{Deserializer, Serializer};
use serde::{Serialize, de::DeserializeSeed};

use crate::codec::{Codec, error::CodecError};

/// MessagePack with field names, so that fields with defaults can be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessagePack;

impl Codec for MessagePack {
    type Error = CodecError;

    const NAME: &'static str = "messagepack";

    fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, CodecError> {
        let mut payload = Vec::with_capacity(128);
        let mut writer = Serializer::new(&mut payload).with_struct_map();
        value.serialize(&mut writer).map_err(CodecError::new)?;
        Ok(payload.into())
    }

    fn decode<'de, S: DeserializeSeed<'de>>(
        seed: S,
        payload: &'de [u8],
    ) -> Result<S::Value, CodecError> {
        let mut reader = Deserializer::new(Cursor::new(payload));
        let value = seed.deserialize(&mut reader).map_err(CodecError::new)?;
        if reader.position() < payload.len() as u64 {
            return Err(CodecError::left_over());
        }
        Ok(value)
    }
}
