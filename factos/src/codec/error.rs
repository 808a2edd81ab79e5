use std::error::Error;

/// The error of a codec that refuses a value or a payload.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct CodecError(Box<dyn Error + Send + Sync>);

impl CodecError {
    /// Wraps the error of a format, or a text.
    #[must_use]
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }

    /// The error of a value that cannot be written: what was refused, without the words that a format puts
    /// around it.
    #[cfg(any(feature = "cbor", feature = "messagepack", feature = "postcard"))]
    pub(crate) fn of_value(
        error: impl Into<Box<dyn Error + Send + Sync>>,
        check: &crate::codec::guard::Check,
    ) -> Self {
        check.refusal().map_or_else(|| Self::new(error), Self::new)
    }

    /// The error of a payload that goes on after its value.
    #[must_use]
    pub fn left_over() -> Self {
        Self::new("bytes are left over after the value")
    }
}
