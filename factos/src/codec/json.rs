use std::cell::Cell;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeSeed};

use crate::codec::{
    Codec,
    guard::{self, Check, Format, Guarded},
};

pub use serde_json::Value as JsonValue;

/// The codec of compact JSON, which derived events have unless they name another.
///
/// Refuses to write values that would not come back equal: floats that are not finite, `Some` of a value
/// that is written as `null`, and more than [`Json::MAX_DEPTH`] arrays and objects within each other.
/// Floats come back bit for bit, and integers beyond 64 bits come back whole.
///
/// Some values come back only if the type that reads them allows it: maps by other keys than texts, 128-bit
/// integers and (with the feature `arbitrary_precision` of `serde_json`, which any crate of a build can turn on)
/// floats below `#[serde(flatten)]` or in untagged and internally tagged enums; two entries of one name; a variant
/// of an untagged enum that looks like another one. An event with such a value is read back before it is
/// stored, as [`Codec`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Json;

impl Json {
    /// The deepest nesting of arrays and objects that can be read back.
    pub const MAX_DEPTH: u8 = guard::MAX_DEPTH;
}

const FORMAT: Format = Format {
    infinite: false,
    not_a_number: false,
    none_is_null: true,
    unit_is_null: true,
    unit_struct_is_null: true,
};

impl Codec for Json {
    type Error = JsonError;

    const NAME: &'static str = "json";

    fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, JsonError> {
        Self::encode_checked(value, &Check::default())
    }

    fn encode_checked<T>(value: &T, check: &Check) -> Result<Bytes, JsonError>
    where
        T: Serialize + ?Sized,
    {
        let mut payload = Vec::with_capacity(128);
        let mut writer = serde_json::Serializer::new(&mut payload);
        guard::write(value, &mut writer, &FORMAT, check)?;
        Ok(payload.into())
    }

    fn decode<'de, S: DeserializeSeed<'de>>(
        seed: S,
        payload: &'de [u8],
    ) -> Result<S::Value, JsonError> {
        Self::decode_watched(seed, payload, None)
    }

    fn decode_watched<'de, S: DeserializeSeed<'de>>(
        seed: S,
        payload: &'de [u8],
        chooses: Option<&Cell<bool>>,
    ) -> Result<S::Value, JsonError> {
        let mut reader = serde_json::Deserializer::from_slice(payload);
        let value = seed.deserialize(Guarded::new(&mut reader, chooses))?;
        reader.end()?;
        Ok(value)
    }
}

