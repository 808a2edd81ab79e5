use std::marker::PhantomData;

use bytes::Bytes;
use serde::{Deserializer, Serialize, Serializer, de::DeserializeSeed};

use crate::{
    codec::{Codec as Format, read_back::encode_readable},
    event::Event,
    event_error::{EncodeError, Undecodable},
};

/// The codec of derived events.
#[cfg(feature = "json")]
pub type Codec = crate::codec::json::Json;

/// An event whose fields serde writes and reads, without the name of the event.
pub trait Mirrored: Sized {
    /// How payloads are written.
    type Codec: Format;

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
pub fn encode<T: Event + Mirrored>(variant: u32, event: &T) -> Result<Bytes, EncodeError> {
    let seed = Variant::<T>(variant, PhantomData);
    encode_readable::<T::Codec, _, _>(&Fields(event), seed).map_err(|source| EncodeError::Codec {
        event_type: event.event_type(),
        source: source.into(),
    })
}

/// # Errors
/// Any [`Undecodable`] but an unknown type.
pub fn decode<T: Mirrored>(
    variant: u32,
    since: u32,
    known: u32,
    stored: u32,
    payload: &[u8],
) -> Result<T, Undecodable> {
    if stored > known {
        return Err(Undecodable::FutureVersion { stored, known });
    }
    if stored < known {
        return Err(Undecodable::PastVersion { stored, known: since });
    }
    T::Codec::decode(Variant(variant, PhantomData), payload)
        .map_err(|cause| Undecodable::Malformed(cause.into()))
}

/// The name of the codec.
#[must_use]
pub const fn codec<T: Mirrored>() -> &'static str {
    T::Codec::NAME
}
