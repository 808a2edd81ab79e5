use bytes::Bytes;
use cbor4ii::{
    core::{
        dec::Read,
        utils::{BufWriter, SliceReader},
    },
    serde::{Deserializer, Serializer},
};
use serde::{Serialize, de::DeserializeSeed};

use crate::codec::{
    Codec,
    error::CodecError,
    guard::{self, Check, Doubt, Format, Guarded},
};

/// CBOR with field names, so that fields with defaults can be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cbor;

const FORMAT: Format =
    Format { infinite: true, none_is_null: true, unit_is_null: false, unit_struct_is_null: false };

impl Codec for Cbor {
    type Error = CodecError;

    const NAME: &'static str = "cbor";

    fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, CodecError> {
        Ok(Self::encode_checked(value)?.0)
    }

    fn encode_checked<T: Serialize + ?Sized>(value: &T) -> Result<(Bytes, Doubt), CodecError> {
        let check = Check::new(FORMAT);
        let mut writer = Serializer::new(BufWriter::new(Vec::with_capacity(128)));
        let written = guard::write(value, &mut writer, &check);
        written.map_err(|error| CodecError::of_value(error, &check))?;
        Ok((writer.into_inner().into_inner().into(), check.doubt()))
    }

    fn decode<'de, S: DeserializeSeed<'de>>(
        seed: S,
        payload: &'de [u8],
    ) -> Result<S::Value, CodecError> {
        let mut reader = Deserializer::new(SliceReader::new(payload));
        let value = seed.deserialize(Guarded::new(&mut reader)).map_err(CodecError::new)?;
        let mut rest = reader.into_inner();
        let rest = rest.fill(1).map_err(CodecError::new)?;
        if !rest.as_ref().is_empty() {
            return Err(CodecError::left_over());
        }
        Ok(value)
    }
}