/// The error of a value that JSON cannot hold, or of bytes that are not the JSON of the expected value.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct JsonError(#[from] serde_json::Error);

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, HashMap},
        fmt,
        marker::PhantomData,
    };

    use serde::{Deserialize, de::DeserializeOwned};

    use super::*;

    fn write<T: Serialize>(value: &T) -> Result<String, String> {
        let payload = Json::encode(value).map_err(|e| e.to_string())?;
        Ok(String::from_utf8(payload.to_vec()).unwrap())
    }

    fn read<T: DeserializeOwned>(payload: &str) -> Result<T, String> {
        Json::decode(PhantomData, payload.as_bytes()).map_err(|e| e.to_string())
    }

    fn comes_back<T: Serialize + DeserializeOwned + PartialEq + fmt::Debug>(value: T) {
        assert_eq!(read(&write(&value).unwrap()), Ok(value));
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Unit;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Newtype<T>(T);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Shape<T> {
        Unit,
        Newtype(T),
        Tuple(T, T),
        Struct { value: T },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Flat<T> {
        #[serde(flatten)]
        inner: BTreeMap<String, T>,
        list: Vec<T>,
    }

    #[test]
    fn every_shape_is_written_compactly_and_comes_back() {
        assert_eq!(write(&Shape::Newtype("é\n")).unwrap(), r#"{"Newtype":"é\n"}"#);
        assert_eq!(
            write(&Shape::Struct { value: (1, 'x') }).unwrap(),
            r#"{"Struct":{"value":[1,"x"]}}"#
        );
        comes_back((Unit, Shape::<u8>::Unit, Shape::Newtype(1), Shape::Tuple(1, 2)));
        comes_back((Newtype(Some(true)), None::<u8>, String::from("\u{0}\u{2028}"), [(), ()]));
        comes_back(Flat { inner: [("a".to_owned(), -1)].into(), list: vec![2, 3] });
    }

    #[test]
    fn floats_come_back_bit_for_bit() {
        for value in [f64::MIN, f64::MAX, f64::EPSILON, f64::MIN_POSITIVE, 5e-324, 0.1, 1e23] {
            let back: f64 = read(&write(&value).unwrap()).unwrap();
            assert_eq!(back.to_bits(), value.to_bits());
        }
        for value in [f32::MIN, f32::MAX, f32::EPSILON, f32::MIN_POSITIVE, 1e-45, 0.1, 16_777_217.0]
        {
            let back: f32 = read(&write(&value).unwrap()).unwrap();
            assert_eq!(back.to_bits(), value.to_bits());
        }
        for value in [-0.0_f64, 123_456_789.123_456_79, 8.988_465_674_311_579e307] {
            let back: f64 = read(&write(&value).unwrap()).unwrap();
            assert_eq!(back.to_bits(), value.to_bits());
        }
        comes_back(Flat {
            inner: [("a".to_owned(), 2.225_073_858_507_201e-308)].into(),
            list: vec![],
        });
    }

    #[test]
    fn integers_come_back_whole() {
        comes_back((i128::MIN, i128::MAX, u128::MAX));
        comes_back((i64::MIN, i64::MAX, u64::MAX));
    }

    #[test]
    fn map_keys_come_back() {
        comes_back(HashMap::from([(u128::MAX, 1), (0, 2)]));
        comes_back(HashMap::from([(i64::MIN, 1)]));
        comes_back(BTreeMap::from([(true, 'x'), (false, 'y')]));
        comes_back(BTreeMap::from([(Newtype_::new("k"), 1)]));
        assert!(write(&BTreeMap::from([((1, 2), 3)])).is_err());
    }

    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    struct Newtype_(String);

    impl Newtype_ {
        fn new(text: &str) -> Self {
            Self(text.to_owned())
        }
    }

    #[test]
    fn floats_that_are_not_finite_are_refused_wherever_they_stand() {
        let text = "a float that is not finite has no JSON form";
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(write(&value).unwrap_err(), text);
            assert_eq!(write(&(value as f32)).unwrap_err(), text);
            assert_eq!(write(&Some(Newtype(value))).unwrap_err(), text);
            assert_eq!(write(&vec![(1, value)]).unwrap_err(), text);
            assert_eq!(write(&BTreeMap::from([(1, value)])).unwrap_err(), text);
            assert_eq!(write(&Shape::Newtype(value)).unwrap_err(), text);
            assert_eq!(write(&Shape::Tuple(0.0, value)).unwrap_err(), text);
            assert_eq!(write(&Shape::Struct { value }).unwrap_err(), text);
            let inner = [("a".to_owned(), value)].into();
            assert_eq!(write(&Flat { inner, list: vec![] }).unwrap_err(), text);
        }
    }

    #[test]
    fn some_of_nothing_is_refused() {
        assert_eq!(
            write(&Some(None::<u8>)).unwrap_err(),
            "`Some` of a value that is written as null would come back as `None`"
        );
        assert!(write(&[Some(())]).is_err());
        assert!(write(&Some(Newtype(None::<u8>))).is_err());
        assert!(write(&Some(Unit)).is_err());
        comes_back((Some(vec![None::<u8>]), Some(Some(1)), ((), None::<()>)));
    }

    #[derive(Debug, PartialEq)]
    struct Nested(u8);

    impl Serialize for Nested {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                0 => serializer.collect_seq([0; 0]),
                n => serializer.collect_seq([Self(n - 1)]),
            }
        }
    }

    impl<'de> Deserialize<'de> for Nested {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let inner = Vec::<Self>::deserialize(deserializer)?;
            Ok(Self(inner.first().map_or(0, |i| i.0 + 1)))
        }
    }

    #[test]
    fn nesting_is_written_exactly_as_deep_as_it_is_read() {
        comes_back(Nested(Json::MAX_DEPTH - 1));
        assert_eq!(
            write(&Nested(Json::MAX_DEPTH)).unwrap_err(),
            "more than 127 arrays and objects within each other"
        );
        let deeper = "[".repeat(128) + &"]".repeat(128);
        assert!(read::<Nested>(&deeper).unwrap_err().contains("recursion limit"));
        comes_back(Shape::Struct { value: Nested(Json::MAX_DEPTH - 3) });
        assert!(write(&Shape::Struct { value: Nested(Json::MAX_DEPTH - 2) }).is_err());
        comes_back(Shape::Newtype(Nested(Json::MAX_DEPTH - 2)));
        assert!(write(&Shape::Newtype(Nested(Json::MAX_DEPTH - 1))).is_err());
    }

    #[test]
    fn bytes_that_are_left_over_are_refused() {
        assert_eq!(read("1 \n"), Ok(1));
        for payload in ["1 2", "1,", "1}", ""] {
            assert!(read::<u8>(payload).is_err(), "{payload:?}");
        }
    }
}
