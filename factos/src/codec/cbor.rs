use std::cell::Cell;

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
    guard::{self, Check, Format, Guarded},
};

/// The CBOR codec, with field names, so that fields with defaults can be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cbor;

const FORMAT: Format = Format {
    infinite: true,
    not_a_number: false,
    none_is_null: true,
    unit_is_null: false,
    unit_struct_is_null: false,
};

impl Codec for Cbor {
    type Error = CodecError;

    const NAME: &'static str = "cbor";

    fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, CodecError> {
        Self::encode_checked(value, &Check::default())
    }

    fn encode_checked<T>(value: &T, check: &Check) -> Result<Bytes, CodecError>
    where
        T: Serialize + ?Sized,
    {
        let mut writer = Serializer::new(BufWriter::new(Vec::with_capacity(128)));
        let written = guard::write(value, &mut writer, &FORMAT, check);
        written.map_err(|error| CodecError::of_value(error, check))?;
        Ok(writer.into_inner().into_inner().into())
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
        let mut reader = Deserializer::new(SliceReader::new(payload));
        let value =
            seed.deserialize(Guarded::new(&mut reader, chooses)).map_err(CodecError::new)?;
        let mut rest = reader.into_inner();
        let rest = rest.fill(1).map_err(CodecError::new)?;
        if !rest.as_ref().is_empty() {
            return Err(CodecError::left_over());
        }
        Ok(value)
    }
}
