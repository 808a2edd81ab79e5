use std::{
    borrow::Borrow,
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
    sync::Arc,
};

use crate::text_rules::{self, InvalidText};

/// The stored name of an event: 1 to 255 bytes, no control characters. Cloning allocates nothing.
///
/// Two types are equal if and only if their bytes are: no case folding, no normalisation.
#[derive(Clone)]
pub struct EventType(Name);

#[derive(Clone)]
enum Name {
    Static(&'static str),
    Shared(Arc<str>),
}

impl EventType {
    /// The type of this name, if the text can be one.
    ///
    /// # Errors
    /// [`InvalidText`] for an empty text, one of more than 255 bytes, or a control character.
    pub fn new(name: impl AsRef<str>) -> Result<Self, InvalidText> {
        let name = name.as_ref();
        text_rules::check_name("event type", name)?;
        Ok(Self(Name::Shared(name.into())))
    }

    /// A name known at compile time; never allocates.
    ///
    /// # Panics
    /// If the name is not valid: in a `const`, that is an error of the compiler.
    ///
    /// ```
    /// const SOLD: factos::EventType = factos::EventType::from_static("TicketSold");
    /// ```
    #[must_use]
    pub const fn from_static(name: &'static str) -> Self {
        assert!(
            text_rules::is_name(name),
            "an event type has 1 to 255 bytes and no control characters"
        );
        Self(Name::Static(name))
    }

    /// A name that the derive has checked.
    pub(crate) const fn of_derived(name: &'static str) -> Self {
        Self(Name::Static(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Name::Static(name) => name,
            Name::Shared(name) => name,
        }
    }
}

impl AsRef<str> for EventType {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for EventType {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl FromStr for EventType {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        Self::new(text)
    }
}

impl PartialEq for EventType {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for EventType {}

impl PartialEq<str> for EventType {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for EventType {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialOrd for EventType {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EventType {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for EventType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventType({:?})", self.as_str())
    }
}
