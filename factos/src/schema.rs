use crate::{event_type::EventType, query_for::InvalidQuery, text};

/// What an event type writes and reads: its stored types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schema {
    /// The stored types, one per variant.
    pub types: &'static [TypeInfo],
}

/// One stored type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TypeInfo {
    /// The stored name.
    pub name: &'static str,
    /// The schema version that is written now.
    pub version: u32,
    /// The keys of its tags, each once.
    pub tag_keys: &'static [&'static str],
    /// The Rust item that declares it, as `module::path::Type::Variant`.
    pub origin: &'static str,
}

impl Schema {
    /// The schema of these types.
    #[must_use]
    pub const fn new(types: &'static [TypeInfo]) -> Self {
        Self { types }
    }
}

impl TypeInfo {
    /// A type without tags.
    #[must_use]
    pub const fn new(name: &'static str, version: u32, origin: &'static str) -> Self {
        Self { name, version, tag_keys: &[], origin }
    }

    /// The stored name, without an allocation.
    pub(crate) fn event_type(&self) -> Result<EventType, InvalidQuery> {
        if text::is_name(self.name) {
            Ok(EventType::from_static(self.name))
        } else {
            Err(InvalidQuery::NoType)
        }
    }

    /// The same type with tags under these keys.
    #[must_use]
    pub const fn with_tag_keys(mut self, keys: &'static [&'static str]) -> Self {
        self.tag_keys = keys;
        self
    }
}
