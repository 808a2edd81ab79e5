use std::{fmt, sync::Arc};

use crate::{
    tag::{self, Tag},
    text_rules::InvalidText,
};

/// The tags of one event: a set, sorted by bytes. Cloning allocates nothing.
///
/// Held as its canonical text, one tag a line: reading a stored set needs one allocation.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tags(Option<Arc<str>>);

impl Tags {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// Reads a set from its canonical text; see [`Tags::as_lines`].
    ///
    /// # Errors
    /// [`InvalidTags`] if a line is not a tag, or the lines are not sorted or not distinct.
    pub fn from_lines(text: &str) -> Result<Self, InvalidTags> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let mut previous = "";
        for line in text.split('\n') {
            tag::check_text(line)?;
            if line <= previous {
                return Err(InvalidTags::Unsorted(line.to_owned()));
            }
            previous = line;
        }
        Ok(Self(Some(text.into())))
    }

    /// The canonical text: the tags in order, separated by `\n`, which no tag can hold.
    #[must_use]
    pub fn as_lines(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// The tags in order, each as `key:value`.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.as_lines().split_terminator('\n')
    }

    /// The values under one key, in order.
    pub fn values<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a str> {
        self.iter().map(tag::split).filter(move |(k, _)| *k == key).map(|(_, value)| value)
    }

    /// How many tags there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let separators = self.as_lines().bytes().filter(|byte| *byte == b'\n').count();
        separators + usize::from(self.0.is_some())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether this tag, as `key:value`, is in the set.
    #[must_use]
    pub fn contains(&self, tag: &str) -> bool {
        self.iter().any(|t| t == tag)
    }

    /// Whether every tag of `other` is in this set.
    #[must_use]
    pub fn contains_all(&self, other: &Self) -> bool {
        let mut own = self.iter();
        other.iter().all(|wanted| own.by_ref().take_while(|t| *t <= wanted).any(|t| t == wanted))
    }

    /// Adds a tag.
    pub fn insert(&mut self, tag: &Tag) {
        *self = from_checked(self.iter().chain([tag.as_str()]).collect());
    }
}

impl FromIterator<Tag> for Tags {
    fn from_iter<I: IntoIterator<Item = Tag>>(tags: I) -> Self {
        let tags: Vec<Tag> = tags.into_iter().collect();
        from_checked(tags.iter().map(Tag::as_str).collect())
    }
}

impl<'a> FromIterator<&'a Tag> for Tags {
    fn from_iter<I: IntoIterator<Item = &'a Tag>>(tags: I) -> Self {
        from_checked(tags.into_iter().map(Tag::as_str).collect())
    }
}

impl Extend<Tag> for Tags {
    fn extend<I: IntoIterator<Item = Tag>>(&mut self, tags: I) {
        let more: Vec<Tag> = tags.into_iter().collect();
        *self = from_checked(self.iter().chain(more.iter().map(Tag::as_str)).collect());
    }
}

impl From<Tag> for Tags {
    fn from(tag: Tag) -> Self {
        Self(Some(tag.as_str().into()))
    }
}

fn from_checked(mut tags: Vec<&str>) -> Tags {
    tags.sort_unstable();
    tags.dedup();
    match tags[..] {
        [] => Tags(None),
        [tag] => Tags(Some(tag.into())),
        _ => Tags(Some(tags.join("\n").into())),
    }
}

impl fmt::Debug for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The error of a text that is not the canonical text of a set of tags.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTags {
    /// A line is not a tag.
    #[error(transparent)]
    Tag(#[from] InvalidText),
    /// A line is not in order, or is there twice.
    #[error("tag {0:?} is not in order, or stands twice")]
    Unsorted(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(texts: &[&str]) -> Tags {
        texts.iter().map(|text| Tag::parse(text).unwrap()).collect()
    }

    #[test]
    fn a_set_is_sorted_and_distinct() {
        let set = tags(&["b:2", "a:1", "b:2", "b:1"]);
        assert_eq!(set.iter().collect::<Vec<_>>(), ["a:1", "b:1", "b:2"]);
        assert_eq!(set.values("b").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!((set.len(), Tags::new().len()), (3, 0));
        assert_eq!(set, tags(&["b:1", "b:2", "a:1"]));
    }

    #[test]
    fn containment_is_by_whole_tags() {
        let set = tags(&["a:1", "b:1", "c:1"]);
        assert!(set.contains_all(&tags(&["a:1", "c:1"])));
        assert!(set.contains_all(&Tags::new()));
        assert!(!set.contains_all(&tags(&["a:1", "bb:1"])));
        assert!(!set.contains_all(&tags(&["c:1", "d:1"])));
        assert!(!Tags::new().contains_all(&set));
        assert!(!set.contains("a:"));
    }

    #[test]
    fn the_canonical_text_comes_back() {
        for set in [Tags::new(), tags(&["a:1"]), tags(&["b:ü", "a:\u{2028}x"])] {
            assert_eq!(Tags::from_lines(set.as_lines()), Ok(set));
        }
        for text in ["b:1\na:1", "a:1\na:1", "a:1\n", "\na:1", "a:1\n\nb:1", "a"] {
            assert!(Tags::from_lines(text).is_err(), "{text:?}");
        }
    }
}
