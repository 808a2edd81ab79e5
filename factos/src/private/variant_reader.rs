//! What the readers of an event's variants share, so that little is compiled for each variant. They read as a derive
//! of serde does.

use std::fmt;

use serde::{
    Deserialize,
    de::{
        DeserializeSeed, Deserializer, Error, Expected, IgnoredAny, MapAccess, SeqAccess, Visitor,
    },
    forward_to_deserialize_any,
};

/// A seed that reads the name of a field as its number, which this function knows. A name that is none of them has a
/// number beyond theirs.
#[derive(Debug, Clone, Copy)]
pub struct FieldNumber(pub fn(&str) -> usize);

impl<'de> DeserializeSeed<'de> for FieldNumber {
    type Value = usize;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for FieldNumber {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("field identifier")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<usize, E> {
        Ok(usize::try_from(number).unwrap_or(usize::MAX))
    }

    #[inline]
    fn visit_str<E: Error>(self, text: &str) -> Result<usize, E> {
        Ok((self.0)(text))
    }

    fn visit_bytes<E: Error>(self, text: &[u8]) -> Result<usize, E> {
        Ok(str::from_utf8(text).map_or(usize::MAX, self.0))
    }
}

/// Reads the value of a field into its place.
///
/// # Errors
/// Those of the map, and if there is a value already.
#[inline]
pub fn read_field_of_map<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    entries: &mut A,
    place: &mut Option<T>,
    name: &'static str,
) -> Result<(), A::Error> {
    if place.is_some() {
        return Err(A::Error::duplicate_field(name));
    }
    *place = Some(entries.next_value()?);
    Ok(())
}

/// Passes over the value of a field that is not known.
///
/// # Errors
/// Those of the map.
pub fn skip_field<'de, A: MapAccess<'de>>(entries: &mut A) -> Result<(), A::Error> {
    entries.next_value::<IgnoredAny>().map(drop)
}

/// The value of a field, or that of a missing one: `None` for an `Option`.
///
/// # Errors
/// The field is missing.
#[inline]
pub fn field_of_map<'de, T: Deserialize<'de>, E: Error>(
    value: Option<T>,
    name: &'static str,
) -> Result<T, E> {
    value.map_or_else(|| T::deserialize(Missing(name, std::marker::PhantomData)), Ok)
}

/// The next field of a sequence.
///
/// # Errors
/// Those of the sequence, and if it has ended after `count` fields.
#[inline]
pub fn field_of_seq<'de, A: SeqAccess<'de>, T: Deserialize<'de>>(
    fields: &mut A,
    count: usize,
    expected: &dyn Expected,
) -> Result<T, A::Error> {
    fields.next_element()?.ok_or_else(|| A::Error::invalid_length(count, expected))
}

/// What a sequence of fields should have been.
#[derive(Debug)]
pub struct FieldsOf(pub &'static str, pub usize);

impl Expected for FieldsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(variant, count) = self;
        let plural = if *count == 1 { "" } else { "s" };
        write!(f, "struct variant {variant} with {count} element{plural}")
    }
}

/// A field that is missing, as a deserializer: an `Option` is `None`.
struct Missing<E>(&'static str, std::marker::PhantomData<E>);

impl<'de, E: Error> Deserializer<'de> for Missing<E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, E> {
        Err(E::missing_field(self.0))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_none()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The error of a number that no variant has.
///
/// # Errors
/// Always.
pub fn no_variant<T, E: Error>() -> Result<T, E> {
    Err(E::custom("no variant of the event"))
}
