use std::marker::PhantomData;

use serde::{Deserializer, Serialize, Serializer, de::DeserializeSeed};

use super::equal::Equality;
use crate::codec::Codec as Format;

/// The codec of an event that names none.
#[cfg(feature = "json")]
pub type Codec = crate::codec::json::Json;

/// An event whose payload is written and read by serde: the fields alone, without the name of the event.
pub trait SerdePayload: Sized {
    /// How payloads are written.
    type Codec: Format;

    /// The event's `PartialEq`, if it has one.
    const EQUAL: Equality<Self> = None;

    /// Writes the fields.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads the variant of this index; a struct ignores the index.
    ///
    /// # Errors
    /// Those of the deserializer.
    fn read<'de, D: Deserializer<'de>>(variant: u32, deserializer: D) -> Result<Self, D::Error>;
}

/// The fields of an event, as a value that serde writes.
pub(super) struct Fields<'a, T>(pub(super) &'a T);

impl<T: SerdePayload> Serialize for Fields<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

/// The index of a variant, as a seed with which serde reads it.
pub(super) struct Variant<T>(u32, PhantomData<T>);

impl<T> Variant<T> {
    pub(super) const fn new(index: u32) -> Self {
        Self(index, PhantomData)
    }
}

impl<'de, T: SerdePayload> DeserializeSeed<'de> for Variant<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::read(self.0, deserializer)
    }
}

/// The name of the codec.
#[must_use]
pub const fn codec<T: SerdePayload>() -> &'static str {
    T::Codec::NAME
}
