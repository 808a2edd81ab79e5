//! A serializer that refuses what a format would change without a word, and notes the shape of the value.

use std::{
    cell::{Cell, RefCell},
    fmt::Display,
};

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{
    digest::Digest,
    limits::{Format, MAX_DEPTH, MAX_WRITTEN_LEVELS},
    nothing::Nothing,
    shape::{Doubt, mix, mix_name},
};

/// What is known of a value once it is written.
#[derive(Debug, Default)]
#[doc(hidden)]
pub struct Check {
    shape: Cell<u64>,
    /// Whether something was written that not every type reads back: a 128-bit integer, or a map of unknown
    /// length, which is how serde writes what is flattened.
    is_doubtful: Cell<bool>,
    /// What was refused.
    refusal: RefCell<Option<String>>,
    /// If two values are to be compared.
    digest: Option<Digest>,
    is_incomplete: Cell<bool>,
}

impl Check {
    /// For two values that are to be compared by their [`digest`](Self::digest).
    pub(crate) fn of_all() -> Self {
        Self { digest: Some(Digest::default()), ..Self::default() }
    }

    /// A hash of all that the value handed to serde, which took it all.
    pub(crate) fn digest(&self) -> Option<u64> {
        self.digest.as_ref().filter(|_| !self.is_incomplete.get()).map(Digest::value)
    }

    pub(crate) const fn doubt(&self) -> Doubt {
        if self.is_doubtful.get() { Doubt::Always } else { Doubt::Shape(self.shape.get()) }
    }

    /// Looks at a value that was not written through this: nothing is known of how it is read.
    pub(crate) fn look_at<T: Serialize + ?Sized>(&self, value: &T) {
        self.is_doubtful.set(true);
        if self.digest.is_some() {
            self.is_incomplete.set(write(value, Nothing, &ANY, self).is_err());
        }
    }

    /// What was refused, if anything was.
    #[cfg(any(feature = "cbor", feature = "messagepack", feature = "postcard"))]
    pub(crate) fn refusal(&self) -> Option<String> {
        self.refusal.take()
    }

    fn refuse<E: Error>(&self, what: impl Display) -> E {
        let text = what.to_string();
        let error = E::custom(&text);
        self.refusal.replace(Some(text));
        error
    }

    fn note(&self, part: u64) {
        self.shape.set(mix(self.shape.get(), part));
    }

    fn note_name(&self, name: &'static str) {
        self.shape.set(mix_name(self.shape.get(), name));
    }

    #[inline]
    fn compare(&self, add: impl FnOnce(&Digest)) {
        if let Some(digest) = &self.digest {
            add(digest);
        }
    }
}

/// Refuses nothing that a format may hold.
const ANY: Format = Format {
    infinite: true,
    not_a_number: true,
    none_is_null: false,
    unit_is_null: false,
    unit_struct_is_null: false,
};

/// Writes a value by the serializer of its format.
pub(crate) fn write<T, S>(
    value: &T,
    serializer: S,
    format: &'static Format,
    check: &Check,
) -> Result<S::Ok, S::Error>
where
    T: Serialize + ?Sized,
    S: Serializer,
{
    let place = Place { depth: 0, levels: 0, in_some: false, format };
    value.serialize(Checked { inner: serializer, place, check })
}

/// A serializer, or one of its compounds, with the place in the value that it writes.
struct Checked<'d, S> {
    inner: S,
    place: Place,
    check: &'d Check,
}

#[derive(Clone, Copy)]
struct Place {
    depth: u8,
    levels: u16,
    in_some: bool,
    format: &'static Format,
}

/// A value, and the place in the whole value where it is written.
struct At<'a, T: ?Sized> {
    value: &'a T,
    place: Place,
    check: &'a Check,
}

impl<'d, S> Checked<'d, S> {
    const fn at<'a, T: ?Sized>(&self, value: &'a T) -> At<'a, T>
    where
        'd: 'a,
    {
        At { value, place: self.place, check: self.check }
    }

    fn null<E: Error>(&self, is_null: bool) -> Result<(), E> {
        if self.place.in_some && is_null {
            let text = "`Some` of a value that is written as null would come back as `None`";
            return Err(self.check.refuse(text));
        }
        Ok(())
    }
}

impl Place {
    fn nested<E: Error>(self, check: &Check, depth: u8) -> Result<Self, E> {
        let depth = self.depth + depth;
        if depth > MAX_DEPTH {
            let text = format_args!("more than {MAX_DEPTH} arrays and objects within each other");
            return Err(check.refuse(text));
        }
        Self { depth, in_some: false, ..self }.level(check)
    }

