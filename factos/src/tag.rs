use std::{borrow::Borrow, fmt, str::FromStr};

use crate::text_rules::{self, InvalidText};

/// A `key:value` text by which queries can match one part of a payload.
///
/// 1 to 255 bytes in all, no control characters; the first colon ends the key; neither side is empty.
/// Keys that begin with `factos.` are those of the library, and no application makes a tag under one: only a
/// store does, from what it holds ([`Tags::from_lines`](crate::Tags::from_lines)).
/// Equality is byte for byte. Tags are indexed and outlive erasure: keep personal data out of them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Box<str>);

impl Tag {
    /// The tag `key:value`.
    ///
    /// # Errors
    /// [`InvalidText`] if the key holds a colon or begins with `factos.`, a side is empty, the whole is over
    /// 255 bytes, or either side has a control character.
    pub fn new(key: &str, value: &str) -> Result<Self, InvalidText> {
        check_free(key)?;
        Self::of_any_key(key, value)
    }

    /// As [`Tag::new`], for the keys of the library as well.
    pub(crate) fn of_any_key(key: &str, value: &str) -> Result<Self, InvalidText> {
        if key.contains(':') {
            return Err(InvalidText::colon_in_key(key));
        }
        check_sides(key, value)?;
        let text = [key, ":", value].concat();
        text_rules::check_name("tag", &text)?;
        Ok(Self(text.into()))
    }

    /// Reads a tag from its stored form.
    ///
    /// # Errors
    /// As [`Tag::new`], and if there is no colon.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        check_text(text)?;
        check_free(split(text).0)?;
        Ok(Self(text.into()))
    }

    /// As [`Tag::parse`], for the keys of the library as well.
    pub(crate) fn parse_any_key(text: &str) -> Result<Self, InvalidText> {
        check_text(text)?;
        Ok(Self(text.into()))
    }

    /// The stored form, `key:value`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first colon.
    #[must_use]
    pub fn key(&self) -> &str {
        split(&self.0).0
    }

    /// The part after the first colon.
    #[must_use]
    pub fn value(&self) -> &str {
        split(&self.0).1
    }
}

/// Checks the text of a tag: the rules of every name, and the form `key:value`.
pub(crate) fn check_text(text: &str) -> Result<(), InvalidText> {
    text_rules::check_name("tag", text)?;
    let colon = text.as_bytes().iter().position(|byte| *byte == b':');
    match colon {
        None => Err(InvalidText::no_colon(text)),
        Some(0) => text_rules::check_name("tag key", ""),
        Some(at) if at + 1 == text.len() => text_rules::check_name("tag value", ""),
        Some(_) => Ok(()),
    }
}

/// The prefix of the keys, and of the event types, that no application may use.
pub(crate) const RESERVED: &str = "factos.";

/// Whether a tag has a key of the library.
pub(crate) fn is_of_library(tag: &str) -> bool {
    tag.starts_with(RESERVED)
}

/// Refuses the keys of the library.
pub(crate) fn check_free(key: &str) -> Result<(), InvalidText> {
    if key.starts_with(RESERVED) { Err(InvalidText::reserved_key(key)) } else { Ok(()) }
}

fn check_sides(key: &str, value: &str) -> Result<(), InvalidText> {
    text_rules::check_name("tag key", key)?;
    text_rules::check_name("tag value", value)
}

pub(crate) fn split(tag: &str) -> (&str, &str) {
    tag.split_once(':').unwrap_or((tag, ""))
}

impl AsRef<str> for Tag {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Tag {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        Self::parse(text)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({:?})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_colon_ends_the_key() {
        let tag = Tag::parse("url:https://x").unwrap();
        assert_eq!((tag.key(), tag.value()), ("url", "https://x"));
        assert_eq!(tag, Tag::new("url", "https://x").unwrap());
    }

    #[test]
    fn no_application_makes_a_tag_under_a_key_of_the_library() {
        let text = "tag key \"factos.key\" is reserved";
        assert_eq!(Tag::new("factos.key", "order-1").unwrap_err().to_string(), text);
        assert_eq!(Tag::parse("factos.key:order-1").unwrap_err().to_string(), text);
        assert!("factos.:x".parse::<Tag>().is_err());
        assert!(Tag::of_any_key("factos.key", "order-1").is_ok());
        assert!(Tag::parse_any_key("factos.key:order-1").is_ok());
        assert!(Tag::new("factos", "x").is_ok() && Tag::new("my.factos.", "x").is_ok());
        let stored = crate::tags::Tags::from_lines("factos.key:order-1\nshow:1").unwrap();
        assert!(stored.contains("factos.key:order-1"));
    }

    #[test]
    fn malformed_tags_are_refused() {
        for text in ["", ":", "show", "show:", ":42", "show:4\u{85}2", "show:\0"] {
            assert!(Tag::parse(text).is_err(), "{text:?}");
        }
        assert!(Tag::new("a:b", "c").is_err());
        assert!(Tag::new("k", &"v".repeat(253)).is_ok());
        assert!(Tag::new("k", &"v".repeat(254)).is_err());
    }
}
