use std::{borrow::Cow, error::Error};

use serde_json::Value;

use crate::event_error::Undecodable;

/// Steps between older versions of a JSON payload whose types are gone.
#[derive(Debug)]
pub struct JsonSteps<'a> {
    version: u32,
    payload: &'a [u8],
    value: Option<Value>,
}

impl<'a> JsonSteps<'a> {
    /// Starts at the stored version; parses nothing yet.
    #[must_use]
    pub const fn new(version: u32, payload: &'a [u8]) -> Self {
        Self { version, payload, value: None }
    }

    /// Applies the step if the payload is of the version that it starts from.
    ///
    /// # Errors
    /// [`Undecodable::Malformed`] for what is no JSON, [`Undecodable::Upcast`] if the step refuses.
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
        self.value = Some(step(value).map_err(|error| super::refused(from, error))?);
        self.version += 1;
        Ok(())
    }

    /// The version that was reached, and its payload.
    ///
    /// # Errors
    /// [`Undecodable::Malformed`], which no value leads to.
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
