//! A hash of all that a value hands to serde, by which two values of a type are compared that may have no
//! `PartialEq`.

use std::{
    fmt::{self, Display},
    hash::{DefaultHasher, Hash, Hasher},
};

use serde::ser::{self, Serialize, Serializer};

/// Whether both values hand the same to serde. The order of lists and maps does not count, as a set comes
/// back in another one. A value that serde refuses equals nothing.
pub(crate) fn same<A: Serialize + ?Sized, B: Serialize + ?Sized>(a: &A, b: &B) -> bool {
    match (a.serialize(Digest), b.serialize(Digest)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

struct Digest;

/// What is collected of the parts of a value.
struct Parts {
    hasher: DefaultHasher,
    unordered: u64,
    key: u64,
}

#[derive(Debug)]
struct Refused;

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value cannot be written")
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn parts(kind: impl Hash) -> Parts {
    let mut hasher = DefaultHasher::new();
    kind.hash(&mut hasher);
    Parts { hasher, unordered: 0, key: 0 }
}

macro_rules! leaves {
    ($($method:ident($($arg:ident: $type:ty),*) = $value:expr;)*) => {$(
        fn $method(self, $($arg: $type),*) -> Result<u64, Refused> {
            Ok(hash((stringify!($method), $value)))
        }
    )*};
}

macro_rules! compounds {
    ($($method:ident($($arg:ident: $type:ty),*) -> $compound:ident = $value:expr;)*) => {$(
        fn $method(self, $($arg: $type),*) -> Result<Self::$compound, Refused> {
            Ok(parts((stringify!($method), $value)))
        }
    )*};
}

impl Serializer for Digest {
    type Ok = u64;
    type Error = Refused;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Parts;
    type SerializeMap = Parts;
    type SerializeStruct = Parts;
    type SerializeStructVariant = Parts;

    leaves! {
        serialize_bool(value: bool) = value;
        serialize_i8(value: i8) = value;
        serialize_i16(value: i16) = value;
        serialize_i32(value: i32) = value;
        serialize_i64(value: i64) = value;
        serialize_i128(value: i128) = value;
        serialize_u8(value: u8) = value;
        serialize_u16(value: u16) = value;
        serialize_u32(value: u32) = value;
        serialize_u64(value: u64) = value;
        serialize_u128(value: u128) = value;
        serialize_f32(value: f32) = value.to_bits();
        serialize_f64(value: f64) = value.to_bits();
        serialize_char(value: char) = value;
        serialize_str(value: &str) = value;
        serialize_bytes(value: &[u8]) = value;
        serialize_none() = ();
        serialize_unit() = ();
        serialize_unit_struct(name: &'static str) = name;
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str)
            = (name, index, variant);
    }

    compounds! {
        serialize_seq(_len: Option<usize>) -> SerializeSeq = ();
        serialize_tuple(len: usize) -> SerializeTuple = len;
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct = (name, len);
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
            -> SerializeTupleVariant = (name, index, variant, len);
        serialize_map(_len: Option<usize>) -> SerializeMap = ();
        serialize_struct(name: &'static str, len: usize) -> SerializeStruct = (name, len);
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
            -> SerializeStructVariant = (name, index, variant, len);
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<u64, Refused> {
        Ok(hash(("some", value.serialize(Self)?)))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<u64, Refused> {
        Ok(hash(("newtype", name, value.serialize(Self)?)))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<u64, Refused> {
        Ok(hash((name, index, variant, value.serialize(Self)?)))
    }

    fn is_human_readable(&self) -> bool {
        HUMAN_READABLE
    }
}

/// What serde takes a serializer for that does not say. Only the comparison depends on it.
const HUMAN_READABLE: bool = true;

impl Parts {
    fn ordered<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        value.serialize(Digest)?.hash(&mut self.hasher);
        Ok(())
    }

    fn finish(mut self) -> u64 {
        self.unordered.hash(&mut self.hasher);
        self.hasher.finish()
    }
}

macro_rules! ordered {
    ($($compound:ident, $method:ident($($key:ident: $type:ty)?);)*) => {$(
        impl ser::$compound for Parts {
            type Ok = u64;
            type Error = Refused;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($key: $type,)?
                value: &T,
            ) -> Result<(), Refused> {
                $($key.hash(&mut self.hasher);)?
                self.ordered(value)
            }

            fn end(self) -> Result<u64, Refused> {
                Ok(self.finish())
            }
        }
    )*};
}

ordered! {
    SerializeTuple, serialize_element();
    SerializeTupleStruct, serialize_field();
    SerializeTupleVariant, serialize_field();
    SerializeStruct, serialize_field(key: &'static str);
    SerializeStructVariant, serialize_field(key: &'static str);
}

impl ser::SerializeSeq for Parts {
    type Ok = u64;
    type Error = Refused;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        let item = hash(value.serialize(Digest)?);
        self.unordered = self.unordered.wrapping_add(item);
        Ok(())
    }

    fn end(self) -> Result<u64, Refused> {
        Ok(self.finish())
    }
}

impl ser::SerializeMap for Parts {
    type Ok = u64;
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        self.key = key.serialize(Digest)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        let entry = hash((self.key, value.serialize(Digest)?));
        self.unordered = self.unordered.wrapping_add(entry);
        Ok(())
    }

    fn end(self) -> Result<u64, Refused> {
        Ok(self.finish())
    }
}
