use crate::{
    event_error::EncodeError, event_type::EventType, tag::Tag, tags::Tags, text::InvalidText,
};

/// Collects the tags of one event.
#[derive(Debug, Default)]
pub struct TagWriter {
    tags: Vec<Tag>,
    invalid: Option<(&'static str, InvalidText)>,
}

impl TagWriter {
    /// No tags so far.
    #[must_use]
    pub const fn new() -> Self {
        Self { tags: Vec::new(), invalid: None }
    }

    /// Adds one tag.
    pub fn push(&mut self, key: &'static str, value: &str) {
        match Tag::new(key, value) {
            Ok(tag) => self.tags.push(tag),
            Err(source) => self.invalid = self.invalid.take().or(Some((key, source))),
        }
    }

    /// # Errors
    /// [`EncodeError::Tag`] for the first value that made no tag.
    pub fn finish(self, event_type: impl FnOnce() -> EventType) -> Result<Tags, EncodeError> {
        match self.invalid {
            None => Ok(self.tags.into_iter().collect()),
            Some((key, source)) => Err(EncodeError::Tag { event_type: event_type(), key, source }),
        }
    }
}
