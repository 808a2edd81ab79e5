use std::{borrow::Cow, cmp::Ordering, fmt, str::SplitTerminator, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor},
};

use crate::text_rules::{self, InvalidText};

mod reserved;

/// Data about an event that is not part of its payload: a map from key to text, ordered by key.
///
/// Keys have 1 to 255 bytes and no control characters; values are any text without U+0000. Queries do
/// not see metadata. Cloning allocates nothing.
///
/// Held as one text, `key NUL value NUL` for each entry in order: reading a stored map needs one
/// allocation.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Metadata(Option<Arc<str>>);

impl Metadata {
    /// The empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// Reads a map from its canonical text; see [`Metadata::as_text`].
    ///
    /// # Errors
    /// [`InvalidMetadata`] if a key or a value is invalid, the keys are not sorted or not distinct, or the
    /// text ends within an entry.
    pub fn from_text(text: &str) -> Result<Self, InvalidMetadata> {
        let mut rest = text;
        let mut previous = "";
        while !rest.is_empty() {
            let entry = rest.split_once('\0').and_then(|(key, rest)| {
                let (value, rest) = rest.split_once('\0')?;
                Some((key, value, rest))
            });
            let (key, value, more) = entry.ok_or(InvalidMetadata::Cut)?;
            check(key, value)?;
            if key <= previous {
                return Err(InvalidMetadata::Unsorted(key.to_owned()));
            }
            (previous, rest) = (key, more);
        }
        Ok(Self((!text.is_empty()).then(|| text.into())))
    }

    /// The canonical text: key, U+0000, value, U+0000 for each entry, ordered by key. Neither a key nor a
    /// value can hold U+0000. Empty for the empty map.
    #[must_use]
    pub fn as_text(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// The value under a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let mut parts = self.parts();
        // In order: those after the key need not be looked at.
        while let Some(found) = parts.next() {
            match found.cmp(key) {
                Ordering::Less => drop(parts.next()),
                Ordering::Equal => return parts.next(),
                Ordering::Greater => return None,
            }
        }
        None
    }

    /// Sets the value under a key and returns the one it replaces.
    ///
    /// # Errors
    /// [`InvalidText`] for an invalid key or value; the map is left as it was.
    pub fn insert(&mut self, key: &str, value: &str) -> Result<Option<String>, InvalidText> {
        check(key, value)?;
        let replaced = self.get(key).map(str::to_owned);
        let entries = self.iter().filter(|(k, _)| *k != key).chain([(key, value)]).collect();
        *self = from_checked(entries);
        Ok(replaced)
    }

    /// This map with one entry set; for building.
    ///
    /// # Errors
    /// As [`Metadata::insert`].
    pub fn with(mut self, key: &str, value: &str) -> Result<Self, InvalidText> {
        self.insert(key, value)?;
        Ok(self)
    }

    /// Removes a key and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<String> {
        let removed = self.get(key)?.to_owned();
        *self = from_checked(self.iter().filter(|(k, _)| *k != key).collect());
        Some(removed)
    }

    /// The entries, ordered by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        let mut parts = self.parts();
        std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
    }

    /// Keys and values in turn.
    fn parts(&self) -> SplitTerminator<'_, char> {
        self.as_text().split_terminator('\0')
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The bytes of all keys and values, as they count against the limit of a batch.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.0.as_deref().map_or(0, str::len)
    }
}

/// The error of a text that is not the canonical text of metadata.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMetadata {
    /// A key or a value is invalid.
    #[error(transparent)]
    Text(#[from] InvalidText),
    /// A key does not sort after the key before it.
    #[error("metadata key {0:?} is not in order, or stands twice")]
    Unsorted(String),
    /// The text ends within an entry.
    #[error("the text of the metadata ends within an entry")]
    Cut,
}

fn check(key: &str, value: &str) -> Result<(), InvalidText> {
    text_rules::check_name("metadata key", key)?;
    text_rules::check_value("metadata value", value)
}