    fn level<E: Error>(self, check: &Check) -> Result<Self, E> {
        let levels = self.levels + 1;
        if levels > MAX_WRITTEN_LEVELS {
            let text = format_args!("more than {MAX_WRITTEN_LEVELS} values within each other");
            return Err(check.refuse(text));
        }
        Ok(Self { levels, ..self })
    }
}

impl<T: Serialize + ?Sized> Serialize for At<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { value, place, check } = *self;
        value.serialize(Checked { inner: serializer, place, check })
    }
}

fn float<E: Error>(format: &Format, check: &Check, is_nan: bool, is_finite: bool) -> Result<(), E> {
    if !is_finite && !format.infinite {
        return Err(check.refuse("a float that is not finite has no JSON form"));
    }
    if is_nan && !format.not_a_number {
        return Err(check.refuse("a float that is not a number does not equal itself"));
    }
    Ok(())
}

macro_rules! as_is {
    ($($method:ident: $type:ty = $kind:literal,)*) => {$(
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.check.note($kind);
            self.check.compare(|digest| digest.leaf($kind, value));
            self.inner.$method(value)
        }
    )*};
}

macro_rules! compound {
    ($(
        $method:ident($($arg:ident: $type:ty),*) -> $compound:ident, $levels:literal, $kind:literal
            $(, $variant:ident)?;
    )*) => {$(
        fn $method(self, $($arg: $type),*) -> Result<Self::$compound, S::Error> {
            let place = self.place.nested(self.check, $levels)?;
            self.check.note($kind);
            $(self.check.note(u64::from($variant));)?
            self.check.compare(|digest| digest.begin($kind, ($($arg,)*)));
            let inner = self.inner.$method($($arg),*)?;
            Ok(Checked { inner, place, check: self.check })
        }
    )*};
}

impl<'d, S: Serializer> Serializer for Checked<'d, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Listed<'d, S::SerializeSeq>;
    type SerializeTuple = Checked<'d, S::SerializeTuple>;
    type SerializeTupleStruct = Checked<'d, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Checked<'d, S::SerializeTupleVariant>;
    type SerializeMap = Listed<'d, S::SerializeMap>;
    type SerializeStruct = Checked<'d, S::SerializeStruct>;
    type SerializeStructVariant = Checked<'d, S::SerializeStructVariant>;

    as_is! {
        serialize_bool: bool = 1,
        serialize_i8: i8 = 2,
        serialize_i16: i16 = 3,
        serialize_i32: i32 = 4,
        serialize_i64: i64 = 5,
        serialize_u8: u8 = 6,
        serialize_u16: u16 = 7,
        serialize_u32: u32 = 8,
        serialize_u64: u64 = 9,
        serialize_char: char = 10,
        serialize_str: &str = 11,
    }

    compound! {
        serialize_tuple(len: usize) -> SerializeTuple, 1, 20;
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct, 1, 21;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
            -> SerializeTupleVariant, 2, 22, index;
        serialize_struct(name: &'static str, len: usize) -> SerializeStruct, 1, 23;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
            -> SerializeStructVariant, 2, 24, index;
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        let place = self.place.nested(self.check, 1)?;
        let items = Items::begin(self.check, 25);
        self.check.compare(|digest| digest.begin(25, ()));
        let inner = self.inner.serialize_seq(len)?;
        Ok(Listed { checked: Checked { inner, place, check: self.check }, items })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        let place = self.place.nested(self.check, 1)?;
        if len.is_none() {
            self.check.is_doubtful.set(true);
        }
        let items = Items::begin(self.check, 26);
        self.check.compare(|digest| digest.begin(26, ()));
        let inner = self.inner.serialize_map(len)?;
        Ok(Listed { checked: Checked { inner, place, check: self.check }, items })
    }

    fn serialize_i128(self, value: i128) -> Result<S::Ok, S::Error> {
        self.check.is_doubtful.set(true);
        self.check.compare(|digest| digest.leaf(40, value));
        self.inner.serialize_i128(value)
    }

    fn serialize_u128(self, value: u128) -> Result<S::Ok, S::Error> {
        self.check.is_doubtful.set(true);
        self.check.compare(|digest| digest.leaf(41, value));
        self.inner.serialize_u128(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<S::Ok, S::Error> {
        self.place.nested::<S::Error>(self.check, 1)?;
        self.check.note(30);
        self.check.compare(|digest| digest.leaf(30, value));
        self.inner.serialize_bytes(value)
    }

    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        float::<S::Error>(self.place.format, self.check, value.is_nan(), value.is_finite())?;
        self.check.note(31);
        self.check.compare(|digest| digest.leaf(31, value.to_bits()));
        self.inner.serialize_f32(value)
    }

    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        float::<S::Error>(self.place.format, self.check, value.is_nan(), value.is_finite())?;
        self.check.note(32);
        self.check.compare(|digest| digest.leaf(32, value.to_bits()));
        self.inner.serialize_f64(value)
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.null::<S::Error>(self.place.format.none_is_null)?;
        self.check.note(33);
        self.check.compare(|digest| digest.leaf(33, ()));
        self.inner.serialize_none()
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.null::<S::Error>(self.place.format.unit_is_null)?;
        self.check.note(34);
        self.check.compare(|digest| digest.leaf(34, ()));
        self.inner.serialize_unit()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        self.null::<S::Error>(self.place.format.unit_struct_is_null)?;
        self.check.note(35);
        self.check.compare(|digest| digest.leaf(35, name));
        self.inner.serialize_unit_struct(name)
    }

    fn serialize_some<T: Serialize + ?Sized>(mut self, value: &T) -> Result<S::Ok, S::Error> {
        self.place = Place { in_some: true, ..self.place.level(self.check)? };
        self.check.note(36);
        let (value, check) = (self.at(value), self.check);
        let written = self.inner.serialize_some(&value);
        check.compare(|digest| digest.wrap(36, ()));
        written
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        mut self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.place = self.place.level(self.check)?;
        self.check.note(37);
        let (value, check) = (self.at(value), self.check);
        let written = self.inner.serialize_newtype_struct(name, &value);
        check.compare(|digest| digest.wrap(37, name));
        written
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.check.note(38);
        self.check.note(u64::from(index));
        self.check.compare(|digest| digest.leaf(38, (name, index, variant)));
        self.inner.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.place = self.place.nested(self.check, 1)?;
        self.check.note(39);
        self.check.note(u64::from(index));
        let (value, check) = (self.at(value), self.check);
        let written = self.inner.serialize_newtype_variant(name, index, variant, &value);
        check.compare(|digest| digest.wrap(39, (name, index, variant)));
        written
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.check.note(11);
        self.check.compare(|digest| digest.leaf(11, value.to_string()));
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! elements {
    ($($compound:ident, $method:ident($($key:ident: $type:ty)?);)*) => {$(
        impl<S: $compound> $compound for Checked<'_, S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($key: $type,)?
                value: &T,
            ) -> Result<(), S::Error> {
                $(self.check.note_name($key);)?
                let value = self.at(value);
                self.inner.$method($($key,)? &value)?;
                self.check.compare(|digest| digest.field(($($key,)?)));
                Ok(())
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.check.compare(Digest::end);
                self.inner.end()
            }
        }
    )*};
}

