use std::{borrow::Cow, error::Error};

use serde_json::Value;

use super::exact_value;
use crate::{
    codec::{
        Codec,
        json::{Json, JsonError},
    },
    event_error::Undecodable,
};

/// Runs the steps of `upcast_json` over a payload, for older versions that have no Rust type any more.
#[derive(Debug)]
pub struct JsonSteps<'a> {
    version: u32,
    payload: &'a [u8],
    value: Option<Value>,
}

impl<'a> JsonSteps<'a> {
    /// Starts at the stored version, without parsing the payload.
    #[must_use]
    pub const fn new(version: u32, payload: &'a [u8]) -> Self {
        Self { version, payload, value: None }
    }

    /// Applies the step if the payload has reached the version that the step starts from.
    ///
    /// # Errors
    /// [`Undecodable::Malformed`] if the payload is not JSON or a step would see other values than those that are
    /// stored, [`Undecodable::Upcast`] if the step
    /// refuses it.
    pub fn step<E: Into<Box<dyn Error + Send + Sync>>>(
        &mut self,
        from: u32,
        step: impl FnOnce(Value) -> Result<Value, E>,
    ) -> Result<(), Undecodable> {
        if self.version != from {
            return Ok(());
        }
        let value = match self.value.take() {
            Some(value) => value,
            None => exact_value::read(self.payload).map_err(Undecodable::Malformed)?,
        };
        self.value = Some(step(value).map_err(|error| super::upcast::refused(from, error))?);
        self.version += 1;
        Ok(())
    }

    /// The version that was reached, and the payload in that version.
    ///
    /// # Errors
    /// [`Undecodable::Malformed`] if a step made a value that is nested too deep.
    pub fn finish(self) -> Result<(u32, Cow<'a, [u8]>), Undecodable> {
        let payload = match self.value {
            Some(value) => Cow::Owned(Json::encode(&value).map_err(malformed)?.into()),
            None => Cow::Borrowed(self.payload),
        };
        Ok((self.version, payload))
    }
}

fn malformed(error: JsonError) -> Undecodable {
    Undecodable::Malformed(error.into())
}
