//! Payloads in doubt are read back at `encode`, before they are stored.

use std::{cell::Cell, error::Error};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeSeed};

use crate::codec::{
    Codec,
    guard::{Check, Doubt, is_proven, prove},
};

/// A payload that was written and reads as another value.
#[derive(Debug, thiserror::Error)]
#[error("it would come back as another value than the one that was written")]
pub(crate) struct Changed;

/// How a value is read back, and compared.
pub(crate) struct ReadBack<S, E> {
    /// Reads the value.
    pub(crate) seed: S,
    /// The variant that the seed reads.
    pub(crate) variant: u32,
    /// Whether the value that was read is the one that was written. The flag says whether the type chose what
    /// to read by what was written.
    pub(crate) same: E,
}

/// Encodes a value, and reads the payload back unless a payload of the same shape has shown that it comes
/// back: a value that could never be read, or not as the same, is refused here.
///
/// # Errors
/// The codec refuses to encode the value or to decode the payload, or [`Changed`].
pub(crate) fn encode_readable<C, T, S, V, E>(
    value: &T,
    back: ReadBack<S, E>,
) -> Result<Bytes, Box<dyn Error + Send + Sync>>
where
    C: Codec,
    T: Serialize + ?Sized,
    S: for<'de> DeserializeSeed<'de, Value = V>,
    E: FnOnce(&V, bool) -> bool,
{
    let ReadBack { seed, variant, same } = back;
    let check = Check::default();
    let payload = C::encode_checked(value, &check)?;
    let doubt = check.doubt();
    match doubt {
        Doubt::Shape(shape) if is_proven::<(C, V)>(shape, variant) => return Ok(payload),
        _ => {}
    }
    let chooses = Cell::new(false);
    let read = C::decode_watched(seed, &payload, Some(&chooses))?;
    if !same(&read, chooses.get()) {
        return Err(Changed.into());
    }
    if let Doubt::Shape(shape) = doubt
        && !chooses.get()
    {
        prove::<(C, V)>(shape, variant);
    }
    Ok(payload)
}

/// A hash of all that a value hands to serde, without regard to the order of lists and maps; none for a value
/// that the codec refuses. By the code that encodes, which is then compiled once.
pub(crate) fn digest<C: Codec, T: Serialize + ?Sized>(value: &T) -> Option<u64> {
    let check = Check::of_all();
    C::encode_checked(value, &check).ok()?;
    check.digest()
}