elements! {
    SerializeTuple, serialize_element();
    SerializeTupleStruct, serialize_field();
    SerializeTupleVariant, serialize_field();
    SerializeStruct, serialize_field(key: &'static str);
    SerializeStructVariant, serialize_field(key: &'static str);
}

impl<S: SerializeSeq> SerializeSeq for Listed<'_, S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        let Self { checked, items } = self;
        let value = checked.at(value);
        checked.inner.serialize_element(&value)?;
        checked.check.compare(Digest::item);
        items.add(checked.check);
        Ok(())
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.items.end(self.checked.check);
        self.checked.check.compare(Digest::end);
        self.checked.inner.end()
    }
}

impl<S: SerializeMap> SerializeMap for Listed<'_, S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        let checked = &mut self.checked;
        let key = checked.at(key);
        checked.inner.serialize_key(&key)?;
        checked.check.compare(Digest::key);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        let Self { checked, items } = self;
        let value = checked.at(value);
        checked.inner.serialize_value(&value)?;
        checked.check.compare(Digest::entry);
        items.add(checked.check);
        Ok(())
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.items.end(self.checked.check);
        self.checked.check.compare(Digest::end);
        self.checked.inner.end()
    }
}

/// A list or a map, and its shape so far.
struct Listed<'d, S> {
    checked: Checked<'d, S>,
    items: Items,
}

/// The shape of a list or a map: items that are alike count once, however many there are.
struct Items {
    outer: u64,
    all: u64,
    last: Option<u64>,
}

impl Items {
    fn begin(check: &Check, kind: u64) -> Self {
        Self { outer: check.shape.replace(0), all: kind, last: None }
    }

    fn add(&mut self, check: &Check) {
        let item = check.shape.replace(0);
        if self.last != Some(item) {
            self.all = mix(self.all, item);
            self.last = Some(item);
        }
    }

    fn end(&self, check: &Check) {
        check.shape.set(mix(self.outer, self.all));
    }
}
