use super::tag_pairs::TagPairs;
use crate::{
    event_error::EncodeError, event_type::EventType, tag::Tag, tags::Tags, text_rules::InvalidText,
};

/// Collects the tags of one event.
#[derive(Debug, Default)]
pub struct TagWriter {
    tags: Vec<Tag>,
    invalid: Option<(&'static str, InvalidText)>,
}

impl TagWriter {
    /// A writer without tags.
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

    /// Adds a tag for each text that is passed on.
    pub fn under(&mut self, key: &'static str) -> impl FnMut(&str) {
        move |text| self.push(key, text)
    }

    /// Adds a tag for each pair of a key and a value.
    pub fn extend(&mut self, tags: impl TagPairs) {
        tags.each(|key, value| self.push(key, value));
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
