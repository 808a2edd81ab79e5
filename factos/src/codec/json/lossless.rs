//! A serializer that refuses what JSON would silently change.

use std::{cell::Cell, fmt::Display};

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// A serializer, or one of its compounds, with the place in the value that it writes.
pub(super) struct Lossless<'d, S> {
    inner: S,
    place: Place,
    doubt: &'d Doubt,
}

/// Whether something was written that not every type reads back: a 128-bit integer, or a map of unknown
/// length, which is how serde writes what is flattened.
pub(super) type Doubt = Cell<bool>;

#[derive(Clone, Copy)]
struct Place {
    depth: u8,
    max_depth: u8,
    in_some: bool,
}

/// A value, and the place in the whole value where it is written.
struct At<'a, T: ?Sized> {
    value: &'a T,
    place: Place,
    doubt: &'a Doubt,
}

impl<'d, S> Lossless<'d, S> {
    pub(super) const fn new(inner: S, doubt: &'d Doubt, max_depth: u8) -> Self {
        let place = Place { depth: 0, max_depth, in_some: false };
        Self { inner, place, doubt }
    }

    const fn at<'a, T: ?Sized>(&self, value: &'a T) -> At<'a, T>
    where
        'd: 'a,
    {
        At { value, place: self.place, doubt: self.doubt }
    }
}

impl Place {
    fn nested<E: Error>(self, levels: u8) -> Result<Self, E> {
        let depth = self.depth + levels;
        if depth > self.max_depth {
            let limit = self.max_depth;
            let text = format_args!("more than {limit} arrays and objects within each other");
            return Err(E::custom(text));
        }
        Ok(Self { depth, in_some: false, ..self })
    }

    fn null<E: Error>(self) -> Result<(), E> {
        if self.in_some {
            let text = "`Some` of a value that is written as null would come back as `None`";
            return Err(E::custom(text));
        }
        Ok(())
    }
}

impl<T: Serialize + ?Sized> Serialize for At<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { value, place, doubt } = *self;
        value.serialize(Lossless { inner: serializer, place, doubt })
    }
}

fn finite<E: Error>(finite: bool) -> Result<(), E> {
    if finite { Ok(()) } else { Err(E::custom("a float that is not finite has no JSON form")) }
}

macro_rules! as_is {
    ($($method:ident: $type:ty,)*) => {$(
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        }
    )*};
}

macro_rules! compound {
    ($($method:ident($($arg:ident: $type:ty),*) -> $compound:ident, $levels:literal;)*) => {$(
        fn $method(self, $($arg: $type),*) -> Result<Self::$compound, S::Error> {
            let place = self.place.nested($levels)?;
            let inner = self.inner.$method($($arg),*)?;
            Ok(Lossless { inner, place, doubt: self.doubt })
        }
    )*};
}

impl<'d, S: Serializer> Serializer for Lossless<'d, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Lossless<'d, S::SerializeSeq>;
    type SerializeTuple = Lossless<'d, S::SerializeTuple>;
    type SerializeTupleStruct = Lossless<'d, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Lossless<'d, S::SerializeTupleVariant>;
    type SerializeMap = Lossless<'d, S::SerializeMap>;
    type SerializeStruct = Lossless<'d, S::SerializeStruct>;
    type SerializeStructVariant = Lossless<'d, S::SerializeStructVariant>;

    as_is! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_char: char,
        serialize_str: &str,
    }

    compound! {
        serialize_seq(len: Option<usize>) -> SerializeSeq, 1;
        serialize_tuple(len: usize) -> SerializeTuple, 1;
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct, 1;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
            -> SerializeTupleVariant, 2;
        serialize_struct(name: &'static str, len: usize) -> SerializeStruct, 1;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
            -> SerializeStructVariant, 2;
    }

    fn serialize_i128(self, value: i128) -> Result<S::Ok, S::Error> {
        self.doubt.set(true);
        self.inner.serialize_i128(value)
    }

    fn serialize_u128(self, value: u128) -> Result<S::Ok, S::Error> {
        self.doubt.set(true);
        self.inner.serialize_u128(value)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        let place = self.place.nested(1)?;
        if len.is_none() {
            self.doubt.set(true);
        }
        let inner = self.inner.serialize_map(len)?;
        Ok(Lossless { inner, place, doubt: self.doubt })
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<S::Ok, S::Error> {
        self.place.nested::<S::Error>(1)?;
        self.inner.serialize_bytes(value)
    }

    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        finite::<S::Error>(value.is_finite())?;
        self.inner.serialize_f32(value)
    }

    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        finite::<S::Error>(value.is_finite())?;
        self.inner.serialize_f64(value)
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.place.null::<S::Error>()?;
        self.inner.serialize_none()
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.place.null::<S::Error>()?;
        self.inner.serialize_unit()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        self.place.null::<S::Error>()?;
        self.inner.serialize_unit_struct(name)
    }

    fn serialize_some<T: Serialize + ?Sized>(mut self, value: &T) -> Result<S::Ok, S::Error> {
        self.place.in_some = true;
        let value = self.at(value);
        self.inner.serialize_some(&value)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = self.at(value);
        self.inner.serialize_newtype_struct(name, &value)
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.place = self.place.nested(1)?;
        let value = self.at(value);
        self.inner.serialize_newtype_variant(name, index, variant, &value)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! elements {
    ($($compound:ident, $method:ident($($key:ident: $type:ty)?);)*) => {$(
        impl<S: $compound> $compound for Lossless<'_, S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($key: $type,)?
                value: &T,
            ) -> Result<(), S::Error> {
                let value = self.at(value);
                self.inner.$method($($key,)? &value)
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        }
    )*};
}

elements! {
    SerializeSeq, serialize_element();
    SerializeTuple, serialize_element();
    SerializeTupleStruct, serialize_field();
    SerializeTupleVariant, serialize_field();
    SerializeStruct, serialize_field(key: &'static str);
    SerializeStructVariant, serialize_field(key: &'static str);
}

impl<S: SerializeMap> SerializeMap for Lossless<'_, S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        self.inner.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        let value = self.at(value);
        self.inner.serialize_value(&value)
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.inner.end()
    }
}
