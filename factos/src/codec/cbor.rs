use bytes::Bytes;
use cbor4ii::{
    core::{
        dec::Read,
        utils::{BufWriter, SliceReader},
    },
    serde::{Deserializer, Serializer},
};
use serde::{Serialize, de::DeserializeSeed};

use crate::codec::{Codec, error::CodecError};

/// CBOR with field names, so that fields with defaults can be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cbor;

impl Codec for Cbor {
    type Error = CodecError;

    const NAME: &'static str = "cbor";

    fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, CodecError> {
        let mut writer = Serializer::new(BufWriter::new(Vec::with_capacity(128)));
        value.serialize(&mut writer).map_err(CodecError::new)?;
        Ok(writer.into_inner().into_inner().into())
    }

    fn decode<'de, S: DeserializeSeed<'de>>(
        seed: S,
        payload: &'de [u8],
    ) -> Result<S::Value, CodecError> {
        let mut reader = Deserializer::new(SliceReader::new(payload));
        let value = seed.deserialize(&mut reader).map_err(CodecError::new)?;
        let mut rest = reader.into_inner();
        let rest = rest.fill(1).map_err(CodecError::new)?;
        if !rest.as_ref().is_empty() {
            return Err(CodecError::left_over());
        }
        Ok(value)
    }
}
