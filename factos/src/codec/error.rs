use std::error::Error;

/// What a codec says about a value or a payload.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct CodecError(Box<dyn Error + Send + Sync>);

impl CodecError {
    /// The error of a format, or a text of one's own.
    #[must_use]
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }

    /// A payload that goes on after its value.
    #[must_use]
    pub fn left_over() -> Self {
        Self::new("bytes are left over after the value")
    }
}
