use std::{borrow::Cow, error::Error};

use serde_json::Value;

use crate::event_error::Undecodable;

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
    /// [`Undecodable::Malformed`] if the payload is not JSON, [`Undecodable::Upcast`] if the step
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
            None => serde_json::from_slice(self.payload).map_err(malformed)?,
        };
        self.value = Some(step(value).map_err(|error| super::upcast::refused(from, error))?);
        self.version += 1;
        Ok(())
    }

    /// The version that was reached, and the payload in that version.
    ///
    /// # Errors
    /// [`Undecodable::Malformed`], which does not happen: every JSON value can be written.
    pub fn finish(self) -> Result<(u32, Cow<'a, [u8]>), Undecodable> {
        let payload = match self.value {
            Some(value) => Cow::Owned(serde_json::to_vec(&value).map_err(malformed)?),
            None => Cow::Borrowed(self.payload),
        };
        Ok((self.version, payload))
    }
}

fn malformed(error: serde_json::Error) -> Undecodable {
    Undecodable::Malformed(error.into())
}
