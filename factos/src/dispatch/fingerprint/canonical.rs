//! The bytes of a value that are hashed: one form for each value, and no two values with one form.

use std::fmt::Display;

use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// Why a value was not serialized.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(in crate::dispatch) struct Refused(String);

impl ser::Error for Refused {
    fn custom<T: Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

type Form = Result<Vec<u8>, Refused>;

/// Serializes a value to its form: a byte for its kind, the length of what follows, and that. All integers are
/// of one kind, and all floats, so that a field may become wider.
pub(super) struct Canonical;

#[derive(Clone, Copy)]
enum Kind {
    Unit = 0,
    Bool = 1,
    Integer = 2,
    Float = 3,
    Text = 4,
    Bytes = 5,
    Some = 6,
    List = 7,
    Map = 8,
    Variant = 9,
    Natural = 10,
}

fn form(kind: Kind, content: &[u8]) -> Vec<u8> {
    let mut form = vec![kind as u8];
    form.extend_from_slice(&(content.len() as u64).to_be_bytes());
    form.extend_from_slice(content);
    form
}

fn variant(name: &str, content: &[u8]) -> Vec<u8> {
    form(Kind::Variant, &[form(Kind::Text, name.as_bytes()).as_slice(), content].concat())
}

/// The items of a list, in order.
pub(super) struct List {
    /// The variant that holds it.
    variant: Option<&'static str>,
    content: Vec<u8>,
}

/// The entries of a map or the fields of a struct, in the order of their keys' forms.
pub(super) struct Map {
    /// The variant that holds it.
    variant: Option<&'static str>,
    key: Vec<u8>,
    entries: Vec<(Vec<u8>, Vec<u8>)>,
}

fn within(name: Option<&'static str>, form: Vec<u8>) -> Vec<u8> {
    match name {
        Some(name) => variant(name, &form),
        None => form,
    }
}

impl List {
    const fn new(variant: Option<&'static str>) -> Self {
        Self { variant, content: Vec::new() }
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.content.extend(value.serialize(Canonical)?);
        Ok(())
    }

    fn finish(self) -> Vec<u8> {
        within(self.variant, form(Kind::List, &self.content))
    }
}

impl Map {
    const fn new(variant: Option<&'static str>) -> Self {
        Self { variant, key: Vec::new(), entries: Vec::new() }
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Refused> {
        self.entries.push((form(Kind::Text, name.as_bytes()), value.serialize(Canonical)?));
        Ok(())
    }

    fn finish(mut self) -> Vec<u8> {
        self.entries.sort_unstable();
        let content: Vec<_> = self.entries.into_iter().flat_map(|(k, v)| [k, v]).collect();
        within(self.variant, form(Kind::Map, &content.concat()))
    }
}

macro_rules! numbers {
    ($($method:ident $type:ty: $kind:ident as $wide:ty;)*) => {$(
        fn $method(self, value: $type) -> Form {
            Ok(form(Kind::$kind, &<$wide>::from(value).to_be_bytes()))
        }
    )*};
}

impl Serializer for Canonical {
    type Ok = Vec<u8>;
    type Error = Refused;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Map;
    type SerializeStruct = Map;
    type SerializeStructVariant = Map;

    numbers! {
        serialize_i8 i8: Integer as i128;
        serialize_i16 i16: Integer as i128;
        serialize_i32 i32: Integer as i128;
        serialize_i64 i64: Integer as i128;
        serialize_i128 i128: Integer as i128;
        serialize_u8 u8: Integer as i128;
        serialize_u16 u16: Integer as i128;
        serialize_u32 u32: Integer as i128;
        serialize_u64 u64: Integer as i128;
        serialize_f32 f32: Float as f64;
        serialize_f64 f64: Float as f64;
    }

    fn serialize_u128(self, value: u128) -> Form {
        match i128::try_from(value) {
            Ok(value) => self.serialize_i128(value),
            Err(_) => Ok(form(Kind::Natural, &value.to_be_bytes())),
        }
    }

    fn serialize_bool(self, value: bool) -> Form {
        Ok(form(Kind::Bool, &[u8::from(value)]))
    }

    fn serialize_char(self, value: char) -> Form {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Form {
        Ok(form(Kind::Text, value.as_bytes()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Form {
        Ok(form(Kind::Bytes, value))
    }

    fn serialize_none(self) -> Form {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Form {
        Ok(form(Kind::Some, &value.serialize(self)?))
    }

    fn serialize_unit(self) -> Form {
        Ok(form(Kind::Unit, &[]))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Form {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Form {
        Ok(variant(name, &[]))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Form {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Form {
        Ok(variant(name, &value.serialize(self)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, Refused> {
        Ok(List::new(None))
    }

    fn serialize_tuple(self, _: usize) -> Result<List, Refused> {
        Ok(List::new(None))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List, Refused> {
        Ok(List::new(None))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<List, Refused> {
        Ok(List::new(Some(name)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Map, Refused> {
        Ok(Map::new(None))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Map, Refused> {
        Ok(Map::new(None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Map, Refused> {
        Ok(Map::new(Some(name)))
    }
}

macro_rules! lists {
    ($($trait:ident $method:ident;)*) => {$(
        impl $trait for List {
            type Ok = Vec<u8>;
            type Error = Refused;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                self.push(value)
            }

            fn end(self) -> Form {
                Ok(self.finish())
            }
        }
    )*};
}

lists! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

macro_rules! structs {
    ($($trait:ident;)*) => {$(
        impl $trait for Map {
            type Ok = Vec<u8>;
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Refused> {
                self.field(name, value)
            }

            fn end(self) -> Form {
                Ok(self.finish())
            }
        }
    )*};
}

structs! {
    SerializeStruct;
    SerializeStructVariant;
}

impl SerializeMap for Map {
    type Ok = Vec<u8>;
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        self.key = key.serialize(Canonical)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.entries.push((std::mem::take(&mut self.key), value.serialize(Canonical)?));
        Ok(())
    }

    fn end(self) -> Form {
        Ok(self.finish())
    }
}
