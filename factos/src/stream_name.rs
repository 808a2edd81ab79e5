use std::{fmt, str::FromStr, sync::Arc};

use crate::text_rules::{self, InvalidText};

/// The name of a stream: 1 to 255 bytes, no control characters. Cloning allocates nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName(Arc<str>);

impl StreamName {
    /// The stream of this name, if the text can be one.
    ///
    /// # Errors
    /// [`InvalidText`] for an empty text, one of more than 255 bytes, or a control character.
    pub fn new(name: impl AsRef<str>) -> Result<Self, InvalidText> {
        let name = name.as_ref();
        text_rules::check_name("stream name", name)?;
        Ok(Self(name.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for StreamName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for StreamName {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        Self::new(text)
    }
}

impl TryFrom<&str> for StreamName {
    type Error = InvalidText;

    fn try_from(text: &str) -> Result<Self, InvalidText> {
        Self::new(text)
    }
}

impl TryFrom<String> for StreamName {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Self, InvalidText> {
        Self::new(text)
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamName({:?})", &*self.0)
    }
}