/// Entries that were checked, with distinct keys.
fn from_checked(mut entries: Vec<(&str, &str)>) -> Metadata {
    if entries.is_empty() {
        return Metadata(None);
    }
    entries.sort_unstable();
    let mut flat = String::with_capacity(entries.iter().map(|(k, v)| k.len() + v.len() + 2).sum());
    for (key, value) in entries {
        push(&mut flat, key, value);
    }
    Metadata(Some(flat.into()))
}

fn push(flat: &mut String, key: &str, value: &str) {
    for part in [key, value] {
        flat.push_str(part);
        flat.push('\0');
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// Accepts a map of texts in any order; a key that stands twice is an error.
impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

struct Entries;

/// Room for a few entries, so that reading a row does not grow its text step by step.
const TYPICAL_BYTES: usize = 256;

impl<'de> Visitor<'de> for Entries {
    type Value = Metadata;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from text to text")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
        let mut flat = String::with_capacity(TYPICAL_BYTES);
        let mut last = 0..0;
        let mut sorted = true;
        while let Some(Text(key)) = map.next_key()? {
            let Text(value) = map.next_value()?;
            check(&key, &value).map_err(de::Error::custom)?;
            sorted &= flat.is_empty() || flat[last] < *key;
            last = flat.len()..flat.len() + key.len();
            push(&mut flat, &key, &value);
        }
        let metadata = Metadata((!flat.is_empty()).then(|| flat.into()));
        if sorted { Ok(metadata) } else { reordered(&metadata).map_err(de::Error::custom) }
    }
}

fn reordered(unordered: &Metadata) -> Result<Metadata, String> {
    let mut entries: Vec<_> = unordered.iter().collect();
    entries.sort_unstable();
    match entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(format!("metadata key {:?} stands twice", pair[0].0)),
        None => Ok(from_checked(entries)),
    }
}

/// A text that borrows from the input where the format allows it.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_put_got_replaced_and_removed() {
        let mut metadata = Metadata::new();
        assert_eq!(metadata.insert("b", "1"), Ok(None));
        assert_eq!(metadata.insert("a", ""), Ok(None));
        assert_eq!(metadata.insert("b", "2"), Ok(Some("1".into())));
        assert_eq!(metadata.iter().collect::<Vec<_>>(), [("a", ""), ("b", "2")]);
        assert_eq!((metadata.get("b"), metadata.get("c")), (Some("2"), None));
        assert_eq!(metadata.remove("b"), Some("2".into()));
        assert_eq!(metadata.remove("b"), None);
        assert_eq!(metadata.remove("a"), Some(String::new()));
        assert_eq!(metadata, Metadata::new());
    }

    #[test]
    fn the_canonical_text_comes_back() {
        let some = Metadata::new().with("b", "").unwrap().with("a", "line\nbreak \u{1f}").unwrap();
        assert_eq!(some.as_text(), "a\0line\nbreak \u{1f}\0b\0\0");
        for metadata in [Metadata::new(), some] {
            assert_eq!(Metadata::from_text(metadata.as_text()), Ok(metadata));
        }
        let (unsorted, cut) = (InvalidMetadata::Unsorted("a".into()), InvalidMetadata::Cut);
        for (text, error) in [("b\0\0a\0\0", &unsorted), ("a\0\0a\0\0", &unsorted)] {
            assert_eq!(Metadata::from_text(text).as_ref(), Err(error), "{text:?}");
        }
        for text in ["a", "a\0", "a\0b", "a\0b\0c\0d"] {
            assert_eq!(Metadata::from_text(text).as_ref(), Err(&cut), "{text:?}");
        }
        for text in ["\0\0", "a\n\0b\0"] {
            let told = Metadata::from_text(text);
            assert!(matches!(told, Err(InvalidMetadata::Text(_))), "{text:?}");
        }
    }

    #[test]
    fn a_refused_entry_changes_nothing() {
        let mut metadata = Metadata::new().with("a", "line\nbreak \u{1f}").unwrap();
        let before = metadata.clone();
        for (key, value) in [("", "x"), ("a\n", "x"), ("a", "x\0"), (&"k".repeat(256), "")] {
            assert!(metadata.insert(key, value).is_err(), "{key:?}");
        }
        assert_eq!(metadata, before);
    }
}
