//! Stands in for the JSON support while the feature `json` is off. Derived code that needs JSON does not
//! compile, and the error names the feature.

use std::{borrow::Cow, marker::PhantomData};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeSeed};

use crate::{codec::Codec as Format, event_error::Undecodable};

/// The codec of an event that names none.
pub type Codec = UnnamedCodec<()>;

/// The missing default codec: it is a codec only for a [`JsonCodec`], which no type is.
#[derive(Debug)]
pub struct UnnamedCodec<T>(PhantomData<T>);

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "events are written as JSON by default, which needs the feature `json` of factos",
    label = "no codec is named here",
    note = "turn the feature on, or name another codec: `#[event(codec = path::Type)]`"
)]
pub trait JsonCodec: Format {}

impl<T: JsonCodec> Format for UnnamedCodec<T> {
    type Error = T::Error;

    const NAME: &'static str = T::NAME;

    fn encode<V: Serialize + ?Sized>(value: &V) -> Result<Bytes, T::Error> {
        T::encode(value)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(
        seed: S,
        payload: &'de [u8],
    ) -> Result<S::Value, T::Error> {
        T::decode(seed, payload)
    }
}

/// Implemented by no step.
#[diagnostic::on_unimplemented(
    message = "`upcast_json` needs the feature `json` of factos",
    label = "a step of JSON"
)]
pub trait JsonStep {}

/// Takes the place of the runner of JSON steps, and accepts no step.
#[derive(Debug)]
pub struct JsonSteps<'a> {
    version: u32,
    payload: &'a [u8],
}

impl<'a> JsonSteps<'a> {
    /// Starts at the stored version.
    #[must_use]
    pub const fn new(version: u32, payload: &'a [u8]) -> Self {
        Self { version, payload }
    }

    /// Accepts nothing, as no type is a [`JsonStep`].
    ///
    /// # Errors
    /// None.
    pub fn step<S: JsonStep>(&mut self, _: u32, _: S) -> Result<(), Undecodable> {
        Ok(())
    }

    /// The stored version and its payload, unchanged.
    ///
    /// # Errors
    /// None.
    pub const fn finish(self) -> Result<(u32, Cow<'a, [u8]>), Undecodable> {
        Ok((self.version, Cow::Borrowed(self.payload)))
    }
}
