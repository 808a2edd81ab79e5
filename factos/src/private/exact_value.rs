//! Reads a JSON value only if it holds all that the text says.

use std::{collections::HashSet, error::Error, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

type BoxError = Box<dyn Error + Send + Sync>;

/// The value, unless an object has a key twice, of which only the last would be kept, or a number has no exact
/// place in a [`Value`].
///
/// # Errors
/// What is wrong, and where.
pub(super) fn read(payload: &[u8]) -> Result<Value, BoxError> {
    let mut reader = serde_json::Deserializer::from_slice(payload);
    Distinct.deserialize(&mut reader)?;
    reader.end()?;
    for number in numbers(payload) {
        check(number)?;
    }
    Ok(serde_json::from_slice(payload)?)
}

/// Reads over a value whose objects have distinct keys.
struct Distinct;

impl<'de> DeserializeSeed<'de> for Distinct {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Distinct {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if let Some(key) = keys.replace(key) {
                return Err(A::Error::custom(format_args!("the key {key:?} stands twice")));
            }
            entries.next_value_seed(Self)?;
        }
        Ok(())
    }
}

/// The numbers of a JSON text.
fn numbers(payload: &[u8]) -> impl Iterator<Item = &str> {
    let mut rest = payload;
    std::iter::from_fn(move || {
        loop {
            match *rest.first()? {
                b'"' => rest = after_text(&rest[1..]),
                b'-' | b'0'..=b'9' => {
                    let is_part =
                        |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                    let len = rest.iter().take_while(|byte| is_part(byte)).count();
                    let (number, after) = rest.split_at(len);
                    rest = after;
                    return str::from_utf8(number).ok();
                }
                _ => rest = &rest[1..],
            }
        }
    })
}

/// What follows a text, of which the first quote is gone.
fn after_text(mut rest: &[u8]) -> &[u8] {
    loop {
        rest = match rest {
            [b'"', after @ ..] => return after,
            [b'\\', _, after @ ..] | [_, after @ ..] => after,
            [] => return rest,
        };
    }
}

/// Checks that a number is the same once it is read and written.
fn check(text: &str) -> Result<(), BoxError> {
    let is_whole = text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
    let is_exact = if is_whole && text != "-0" {
        text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok()
    } else {
        let number: f64 = text.parse()?;
        number.is_finite() && digits(text) == digits(&format!("{number:e}"))
    };
    if is_exact {
        return Ok(());
    }
    Err(format!("the number {text} would be rounded before an `upcast_json` step sees it").into())
}

/// The significant digits of a decimal number, and the exponent of the last one.
fn digits(text: &str) -> (String, i64) {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole.trim_start_matches('-'), fraction].concat();
    let significant = all.trim_end_matches('0');
    let zeros = all.len() - significant.len();
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() {
        return (String::new(), 0);
    }
    // An exponent that is no number of this size belongs to a float that is zero or infinite.
    let exponent = exponent.parse().unwrap_or(i64::from(i32::MAX));
    (significant.to_owned(), exponent - fraction.len() as i64 + zeros as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(payload: &str) -> String {
        read(payload.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_number_that_would_be_rounded_is_refused() {
        let whole = [u128::MAX.to_string(), (u128::from(u64::MAX) + 1).to_string()];
        let others =
            ["-9223372036854775809", "0.12345678901234567890123", "1e-400", "123456789.123456789"];
        for number in whole.iter().map(String::as_str).chain(others) {
            for payload in [number.to_owned(), format!(r#"{{"a\\\"":[1,{{"b":{number}}}]}}"#)] {
                let text = format!("the number {number} would be rounded");
                assert!(refusal(&payload).starts_with(&text), "{payload}: {}", refusal(&payload));
            }
        }
        assert!(!refusal("1e400").is_empty());
    }

    #[test]
    fn numbers_that_a_value_holds_are_read() {
        let floats =
            [0.1, -0.0, 5.0, 1e23, 5e-324, f64::MAX, f64::MIN_POSITIVE, 0.3, 1e16, 123.456];
        for float in floats {
            let text = serde_json::to_string(&float).unwrap();
            assert_eq!(read(text.as_bytes()).unwrap().as_f64().unwrap().to_bits(), float.to_bits());
        }
        for float in [f32::MAX, f32::MIN_POSITIVE, 0.1, 16_777_217.0, 1e-45] {
            let text = serde_json::to_string(&float).unwrap();
            assert!(read(text.as_bytes()).is_ok(), "{text}");
        }
        for text in
            ["18446744073709551615", "-9223372036854775808", "0", "-0", "1.50", "10e-1", "0e0"]
        {
            assert!(read(text.as_bytes()).is_ok(), "{text}");
        }
        let texts = r#"{"340282366920938463463374607431768211456":"1e999 \" 1e999"}"#;
        assert!(read(texts.as_bytes()).is_ok());
    }

    #[test]
    fn a_key_that_stands_twice_is_refused() {
        assert!(refusal(r#"{"a":1,"a":2}"#).contains("the key \"a\" stands twice"));
        assert!(refusal(r#"[{"b":{"a":1,"\u0061":2}}]"#).contains("the key \"a\" stands twice"));
        assert!(read(br#"{"a":{"a":1},"b":{"a":1}}"#).is_ok());
        assert!(read(b"{} {}").is_err());
    }
}
