use std::fmt;

use serde::{
    Deserialize, Deserializer, Serializer,
    de::{DeserializeSeed, EnumAccess, IntoDeserializer, VariantAccess, Visitor},
    forward_to_deserialize_any,
};

/// Presents a payload to serde as the variant that its stored type selects: the bytes hold no name of it.
#[derive(Debug)]
pub struct AsVariant<D> {
    index: u32,
    name: &'static str,
    inner: D,
}

impl<D> AsVariant<D> {
    /// The payload in `inner`, as the variant of this index and name.
    pub const fn new(index: u32, name: &'static str, inner: D) -> Self {
        Self { index, name, inner }
    }

    /// The index, and the payload.
    pub fn into_parts(self) -> (u32, D) {
        (self.index, self.inner)
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for AsVariant<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

impl<'de, D: Deserializer<'de>> EnumAccess<'de> for AsVariant<D> {
    type Error = D::Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), D::Error> {
        let index = IntoDeserializer::<D::Error>::into_deserializer(self.index);
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de, D: Deserializer<'de>> VariantAccess<'de> for AsVariant<D> {
    type Error = D::Error;

    fn unit_variant(self) -> Result<(), D::Error> {
        <()>::deserialize(self.inner)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, D::Error> {
        seed.deserialize(self.inner)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_struct(self.name, fields, visitor)
    }
}

/// The methods of a proxy for which serde derived none. Serde's own message is then the only error.
pub trait NoSerdeProxy<T> {
    /// # Errors
    /// Always.
    fn serialize<S: Serializer>(_: &T, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom(Refused))
    }

    /// # Errors
    /// Always.
    fn deserialize<'de, D: Deserializer<'de>>(_: D) -> Result<T, D::Error> {
        Err(serde::de::Error::custom(Refused))
    }
}

struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the serde proxy of this type does not compile")
    }
}
