//! Functions for `#[serde(with)]`, which store arrays of any length in payloads.
//!
//! Serde itself writes and reads arrays of up to 32 elements. For longer ones:
//!
//! ```
//! use factos::Event;
//!
//! #[derive(Debug, PartialEq, Event)]
//! enum Ledger {
//!     Signed {
//!         #[serde(with = "factos::array")]
//!         signature: [u8; 64],
//!     },
//! }
//!
//! let signed = Ledger::Signed { signature: [7; 64] };
//! let payload = signed.encode()?;
//! let name = signed.event_type();
//! assert_eq!(Ledger::decode(&name, 1, &payload).unwrap(), signed);
//! # Ok::<(), factos::EncodeError>(())
//! ```
//!
//! What is written is what serde writes for a shorter array.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
    ser::SerializeTuple,
};

/// Writes the elements, without their number.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<T: Serialize, S: Serializer, const N: usize>(
    array: &[T; N],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut elements = serializer.serialize_tuple(N)?;
    for element in array {
        elements.serialize_element(element)?;
    }
    elements.end()
}

/// Reads exactly `N` elements.
///
/// # Errors
/// Those of the deserializer, and for another number of elements.
pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>, const N: usize>(
    deserializer: D,
) -> Result<[T; N], D::Error> {
    deserializer.deserialize_tuple(N, Elements::<T, N>(PhantomData))
}

struct Elements<T, const N: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Elements<T, N> {
    type Value = [T; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array of length {N}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<[T; N], A::Error> {
        let mut read = Vec::with_capacity(N);
        while read.len() < N {
            let Some(element) = elements.next_element()? else { break };
            read.push(element);
        }
        let count = read.len();
        read.try_into().map_err(|_| A::Error::invalid_length(count, &self))
    }
}
