use std::marker::PhantomData;

use bytes::Bytes;
use serde::{Deserializer, Serialize, Serializer, de::DeserializeSeed};

use crate::{
    codec::Codec as Format,
    event::Event,
    event_error::{EncodeError, Undecodable},
};

/// The codec of derived events.
#[cfg(feature = "json")]
pub type Codec = crate::codec::Json;

/// Stands in for the codec of derived events, which needs the feature `json`.
#[cfg(not(feature = "json"))]
#[derive(Debug)]
pub enum NoCodec {}

/// The codec of derived events.
#[cfg(not(feature = "json"))]
pub type Codec = NoCodec;

/// An event whose fields serde writes and reads, without the name of the event.
pub trait Mirrored: Sized {
    /// # Errors
    /// Those of the serializer.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads the variant of this index; a struct ignores the index.
    ///
    /// # Errors
    /// Those of the deserializer.
    fn read<'de, D: Deserializer<'de>>(variant: u32, deserializer: D) -> Result<Self, D::Error>;
}

struct Fields<'a, T>(&'a T);

impl<T: Mirrored> Serialize for Fields<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

struct Variant<T>(u32, PhantomData<T>);

impl<'de, T: Mirrored> DeserializeSeed<'de> for Variant<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::read(self.0, deserializer)
    }
}

/// # Errors
/// [`EncodeError::Codec`].
pub fn encode<C: Format, T: Event + Mirrored>(event: &T) -> Result<Bytes, EncodeError> {
    C::encode(&Fields(event)).map_err(|source| EncodeError::Codec {
        event_type: event.event_type(),
        source: source.into(),
    })
}

/// # Errors
/// Any [`Undecodable`] but an unknown type.
pub fn decode<C: Format, T: Mirrored>(
    variant: u32,
    known: u32,
    stored: u32,
    payload: &[u8],
) -> Result<T, Undecodable> {
    if stored > known {
        return Err(Undecodable::FutureVersion { stored, known });
    }
    if stored < known {
        return Err(Undecodable::PastVersion { stored, known });
    }
    C::decode(Variant(variant, PhantomData), payload)
        .map_err(|cause| Undecodable::Malformed(cause.into()))
}
